//! Reads stored messages of a stream without a consumer: nothing is left on the server if reading stops early.
//!
//! Lists are read by DIRECT.GET in batches: with replicas, the reply may come from a server that is not quite up to
//! date.

use std::time::Duration;

use async_nats::{Client, Message, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::json;

use super::protocol;
use crate::bus::{BusError, ReadFrom, Stored};

/// The most messages that one request returns: 18 MiB of the largest.
const BATCH_MAX: usize = 256;

/// How long the server may take for the next message of a batch, where the caller has no time-out of its own.
const REPLY_TIME_MAX: Duration = Duration::from_secs(5);

/// The status at the end of a batch.
const END_OF_BATCH: u16 = 204;

/// Reads the messages of a subject, batch by batch.
pub(crate) struct StreamReader<'a> {
    client: &'a Client,
    stream: &'a str,
    subject: String,
    /// Where reading goes on; none at the end.
    next: Option<ReadFrom>,
    reply_time_max: Duration,
}

impl<'a> StreamReader<'a> {
    pub(crate) fn new(client: &'a Client, stream: &'a str, subject: impl Into<String>, from: ReadFrom) -> Self {
        Self { client, stream, subject: subject.into(), next: Some(from), reply_time_max: REPLY_TIME_MAX }
    }

    /// Replaces the default time-out of five seconds for each message.
    pub(super) fn reply_time_max(self, reply_time_max: Duration) -> Self {
        Self { reply_time_max, ..self }
    }

    /// Calls `take` with every message, in order. Only one batch is in memory at a time.
    pub(crate) async fn each<E: From<BusError>>(
        mut self,
        mut take: impl FnMut(Stored) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.next.is_some() {
            self.batch(BATCH_MAX).await?.into_iter().try_for_each(&mut take)?;
        }
        Ok(())
    }

    /// Returns at most `max` messages, in order.
    pub(super) async fn up_to(mut self, max: usize) -> Result<Vec<Stored>, BusError> {
        let mut read = Vec::new();
        while read.len() < max && self.next.is_some() {
            read.extend(self.batch(BATCH_MAX.min(max - read.len())).await?);
        }
        Ok(read)
    }

    /// Returns the messages of one request.
    async fn batch(&mut self, max: usize) -> Result<Vec<Stored>, BusError> {
        let mut request = json!({ "next_by_subj": self.subject, "batch": max });
        match self.next.take() {
            Some(ReadFrom::Sequence(sequence)) => request["seq"] = sequence.max(1).into(),
            Some(ReadFrom::Time(moment)) => request["start_time"] = moment.to_string().into(),
            None => return Ok(Vec::new()),
        }
        let inbox = self.client.new_inbox();
        let mut replies = self.client.subscribe(inbox.clone()).await.map_err(|error| self.lost(error))?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let requested = self.client.publish_with_reply(subject, inbox, request.to_string().into()).await;
        requested.map_err(|error| self.lost(error))?;
        let mut batch: Vec<Stored> = Vec::new();
        loop {
            let reply = tokio::time::timeout(self.reply_time_max, replies.next()).await;
            let reply = reply.map_err(|_| self.lost(format!("no reply within {:?}", self.reply_time_max)))?;
            let reply = reply.ok_or_else(|| self.lost("the client stopped"))?;
            if reply.status.is_none() {
                batch.push(protocol::stored(&reply)?);
                continue;
            }
            if self.has_more(&reply)? {
                self.next = batch.last().map(|last| ReadFrom::Sequence(last.sequence + 1));
            }
            return Ok(batch);
        }
    }

    /// Whether there are more messages, by the status at the end of a batch.
    fn has_more(&self, end: &Message) -> Result<bool, BusError> {
        match end.status {
            Some(StatusCode::NOT_FOUND) | None => Ok(false),
            Some(status) if status.as_u16() == END_OF_BATCH => Ok(protocol::number(end, "Nats-Num-Pending") > Some(0)),
            Some(StatusCode::NO_RESPONDERS) => Err(missing(self.stream)),
            Some(status) => {
                let description = end.description.as_deref().unwrap_or_default();
                Err(BusError::Refused(format!("reading the stream {}: {status} {description}", self.stream)))
            }
        }
    }

    fn lost(&self, error: impl std::fmt::Display) -> BusError {
        BusError::Lost(format!("reading {} of the stream {}: {error}", self.subject, self.stream))
    }
}

/// Returns the sequence of the last message that a stream took.
pub(crate) async fn last_sequence(client: &Client, stream: &str) -> Result<u64, BusError> {
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

pub(super) fn missing(stream: &str) -> BusError {
    BusError::Refused(format!("the stream {stream} is missing, or JetStream is not ready: provision it"))
}
