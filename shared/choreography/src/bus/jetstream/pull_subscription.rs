//! A consumer's messages: pull requests that overlap, so that the server always has one to answer.
//!
//! Nothing is acknowledged; the caller's database knows how far it has read.

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

/// Messages that the server may have under way: two of the engine's batches.
const WANTED_MAX: u64 = 1_024;

/// A new request goes out when only this many are still wanted.
const WANTED_MIN: u64 = WANTED_MAX / 2;

/// How many heartbeats a pull request lives at the server: an abandoned one is forgotten after this.
const EXPIRES_HEARTBEATS: u32 = 6;

/// Heartbeats that may be missed: one of them can be late.
const HEARTBEATS_MISSED: u32 = 2;

/// A pull under an inbox that nobody used before: a forgotten request of an older one can't reach it.
pub(super) struct PullSubscription {
    link: Arc<Link>,
    request: String,
    inbox: String,
    subscriber: Subscriber,
    /// How many messages the server was asked for and has not sent.
    wanted: u64,
    incoming: Instant,
}

impl PullSubscription {
    pub(super) async fn begin(link: Arc<Link>, consumer: &str) -> Result<Self, BusError> {
        let inbox = link.client.new_inbox();
        let subscriber = link.client.subscribe(inbox.clone()).await.map_err(lost)?;
        let request = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", link.options.stream);
        let mut pull = Self { link, request, inbox, subscriber, wanted: 0, incoming: Instant::now() };
        pull.refill().await?;
        Ok(pull)
    }

    async fn refill(&mut self) -> Result<(), BusError> {
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

    async fn first(&mut self) -> Result<Message, BusError> {
        let silence = self.link.options.heartbeat * HEARTBEATS_MISSED;
        tokio::select! {
            biased;
            reason = self.link.pending.closed() => Err(reason),
            message = tokio::time::timeout_at(self.incoming + silence, self.subscriber.next()) => match message {
                Ok(Some(message)) => Ok(message),
                Ok(None) => Err(BusError::Lost("the client stopped".to_owned())),
                Err(_) => Err(BusError::Lost(format!("the server was silent for {silence:?}"))),
            },
        }
    }

    /// What a message brings: nothing, if it is the server's own.
    fn open(&mut self, message: &Message) -> Result<Option<Delivery>, BusError> {
        let Some(status) = message.status else {
            self.wanted = self.wanted.saturating_sub(1);
            return match protocol::delivery(message) {
                Some(delivery) => Ok(Some(delivery)),
                None => Err(BusError::Refused(format!("a message without its sequence came: {}", message.subject))),
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
    // Nothing is held across an await: a caller that stops waiting loses nothing.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        let mut pull_subscription = Vec::new();
        while pull_subscription.is_empty() {
            self.refill().await?;
            let mut next = Some(self.first().await?);
            self.incoming = Instant::now();
            while let Some(message) = next {
                pull_subscription.extend(self.open(&message)?);
                if pull_subscription.len() >= max {
                    break;
                }
                next = self.subscriber.next().now_or_never().flatten();
            }
        }
        Ok(pull_subscription)
    }
}
