//! What a service does on a connection.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::consumers;
use super::direct;
use super::link::{Link, reply};
use super::protocol;
use super::pull_subscription::PullSubscription;
use crate::bus::{Acknowledgement, BusError, Connection, ConsumerInfo, Deliveries, ReadFrom, Stored, StreamState};
use crate::wire::dead_letter::{ALL_DEAD_LETTERS, DEAD_LETTERS};
use crate::wire::envelope::Envelope;

/// A service's place on the stream.
pub(super) struct JetStreamConnection {
    link: Arc<Link>,
}

impl JetStreamConnection {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }
}

#[derive(Deserialize)]
struct StreamInfo {
    created: String,
    ts: Timestamp,
    state: StreamInfoState,
}

#[derive(Deserialize)]
struct StreamInfoState {
    first_seq: u64,
    last_seq: u64,
}

#[derive(Deserialize)]
struct Reset {
    reset_seq: u64,
}

/// The state of the stream of events; also the way to know that the server has seen all that was sent before.
pub(super) async fn stream(link: &Link) -> Result<StreamState, BusError> {
    let subject = format!("$JS.API.STREAM.INFO.{}", link.options.stream);
    let info: StreamInfo = link.ask(&subject, Bytes::new()).await.map_err(|refusal| refusal.reason)?;
    Ok(StreamState { created: info.created, first: info.state.first_seq, last: info.state.last_seq, at: info.ts })
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
        stream(&self.link).await
    }

    async fn dead_letters(&self, from: ReadFrom, max: usize) -> Result<Vec<Stored>, BusError> {
        direct::read(&self.link, DEAD_LETTERS, ALL_DEAD_LETTERS, from, max).await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerInfo>, BusError> {
        consumers::consumers(&self.link).await
    }

    async fn first_after(&self, subject: &str, sequence: u64) -> Result<Option<(u64, Timestamp)>, BusError> {
        let from = ReadFrom::Sequence(sequence + 1);
        let first = direct::read(&self.link, &self.link.options.stream, subject, from, 1).await?;
        Ok(first.first().map(|stored| (stored.sequence, stored.at)))
    }

    async fn consumer_info(&self, consumer: &str) -> Result<Option<ConsumerInfo>, BusError> {
        consumers::consumer_info(&self.link, consumer).await
    }

    async fn reset(&self, consumer: &str, sequence: u64) -> Result<u64, BusError> {
        let subject = format!("$JS.API.CONSUMER.RESET.{}.{consumer}", self.link.options.stream);
        let request = json!({ "seq": sequence }).to_string().into();
        match self.link.ask::<Reset>(&subject, request).await {
            Ok(reset) => Ok(reset.reset_seq),
            Err(refusal) => Err(match refusal.reason {
                // A missing consumer does not answer at all.
                BusError::Lost(reason) if self.link.pending.known().is_none() => {
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
        let headers = match protocol::written(&envelope.headers) {
            Ok(headers) => headers,
            Err(reason) => return Ok(std::future::ready(Err(BusError::Refused(reason))).boxed()),
        };
        let awaited = self.link.send(&envelope.subject, headers, envelope.payload.clone()).await?;
        Ok(async move { protocol::acknowledged(&reply(awaited).await?) }.boxed())
    }
}
