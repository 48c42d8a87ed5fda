//! A stream read without a consumer: nothing is made on the server for it, so nothing is left there if it breaks off.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_nats::{Client, RequestErrorKind, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::bus::Stored;
use crate::bus::jetstream::protocol;

/// Messages that one request brings: 18 MiB of the largest.
const BATCH_MAX: usize = 256;

/// How long the server may take for the next message that it was asked for.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// The status at the end of a batch.
const END_OF_BATCH: u16 = 204;

/// Where a reading goes on.
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
    place: StartAt,
}

impl<'a> StreamReader<'a> {
    pub(super) fn new(client: &'a Client, stream: &'static str, subject: String, place: StartAt) -> Self {
        Self { client, stream, subject, place }
    }

    /// Takes all of them, in order. Only one batch is in memory at a time.
    pub(super) async fn each(mut self, mut take: impl FnMut(Stored) -> Result<()>) -> Result<()> {
        loop {
            let batch = self.next().await?;
            if batch.is_empty() {
                return Ok(());
            }
            batch.into_iter().try_for_each(&mut take)?;
        }
    }

    /// The next messages; none at the end.
    /// <https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md>
    async fn next(&mut self) -> Result<Vec<Stored>> {
        let request = match self.place {
            StartAt::Sequence(sequence) => json!({ "next_by_subj": self.subject, "batch": BATCH_MAX, "seq": sequence }),
            StartAt::Time(time) => json!({ "next_by_subj": self.subject, "batch": BATCH_MAX, "start_time": time }),
            StartAt::End => return Ok(Vec::new()),
        };
        let (batch, more) = self.batch(request.to_string().into()).await?;
        self.place = match batch.last() {
            Some(last) if more => StartAt::Sequence(last.sequence + 1),
            _ => StartAt::End,
        };
        Ok(batch)
    }

    /// One request's worth, and whether there is more.
    async fn batch(&self, request: Bytes) -> Result<(Vec<Stored>, bool)> {
        let reading = || format!("reading {} of the stream {}", self.subject, self.stream);
        let inbox = self.client.new_inbox();
        let mut records = self.client.subscribe(inbox.clone()).await.with_context(reading)?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        self.client.publish_with_reply(subject, inbox, request).await.with_context(reading)?;
        let mut batch = Vec::new();
        loop {
            let record = tokio::time::timeout(ANSWER_MAX, records.next()).await;
            let record = record.ok().flatten().with_context(|| format!("{}: the server is silent", reading()))?;
            match record.status {
                None => batch.push(protocol::stored(&record).with_context(reading)?),
                Some(StatusCode::NOT_FOUND) => return Ok((batch, false)),
                Some(status) if status.as_u16() == END_OF_BATCH => {
                    return Ok((batch, protocol::number(&record, "Nats-Num-Pending") > Some(0)));
                }
                Some(StatusCode::NO_RESPONDERS) => bail!(missing(self.stream)),
                Some(status) => bail!("{}: {status} {}", reading(), record.description.unwrap_or_default()),
            }
        }
    }
}

/// One message; none if the stream never had it, or has it no more.
pub(super) async fn message(client: &Client, stream: &str, sequence: u64) -> Result<Option<Stored>> {
    let request = json!({ "seq": sequence }).to_string().into();
    let record = match client.request(format!("$JS.API.DIRECT.GET.{stream}"), request).await {
        Ok(record) => record,
        Err(error) if error.kind() == RequestErrorKind::NoResponders => bail!(missing(stream)),
        Err(error) => return Err(error).with_context(|| format!("reading message {sequence} of the stream {stream}")),
    };
    match record.status {
        None => Ok(Some(protocol::stored(&record)?)),
        Some(StatusCode::NOT_FOUND) => Ok(None),
        Some(status) => bail!("reading message {sequence} of the stream {stream}: {status}"),
    }
}

/// The sequence of the last message that a stream took.
pub(super) async fn last_sequence(client: &Client, stream: &str) -> Result<u64> {
    #[derive(Deserialize)]
    struct Info {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        last_seq: u64,
    }
    let record = client.request(format!("$JS.API.STREAM.INFO.{stream}"), Bytes::new()).await;
    let record = record.with_context(|| format!("asking about the stream {stream}"))?;
    let info: Info = serde_json::from_slice(&record.payload).with_context(|| missing(stream))?;
    Ok(info.state.last_seq)
}

fn missing(stream: &str) -> String {
    format!("the stream {stream} is missing, or JetStream is not ready: it has to be provisioned")
}
