//! Publishes the messages of repairs in order, with a bounded number of them unacknowledged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::IntoFuture;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishAckFuture, PublishError, PublishErrorKind};

use super::dead_letter::DeadLetter;
use super::error::DeadLettersError;
use crate::bus::BusError;
use crate::bus::jetstream::protocol;
use crate::bus::jetstream::single_message::{Position, message};
use crate::wire::dead_letter::{DEAD_LETTERS, one_line};
use crate::wire::envelope::Envelope;
use crate::wire::repair::{DROP, DROP_REASON, REPLAY};

/// The most published messages that may be unacknowledged: 5 MiB of the largest. Reading the dead letters is slower.
const WINDOW_MAX: usize = 64;

/// How long the server may take to acknowledge a message.
const ACKNOWLEDGEMENT_TIME_MAX: Duration = Duration::from_secs(5);

/// The headers that name the dead letter of a repair.
pub(super) const REPAIR_HEADERS: [&str; 2] = [REPLAY, DROP];

/// What the service where a message died has to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairRequest {
    /// Process it once more.
    Replay,
    /// Drop it.
    Drop {
        /// The reason, one line; it is kept with the record.
        reason: String,
    },
}

impl RepairRequest {
    /// Returns the message to publish: the original, with the headers of the repair.
    fn envelope(&self, dead_letter: &DeadLetter, stored: Envelope) -> Envelope {
        let original = dead_letter.original(stored);
        let headers = match self {
            Self::Replay => original.headers.with(REPLAY, dead_letter.mark()),
            Self::Drop { reason } => {
                original.headers.with(DROP, dead_letter.mark()).with(DROP_REASON, one_line(reason))
            }
        };
        Envelope { headers, ..original }
    }
}

/// The messages of repairs, from their publication to the acknowledgement.
pub(super) struct PublishWindow<'a> {
    client: &'a Client,
    context: Context,
    request: &'a RepairRequest,
    unacknowledged: VecDeque<Unacknowledged>,
    /// The dead letters whose message was published.
    pub(super) sent: BTreeSet<u64>,
    /// The dead letters whose message the server refused, and why.
    pub(super) refused: BTreeMap<u64, String>,
}

struct Unacknowledged {
    dead_letter: u64,
    key: String,
    acknowledgement: PublishAckFuture,
}

impl<'a> PublishWindow<'a> {
    pub(super) fn new(client: &'a Client, request: &'a RepairRequest) -> Self {
        let context = ContextBuilder::new().ack_timeout(ACKNOWLEDGEMENT_TIME_MAX).build(client.clone());
        Self {
            client,
            context,
            request,
            unacknowledged: VecDeque::new(),
            sent: BTreeSet::new(),
            refused: BTreeMap::new(),
        }
    }

    /// Publishes the message of a dead letter. The next message of a key waits for the acknowledgement of the one
    /// before, because a connection that is lost and made again may lose the first and deliver the second.
    ///
    /// # Errors
    /// The connection fails; nothing more may be published on it.
    pub(super) async fn send(&mut self, dead_letter: &DeadLetter) -> Result<(), DeadLettersError> {
        let sequence = dead_letter.sequence;
        let Some(stored) = message(self.client, DEAD_LETTERS, Position::At(sequence)).await? else {
            self.refuse(sequence, "the dead letter has left the stream".to_owned());
            return Ok(());
        };
        while self.unacknowledged.len() >= WINDOW_MAX
            || self.unacknowledged.iter().any(|before| before.key == dead_letter.key)
        {
            self.settle().await?;
        }
        let envelope = self.request.envelope(dead_letter, stored.envelope);
        let headers = match protocol::header_map(&envelope.headers) {
            Ok(headers) => headers,
            Err(problem) => {
                self.refuse(sequence, problem.to_string());
                return Ok(());
            }
        };
        match self.context.publish_with_headers(envelope.subject.to_string(), headers, envelope.payload).await {
            Ok(acknowledgement) => {
                let key = dead_letter.key.clone();
                self.sent.insert(sequence);
                self.unacknowledged.push_back(Unacknowledged { dead_letter: sequence, key, acknowledgement });
                Ok(())
            }
            Err(error) => self.refused_or_lost(sequence, error),
        }
    }

    /// Waits until everything is acknowledged or refused.
    pub(super) async fn settle_all(&mut self) -> Result<(), DeadLettersError> {
        while !self.unacknowledged.is_empty() {
            self.settle().await?;
        }
        Ok(())
    }

    /// Waits for the oldest acknowledgement.
    async fn settle(&mut self) -> Result<(), DeadLettersError> {
        let Some(Unacknowledged { dead_letter, acknowledgement, .. }) = self.unacknowledged.pop_front() else {
            return Ok(());
        };
        match acknowledgement.into_future().await {
            Ok(_) => Ok(()),
            Err(error) => self.refused_or_lost(dead_letter, error),
        }
    }

    /// Notes a message that the server refused, or returns the error of a connection that failed: a refusal concerns
    /// one message, a failed connection all that follow.
    fn refused_or_lost(&mut self, dead_letter: u64, error: PublishError) -> Result<(), DeadLettersError> {
        let why = match error.kind() {
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe | PublishErrorKind::MaxAckPending => {
                let source = BusError::Lost(error.to_string());
                return Err(DeadLettersError::Publish { dead_letter, source });
            }
            PublishErrorKind::StreamNotFound => "no stream takes the message any more".to_owned(),
            _ => error.to_string(),
        };
        self.refuse(dead_letter, why);
        Ok(())
    }

    fn refuse(&mut self, dead_letter: u64, why: String) {
        self.sent.remove(&dead_letter);
        self.refused.insert(dead_letter, why);
    }
}
