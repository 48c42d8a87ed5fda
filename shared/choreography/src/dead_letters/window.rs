//! Publishing what is asked about dead letters: in their order, in a window that never grows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::IntoFuture;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use async_nats::Client;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishAckFuture, PublishError, PublishErrorKind};

use super::dead_letter::DeadLetter;
use super::stream_reader::message;
use crate::bus::jetstream::protocol;
use crate::wire::dead_letter::DEAD_LETTERS;
use crate::wire::envelope::Envelope;
use crate::wire::repair::{DROP, DROP_REASON, REPLAY};

/// At most so many published messages unacknowledged: 5 MiB of the largest. Reading the dead letters is slower than that.
const WINDOW_MAX: usize = 64;

/// How long the server may take to acknowledge.
const ACKNOWLEDGEMENT_MAX: Duration = Duration::from_secs(5);

/// The headers that name the dead letter that is meant.
pub(super) const MARKS: [&str; 2] = [REPLAY, DROP];

/// What is asked of the service where a message died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairRequest {
    /// Do it once more.
    Replay,
    /// Give it up.
    Drop {
        /// Why; one line.
        why: String,
    },
}

impl RepairRequest {
    /// The message as it is published: the original, and what is asked about which dead letter.
    fn about(&self, dead_letter: &DeadLetter, stored: Envelope) -> Envelope {
        let original = dead_letter.original(stored);
        let headers = match self {
            Self::Replay => original.headers.with(REPLAY, dead_letter.mark()),
            Self::Drop { why } => {
                let why: String =
                    why.chars().map(|dead_letter| if dead_letter.is_control() { ' ' } else { dead_letter }).collect();
                original.headers.with(DROP, dead_letter.mark()).with(DROP_REASON, why)
            }
        };
        Envelope { headers, ..original }
    }
}

/// What is being published.
pub(super) struct PublishWindow<'a> {
    client: &'a Client,
    context: Context,
    request: &'a RepairRequest,
    window: VecDeque<Outstanding>,
    /// The dead letters whose message went out.
    pub(super) sent: BTreeSet<u64>,
    /// The dead letters whose message the server does not take, and why.
    pub(super) refused: BTreeMap<u64, String>,
}

struct Outstanding {
    dead_letter: u64,
    key: String,
    acknowledgement: PublishAckFuture,
}

impl<'a> PublishWindow<'a> {
    pub(super) fn new(client: &'a Client, request: &'a RepairRequest) -> Self {
        let context = ContextBuilder::new().ack_timeout(ACKNOWLEDGEMENT_MAX).build(client.clone());
        Self { client, context, request, window: VecDeque::new(), sent: BTreeSet::new(), refused: BTreeMap::new() }
    }

    /// Publishes what is asked about a dead letter. The next message of a key waits for the acknowledgement of the one
    /// before: a connection that breaks and comes back may lose the one and keep the other.
    ///
    /// # Errors
    /// The connection fails: nothing more is to be sent on it.
    pub(super) async fn send(&mut self, dead_letter: &DeadLetter) -> Result<()> {
        let sequence = dead_letter.sequence;
        let Some(stored) = message(self.client, DEAD_LETTERS, sequence).await? else {
            self.refuse(sequence, "the dead letter has left the stream".to_owned());
            return Ok(());
        };
        while self.window.len() >= WINDOW_MAX || self.window.iter().any(|before| before.key == dead_letter.key) {
            self.settle().await?;
        }
        let envelope = self.request.about(dead_letter, stored.envelope);
        let headers = match protocol::written(&envelope.headers) {
            Ok(headers) => headers,
            Err(problem) => {
                self.refuse(sequence, problem);
                return Ok(());
            }
        };
        match self.context.publish_with_headers(envelope.subject.to_string(), headers, envelope.payload).await {
            Ok(acknowledgement) => {
                let key = dead_letter.key.clone();
                self.sent.insert(sequence);
                self.window.push_back(Outstanding { dead_letter: sequence, key, acknowledgement });
                Ok(())
            }
            Err(error) => self.refused_or_lost(sequence, error),
        }
    }

    /// Waits until everything is acknowledged.
    pub(super) async fn settle_all(&mut self) -> Result<()> {
        while !self.window.is_empty() {
            self.settle().await?;
        }
        Ok(())
    }

    /// Waits for the oldest acknowledgement.
    async fn settle(&mut self) -> Result<()> {
        let Some(Outstanding { dead_letter, acknowledgement, .. }) = self.window.pop_front() else { return Ok(()) };
        match acknowledgement.into_future().await {
            Ok(_) => Ok(()),
            Err(error) => self.refused_or_lost(dead_letter, error),
        }
    }

    /// What the server has against one message concerns no other; a connection that fails concerns all that follow.
    fn refused_or_lost(&mut self, dead_letter: u64, error: PublishError) -> Result<()> {
        let why = match error.kind() {
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe | PublishErrorKind::MaxAckPending => {
                return Err(error).with_context(|| format!("publishing the message of dead letter {dead_letter}"));
            }
            PublishErrorKind::StreamNotFound => "no stream takes the message any more".to_owned(),
            _ => format!("{:#}", anyhow!(error)),
        };
        self.refuse(dead_letter, why);
        Ok(())
    }

    fn refuse(&mut self, dead_letter: u64, why: String) {
        self.sent.remove(&dead_letter);
        self.refused.insert(dead_letter, why);
    }
}
