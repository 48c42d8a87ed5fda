//! Reads a stream without a consumer, so that nothing is left on the server if reading breaks off.

use std::fmt::Display;
use std::time::Duration;

use async_nats::{Client, RequestErrorKind, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::bus::jetstream::protocol;
use crate::bus::{BusError, Stored};

/// The most messages that one request returns: 18 MiB of the largest.
const BATCH_MAX: usize = 256;

/// How long the server may take for the next message of a batch.
const REPLY_TIME_MAX: Duration = Duration::from_secs(5);

/// The status at the end of a batch.
const END_OF_BATCH: u16 = 204;

/// Where reading starts, or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartAt {
    Sequence(u64),
    Time(Timestamp),
    End,
}

/// The messages of a subject, batch by batch.
pub(super) struct StreamReader<'a> {
    client: &'a Client,
    stream: &'static str,
    subject: String,
    next: StartAt,
}

impl<'a> StreamReader<'a> {
    pub(super) fn new(client: &'a Client, stream: &'static str, subject: String, next: StartAt) -> Self {
        Self { client, stream, subject, next }
    }

    /// Calls `take` with every message, in order. Only one batch is in memory at a time.
    pub(super) async fn each<E: From<BusError>>(
        mut self,
        mut take: impl FnMut(Stored) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let batch = self.next_batch().await?;
            if batch.is_empty() {
                return Ok(());
            }
            batch.into_iter().try_for_each(&mut take)?;
        }
    }

    /// Returns the next messages; none at the end.
    /// <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md>
    async fn next_batch(&mut self) -> Result<Vec<Stored>, BusError> {
        let request = match self.next {
            StartAt::Sequence(sequence) => json!({ "next_by_subj": self.subject, "batch": BATCH_MAX, "seq": sequence }),
            StartAt::Time(time) => json!({ "next_by_subj": self.subject, "batch": BATCH_MAX, "start_time": time }),
            StartAt::End => return Ok(Vec::new()),
        };
        let (batch, more) = self.batch(request.to_string().into()).await?;
        self.next = match batch.last() {
            Some(last) if more => StartAt::Sequence(last.sequence + 1),
            _ => StartAt::End,
        };
        Ok(batch)
    }

    /// Returns the messages of one request, and whether there are more.
    async fn batch(&self, request: Bytes) -> Result<(Vec<Stored>, bool), BusError> {
        let reading = || format!("reading {} of the stream {}", self.subject, self.stream);
        let inbox = self.client.new_inbox();
        let lost = |error: &dyn Display| BusError::Lost(format!("{}: {error}", reading()));
        let mut replies = self.client.subscribe(inbox.clone()).await.map_err(|error| lost(&error))?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        self.client.publish_with_reply(subject, inbox, request).await.map_err(|error| lost(&error))?;
        let mut batch = Vec::new();
        loop {
            let reply = tokio::time::timeout(REPLY_TIME_MAX, replies.next()).await;
            let reply = reply.ok().flatten().ok_or_else(|| lost(&"the server does not reply"))?;
            match reply.status {
                None => batch.push(protocol::stored(&reply)?),
                Some(StatusCode::NOT_FOUND) => return Ok((batch, false)),
                Some(status) if status.as_u16() == END_OF_BATCH => {
                    return Ok((batch, protocol::number(&reply, "Nats-Num-Pending") > Some(0)));
                }
                Some(StatusCode::NO_RESPONDERS) => return Err(missing(self.stream)),
                Some(status) => {
                    let why = reply.description.unwrap_or_default();
                    return Err(BusError::Refused(format!("{}: {status} {why}", reading())));
                }
            }
        }
    }
}

/// Returns one message; none if the stream never had it, or no longer has it.
pub(super) async fn message(client: &Client, stream: &str, sequence: u64) -> Result<Option<Stored>, BusError> {
    let reading = || format!("reading message {sequence} of the stream {stream}");
    let request = json!({ "seq": sequence }).to_string().into();
    let reply = match client.request(format!("$JS.API.DIRECT.GET.{stream}"), request).await {
        Ok(reply) => reply,
        Err(error) if error.kind() == RequestErrorKind::NoResponders => return Err(missing(stream)),
        Err(error) => return Err(BusError::Lost(format!("{}: {error}", reading()))),
    };
    match reply.status {
        None => Ok(Some(protocol::stored(&reply)?)),
        Some(StatusCode::NOT_FOUND) => Ok(None),
        Some(status) => Err(BusError::Refused(format!("{}: {status}", reading()))),
    }
}

/// Returns the sequence of the last message that a stream took.
pub(super) async fn last_sequence(client: &Client, stream: &str) -> Result<u64, BusError> {
    #[derive(Deserialize)]
    struct Info {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        last_seq: u64,
    }
    let reply = client.request(format!("$JS.API.STREAM.INFO.{stream}"), Bytes::new()).await;
    let reply =
        reply.map_err(|error| BusError::Lost(format!("requesting the state of the stream {stream}: {error}")))?;
    let info: Info = serde_json::from_slice(&reply.payload).map_err(|_| missing(stream))?;
    Ok(info.state.last_seq)
}

fn missing(stream: &str) -> BusError {
    BusError::Refused(format!("the stream {stream} is missing, or JetStream is not ready: provision it"))
}
