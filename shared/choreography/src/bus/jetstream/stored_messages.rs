//! Reads stored messages of a stream without a consumer: nothing is left on the server if reading stops early.
//!
//! Lists are read by DIRECT.GET in batches: with replicas, the reply may come from a server that is not quite up to
//! date. A message whose headers the client can't read breaks the connection: what follows such a place is read singly.

use std::time::Duration;

use async_nats::{Client, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::json;

use super::link::Link;
use super::protocol;
use super::single_message::{Position, REPLY_TIME_MAX, message};
use crate::bus::{BusError, ReadFrom, Stored};

/// The most messages that one request returns: 18 MiB of the largest.
const BATCH_MAX: usize = 256;

/// The status at the end of a batch.
const END_OF_BATCH: u16 = 204;

/// Reads the messages of a subject, batch by batch.
pub(crate) struct StreamReader<'a> {
    client: &'a Client,
    /// The connection, if it never reconnects.
    link: Option<&'a Link>,
    stream: &'a str,
    subject: String,
    /// Where reading goes on; none at the end.
    next: Option<ReadFrom>,
    /// A sequence behind which a connection broke: messages are read singly until one behind it has been read.
    suspect: Option<u64>,
    reply_time_max: Duration,
}

impl<'a> StreamReader<'a> {
    /// Returns a reader for a client that reconnects.
    pub(crate) fn new(client: &'a Client, stream: &'a str, subject: impl Into<String>, from: ReadFrom) -> Self {
        let (subject, reply_time_max) = (subject.into(), REPLY_TIME_MAX);
        Self { client, link: None, stream, subject, next: Some(from), suspect: None, reply_time_max }
    }

    /// Returns a reader for a connection that never reconnects.
    pub(super) fn on(link: &'a Link, stream: &'a str, subject: &str, from: ReadFrom) -> Self {
        let is_ahead = |after: &u64| !matches!(from, ReadFrom::Sequence(from) if from > after + 1);
        let suspect = link.suspects.after(stream, subject).filter(is_ahead);
        let reply_time_max = link.options.ack_timeout;
        Self { link: Some(link), suspect, reply_time_max, ..Self::new(&link.client, stream, subject, from) }
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

    /// Returns the next messages, perhaps none; at the end, `next` is none.
    async fn batch(&mut self, max: usize) -> Result<Vec<Stored>, BusError> {
        let Some(from) = self.next else { return Ok(Vec::new()) };
        if let Some(after) = self.suspect {
            return self.single(from, after).await;
        }
        let mut batch = Vec::new();
        let has_more = self.request(from, max, &mut batch).await;
        let read_up_to = batch.last().map(|last| last.sequence);
        let go_on = read_up_to.map_or(from, |last| ReadFrom::Sequence(last + 1));
        match has_more {
            Ok(has_more) => self.next = (has_more && read_up_to.is_some()).then_some(go_on),
            Err(BusError::Lost(reason)) => {
                self.next = Some(go_on);
                let before = if let ReadFrom::Sequence(from) = from { from.saturating_sub(1) } else { 0 };
                self.set_suspect(Some(read_up_to.unwrap_or(before)));
                if self.link.is_some() {
                    return Err(BusError::Lost(reason));
                }
            }
            Err(error) => return Err(error),
        }
        Ok(batch)
    }

    /// Returns one message. If it is the first behind a suspicious place and can be read, the place is not suspicious.
    async fn single(&mut self, from: ReadFrom, after: u64) -> Result<Vec<Stored>, BusError> {
        let single = message(self.client, self.stream, Position::First(&self.subject, from));
        let single = match self.link {
            Some(link) => link.unless_lost(single).await?,
            None => single.await?,
        };
        self.next = single.as_ref().map(|stored| ReadFrom::Sequence(stored.sequence + 1));
        if let Some(stored) = single.as_ref().filter(|stored| stored.sequence > after) {
            self.set_suspect(stored.unreadable.as_ref().map(|_| stored.sequence - 1));
            self.suspect = None;
        }
        Ok(single.into_iter().collect())
    }

    fn set_suspect(&mut self, after: Option<u64>) {
        self.suspect = after;
        if let Some(link) = self.link {
            link.suspects.set(self.stream, &self.subject, after);
        }
    }

    /// Adds the messages of one request to a batch. Returns whether there are more.
    async fn request(&self, from: ReadFrom, max: usize, batch: &mut Vec<Stored>) -> Result<bool, BusError> {
        let mut request = json!({ "next_by_subj": self.subject, "batch": max });
        match from {
            ReadFrom::Sequence(sequence) => request["seq"] = sequence.max(1).into(),
            ReadFrom::Time(moment) => request["start_time"] = moment.to_string().into(),
        }
        let inbox = self.client.new_inbox();
        let mut replies = self.client.subscribe(inbox.clone()).await.map_err(|error| self.lost(error))?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let requested = self.client.publish_with_reply(subject, inbox, request.to_string().into()).await;
        requested.map_err(|error| self.lost(error))?;
        loop {
            let reply = self.reply(&mut replies).await?;
            // A stored message may have the line of a status, too: the server's own has no sequence.
            match protocol::stored(&reply) {
                Ok(stored) if batch.len() < max && comes_next(&stored, from, batch) => batch.push(stored),
                Ok(_) => {
                    let reading = format!("reading the stream {}", self.stream);
                    return Err(BusError::Refused(format!("{reading}: messages out of order, or too many")));
                }
                Err(error) if reply.status.is_none() => return Err(error),
                Err(_) => return self.has_more(&reply),
            }
        }
    }

    /// Returns the next reply. Those that arrived before the connection was lost come first.
    async fn reply(&self, replies: &mut Subscriber) -> Result<Message, BusError> {
        let closed = async {
            match self.link {
                Some(link) => link.pending.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            reply = tokio::time::timeout(self.reply_time_max, replies.next()) => match reply {
                Ok(Some(reply)) => Ok(reply),
                Ok(None) => Err(self.lost("the client stopped")),
                Err(_) => Err(self.lost(format!("no reply within {:?}", self.reply_time_max))),
            },
            reason = closed => Err(reason),
        }
    }

    /// Whether there are more messages, by the status at the end of a batch.
    fn has_more(&self, end: &Message) -> Result<bool, BusError> {
        match end.status {
            Some(StatusCode::NOT_FOUND) | None => Ok(false),
            Some(status) if status.as_u16() == END_OF_BATCH => Ok(protocol::number(end, "Nats-Num-Pending") > Some(0)),
            Some(StatusCode::NO_RESPONDERS) => Err(protocol::missing(self.stream)),
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

/// Whether a message lies behind those of a batch, and not before where the batch begins: else reading might not end.
fn comes_next(stored: &Stored, from: ReadFrom, batch: &[Stored]) -> bool {
    let is_before = matches!(from, ReadFrom::Sequence(from) if stored.sequence < from);
    !is_before && batch.last().is_none_or(|last| stored.sequence > last.sequence)
}

/// Returns the sequence of the last message that a stream took.
pub(crate) async fn last_sequence(client: &Client, stream: &str) -> Result<u64, BusError> {
    #[derive(Deserialize)]
    struct Info {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        #[serde(deserialize_with = "protocol::sequence")]
        last_seq: u64,
    }
    let reply = client.request(format!("$JS.API.STREAM.INFO.{stream}"), Bytes::new()).await;
    let reply =
        reply.map_err(|error| BusError::Lost(format!("requesting the state of the stream {stream}: {error}")))?;
    let info: Info = serde_json::from_slice(&reply.payload).map_err(|_| protocol::missing(stream))?;
    Ok(info.state.last_seq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::envelope::Envelope;

    #[test]
    fn a_message_comes_behind_those_before_it() {
        let stored = |sequence| {
            let (at, envelope) = (jiff::Timestamp::UNIX_EPOCH, Envelope::default());
            Stored { sequence, at, envelope, unreadable: None }
        };
        let from = ReadFrom::Sequence(5);
        assert!(comes_next(&stored(5), from, &[]) && comes_next(&stored(9), from, &[stored(7)]));
        assert!(!comes_next(&stored(4), from, &[]) && !comes_next(&stored(7), from, &[stored(7)]));
        assert!(comes_next(&stored(1), ReadFrom::Time(jiff::Timestamp::UNIX_EPOCH), &[]));
    }
}
