//! A pull subscription: requests that overlap, so that the server always has one to serve.
//!
//! Nothing is acknowledged; the caller's database has the position.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use serde_json::json;
use tokio::time::Instant;

use super::link::{Link, lost};
use super::protocol;
use crate::bus::{BusError, Deliveries, Delivery};

/// The most messages that are requested and not received: two of the engine's batches.
const WANTED_MAX: u64 = 1_024;

/// The next request is sent when no more than these are requested and not received.
const WANTED_MIN: u64 = WANTED_MAX / 2;

/// How many heartbeats the server keeps a request: an abandoned one ends after this.
const EXPIRES_HEARTBEATS: u32 = 6;

/// How many heartbeats may be missed: a single one can be late.
const HEARTBEATS_MISSED: u32 = 2;

/// A pull subscription with a new inbox: messages for an abandoned request of an earlier one cannot reach it.
pub(super) struct PullSubscription {
    link: Arc<Link>,
    request: String,
    inbox: String,
    subscriber: Subscriber,
    /// How many messages are requested and not received.
    wanted: u64,
    last_message: Instant,
}

impl PullSubscription {
    pub(super) async fn begin(link: Arc<Link>, consumer: &str) -> Result<Self, BusError> {
        let inbox = link.client.new_inbox();
        let subscriber = link.client.subscribe(inbox.clone()).await.map_err(lost)?;
        let request = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", link.options.stream);
        let mut subscription = Self { link, request, inbox, subscriber, wanted: 0, last_message: Instant::now() };
        subscription.request_more().await?;
        Ok(subscription)
    }

    /// Sends the next request if it is time.
    async fn request_more(&mut self) -> Result<(), BusError> {
        if self.wanted > WANTED_MIN {
            return Ok(());
        }
        let heartbeat = self.link.options.heartbeat;
        let request = json!({
            "batch": WANTED_MAX - self.wanted,
            "expires": nanoseconds(heartbeat * EXPIRES_HEARTBEATS),
            "idle_heartbeat": nanoseconds(heartbeat),
        });
        let (subject, inbox) = (self.request.clone(), self.inbox.clone());
        self.link.client.publish_with_reply(subject, inbox, request.to_string().into()).await.map_err(lost)?;
        self.wanted = WANTED_MAX;
        Ok(())
    }

    /// Waits for the next message.
    async fn next_message(&mut self) -> Result<Message, BusError> {
        let silence = self.link.options.heartbeat * HEARTBEATS_MISSED;
        tokio::select! {
            biased;
            reason = self.link.pending.closed() => Err(reason),
            message = tokio::time::timeout_at(self.last_message + silence, self.subscriber.next()) => match message {
                Ok(Some(message)) => Ok(message),
                Ok(None) => Err(BusError::Lost("the client stopped".to_owned())),
                Err(_) => Err(BusError::Lost(format!("the server was silent for {silence:?}"))),
            },
        }
    }

    /// Returns the delivery in a message; none if the message is only a status of the server.
    fn decode(&mut self, message: &Message) -> Result<Option<Delivery>, BusError> {
        let Some(status) = message.status else {
            self.wanted = self.wanted.saturating_sub(1);
            return match protocol::delivery(message) {
                Some(delivery) => Ok(Some(delivery)),
                None => Err(BusError::Refused(format!("a message came without its sequences: {}", message.subject))),
            };
        };
        match status {
            StatusCode::IDLE_HEARTBEAT => Ok(None),
            StatusCode::TIMEOUT => {
                self.wanted =
                    self.wanted.saturating_sub(protocol::number(message, "Nats-Pending-Messages").unwrap_or(0));
                Ok(None)
            }
            StatusCode::NO_RESPONDERS => Err(BusError::Refused(format!("{}: no such consumer", self.request))),
            _ => Err(BusError::Lost(format!(
                "the pull ended: {status} {}",
                message.description.as_deref().unwrap_or_default()
            ))),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Deliveries for PullSubscription {
    // No delivery is held across an await: a caller that stops waiting loses nothing.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        let mut deliveries = Vec::new();
        while deliveries.is_empty() {
            self.request_more().await?;
            let mut next = Some(self.next_message().await?);
            self.last_message = Instant::now();
            while let Some(message) = next {
                deliveries.extend(self.decode(&message)?);
                if deliveries.len() >= max {
                    break;
                }
                next = self.subscriber.next().now_or_never().flatten();
            }
        }
        Ok(deliveries)
    }
}
