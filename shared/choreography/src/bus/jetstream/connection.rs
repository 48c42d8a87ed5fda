//! A service's connection to the server.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::link::{Link, reply};
use super::pull_subscription::PullSubscription;
use super::{consumers, protocol, stream};
use crate::bus::{Acknowledgement, BusError, Connection, ConsumerInfo, Deliveries, ReadFrom, Stored, StreamState};
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

    async fn stream(&self) -> Result<StreamState, BusError> {
        stream::state(&self.link).await
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
        let headers = match protocol::header_map(&envelope.headers) {
            Ok(headers) => headers,
            Err(reason) => return Ok(std::future::ready(Err(reason)).boxed()),
        };
        let awaited = self.link.send(&envelope.subject, headers, envelope.payload.clone()).await?;
        Ok(async move { protocol::acknowledged_sequence(&reply(awaited).await?) }.boxed())
    }
}
