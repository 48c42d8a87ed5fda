//! A service's connection to the server.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::link::{Link, reply};
use super::pull_subscription::PullSubscription;
use super::single_message::{Position, message};
use super::{consumers, progress, protocol, stream};
use crate::bus::{
    Acknowledgement, BusError, Connection, ConsumerInfo, Deliveries, Progress, ReadFrom, Stored, Stream, StreamState,
    check_subject, own_subjects,
};
use crate::wire::dead_letter::{ALL_DEAD_LETTERS, DEAD_LETTERS};
use crate::wire::envelope::Envelope;

/// A service's connection to the server.
pub(super) struct JetStreamConnection {
    link: Arc<Link>,
}

impl JetStreamConnection {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }
}

#[derive(Deserialize)]
struct Reset {
    reset_seq: u64,
}

#[async_trait]
impl Connection for JetStreamConnection {
    fn server_id(&self) -> String {
        self.link.client.server_info().server_id
    }

    async fn lost(&self) -> String {
        self.link.pending.closed().await.to_string()
    }

    async fn stream(&self, stream: Stream) -> Result<StreamState, BusError> {
        stream::state(&self.link, self.link.options.stream(stream)).await
    }

    async fn holes(&self, stream: Stream) -> Result<Vec<u64>, BusError> {
        stream::holes(&self.link, self.link.options.stream(stream)).await
    }

    async fn stamp_at(&self, stream: Stream, sequence: u64) -> Result<Option<i64>, BusError> {
        let (client, stream) = (&self.link.client, self.link.options.stream(stream));
        let stored = self.link.unless_lost(message(client, stream, Position::At(sequence))).await?;
        Ok(stored.map(|stored| stored.stamp_ns()))
    }

    async fn first_stamped_after(&self, stamp_ns: i64) -> Result<Option<u64>, BusError> {
        let from = Timestamp::from_nanosecond(i128::from(stamp_ns) + 1).unwrap_or(Timestamp::MAX);
        let first = Position::First(">", ReadFrom::Time(from));
        let stored = self.link.unless_lost(message(&self.link.client, &self.link.options.stream, first)).await?;
        Ok(stored.map(|stored| stored.sequence))
    }

    async fn own_messages(
        &self,
        stream: Stream,
        publisher: &str,
        after: u64,
        max: usize,
    ) -> Result<Vec<Stored>, BusError> {
        let subject = own_subjects(stream, publisher);
        let stream = self.link.options.stream(stream);
        let read = stream::read(&self.link, stream, &subject, ReadFrom::Sequence(after + 1), max).await?;
        if read.is_empty() {
            let last = message(&self.link.client, stream, Position::Last(&subject));
            let last = self.link.unless_lost(last).await?.map_or(0, |last| last.sequence);
            if last > after {
                return Err(BusError::Lost(format!("a replica lags: it has not the message {last} of {stream}")));
            }
        }
        Ok(read)
    }

    async fn note_progress(&self, service: &str, note: &Progress) -> Result<(), BusError> {
        progress::note(&self.link, service, note).await
    }

    async fn progress(&self, service: &str) -> Result<Option<Progress>, BusError> {
        progress::read(&self.link, service).await
    }

    async fn dead_letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError> {
        stream::read(&self.link, DEAD_LETTERS, ALL_DEAD_LETTERS, from, max).await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerInfo>, BusError> {
        consumers::consumers(&self.link).await
    }

    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError> {
        let from = ReadFrom::Sequence(sequence + 1);
        let first = stream::read(&self.link, &self.link.options.stream, subject, from, 1).await?;
        Ok(first.first().map(|stored| (stored.sequence, stored.at)))
    }

    async fn consumer_info(&self, consumer: &str) -> Result<Option<ConsumerInfo>, BusError> {
        consumers::consumer_info(&self.link, consumer).await
    }

    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError> {
        let subject = format!("$JS.API.CONSUMER.RESET.{}.{consumer}", self.link.options.stream);
        let request = json!({ "seq": sequence }).to_string().into();
        match self.link.request::<Reset>(&subject, request).await {
            Ok(reset) => Ok(reset.reset_seq),
            Err(error) => Err(match error.reason {
                // The server does not reply at all for a missing consumer.
                BusError::Lost(reason) if self.link.pending.lost().is_none() => {
                    BusError::Refused(format!("reset of consumer {consumer}: {reason}; does it exist?"))
                }
                reason => reason,
            }),
        }
    }

    async fn pull(&self, consumer: &str) -> Result<Box<dyn Deliveries>, BusError> {
        Ok(Box::new(PullSubscription::begin(self.link.clone(), consumer).await?))
    }

    async fn publish(&self, envelope: &Envelope) -> Result<Acknowledgement, BusError> {
        let checked = check_subject(&envelope.subject).and_then(|()| protocol::header_map(&envelope.headers));
        let headers = match checked {
            Ok(headers) => headers,
            Err(reason) => return Ok(std::future::ready(Err(reason)).boxed()),
        };
        let awaited = self.link.send(&envelope.subject, headers, envelope.payload.clone()).await?;
        Ok(async move { protocol::acknowledged_sequence(&reply(awaited).await?) }.boxed())
    }
}
