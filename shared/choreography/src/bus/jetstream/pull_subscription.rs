//! A pull subscription: one request after the other. Each is bounded by messages and by bytes, so that no more is sent
//! ahead of the reader.
//!
//! Nothing is acknowledged; the caller's database has the position. A message whose headers the client can't read breaks
//! the connection, so each subscription first looks whether the next message is one: it is read singly and returned, and
//! reading starts again behind it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use async_trait::async_trait;
use futures::future::try_join_all;
use futures::{FutureExt, StreamExt};
use serde_json::json;
use tokio::time::Instant;

use super::link::{Link, lost};
use super::single_message::{Position, message};
use super::{consumers, protocol};
use crate::bus::{BusError, Deliveries, Delivery, PULLED_BYTES_MAX, ReadFrom};

/// The most messages that are requested and not received: two of the engine's batches.
const WANTED_MAX: u64 = 1_024;

/// The server's description of the end of a request whose next message would exceed its bytes.
const BYTES_EXCEEDED: &str = "Message Size Exceeds MaxBytes";

/// The server's description of the end of a request whose messages have all been sent, which is known by their number.
const BATCH_COMPLETED: &str = "Batch Completed";

/// The server's description of the end of a request whose consumer was deleted, perhaps with its stream.
const CONSUMER_DELETED: &str = "Consumer Deleted";

/// What is wrong with a consumer that sends no payload.
const LACKS_PAYLOAD: &str = "the consumer sends headers only: run the provisioning step";

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
    /// How many messages of the current request are not received, and how many bytes. It has ended when either is 0.
    wanted: u64,
    wanted_bytes: usize,
    last_message: Instant,
    /// The next message of the consumer, if the client can't read it.
    unreadable: Option<Delivery>,
    /// Whether an unreadable message was returned: reading must start again behind it.
    passed_unreadable: bool,
    /// Whether the server sends messages without their payload.
    lacks_payload: bool,
}

impl PullSubscription {
    pub(super) async fn begin(link: Arc<Link>, consumer: &str) -> Result<Self, BusError> {
        let inbox = link.client.new_inbox();
        let subscriber = link.client.subscribe(inbox.clone()).await.map_err(lost)?;
        let request = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", link.options.stream);
        let unreadable = next_if_unreadable(&link, consumer).await?;
        let mut subscription = Self {
            link,
            request,
            inbox,
            subscriber,
            wanted: 0,
            wanted_bytes: 0,
            last_message: Instant::now(),
            unreadable,
            passed_unreadable: false,
            lacks_payload: false,
        };
        if subscription.unreadable.is_none() {
            subscription.request_more().await?;
        }
        Ok(subscription)
    }

    /// Sends the next request if the last one has ended.
    async fn request_more(&mut self) -> Result<(), BusError> {
        if self.wanted > 0 && self.wanted_bytes > 0 {
            return Ok(());
        }
        let heartbeat = self.link.options.heartbeat;
        let request = json!({
            "batch": WANTED_MAX,
            "max_bytes": PULLED_BYTES_MAX,
            "expires": nanoseconds(heartbeat * EXPIRES_HEARTBEATS),
            "idle_heartbeat": nanoseconds(heartbeat),
        });
        let (subject, inbox) = (self.request.clone(), self.inbox.clone());
        self.link.client.publish_with_reply(subject, inbox, request.to_string().into()).await.map_err(lost)?;
        (self.wanted, self.wanted_bytes, self.last_message) = (WANTED_MAX, PULLED_BYTES_MAX, Instant::now());
        Ok(())
    }

    /// Waits for the next message. Those that arrived before the connection was lost come first: if it broke at an
    /// unreadable one, the next pull begins with that one.
    async fn next_message(&mut self) -> Result<Message, BusError> {
        let silence = self.link.options.heartbeat * HEARTBEATS_MISSED;
        tokio::select! {
            biased;
            message = tokio::time::timeout_at(self.last_message + silence, self.subscriber.next()) => match message {
                Ok(Some(message)) => Ok(message),
                Ok(None) => {
                    Err(self.link.pending.lost().unwrap_or_else(|| BusError::Lost("the client stopped".to_owned())))
                }
                Err(_) => Err(BusError::Lost(format!("the server was silent for {silence:?}"))),
            },
            reason = self.link.pending.closed() => Err(reason),
        }
    }

    /// Returns the delivery in a message; none if the message is only a status of the server.
    fn decode(&mut self, message: &Message) -> Result<Option<Delivery>, BusError> {
        if protocol::lacks_payload(message) {
            self.lacks_payload = true;
            return Ok(None);
        }
        if let Some(delivery) = protocol::delivery(message) {
            self.wanted = self.wanted.saturating_sub(1);
            self.wanted_bytes = self.wanted_bytes.saturating_sub(message.length);
            return Ok(Some(delivery));
        }
        let Some(status) = message.status else {
            return Err(BusError::Refused(format!("a message came without its sequences: {}", message.subject)));
        };
        match (status, message.description.as_deref().unwrap_or_default()) {
            (StatusCode::IDLE_HEARTBEAT, _) | (_, BATCH_COMPLETED) => Ok(None),
            (StatusCode::TIMEOUT, _) | (_, BYTES_EXCEEDED) => {
                self.wanted = 0;
                Ok(None)
            }
            (StatusCode::NO_RESPONDERS, _) => Err(BusError::Refused(format!("{}: no such consumer", self.request))),
            (_, CONSUMER_DELETED) => {
                Err(BusError::Lost(format!("the pull ended: {status} {CONSUMER_DELETED}: run the provisioning step")))
            }
            (status, description) => Err(BusError::Lost(format!("the pull ended: {status} {description}"))),
        }
    }
}

/// Returns a consumer's next message if the client can't read it; none if it can, or there is none.
async fn next_if_unreadable(link: &Link, consumer: &str) -> Result<Option<Delivery>, BusError> {
    // Pulling shows that there is no consumer.
    let Some(info) = consumers::consumer_info(link, consumer).await? else { return Ok(None) };
    let from = ReadFrom::Sequence(info.delivered + 1);
    let of_filter = |filter| message(&link.client, &link.options.stream, Position::First(filter, from));
    let firsts = try_join_all(info.filters.iter().map(|filter| of_filter(filter)));
    let first = link.unless_lost(firsts).await?.into_iter().flatten().min_by_key(|stored| stored.sequence);
    Ok(first.filter(|stored| stored.unreadable.is_some()).map(|stored| Delivery {
        stream_sequence: stored.sequence,
        consumer_sequence: info.sent + 1,
        delivered: 1,
        stamp_ns: stored.stamp_ns(),
        envelope: stored.envelope,
        unreadable: stored.unreadable,
    }))
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Deliveries for PullSubscription {
    // No delivery is held across an await: a caller that stops waiting loses nothing.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        if let Some(unreadable) = self.unreadable.take() {
            self.passed_unreadable = true;
            return Ok(vec![unreadable]);
        }
        if self.passed_unreadable {
            return Err(BusError::Lost("reading starts again behind an unreadable message".to_owned()));
        }
        let mut deliveries = Vec::new();
        while deliveries.is_empty() {
            if self.lacks_payload {
                return Err(BusError::Lost(format!("{}: {LACKS_PAYLOAD}", self.request)));
            }
            self.request_more().await?;
            let mut next = Some(self.next_message().await?);
            self.last_message = Instant::now();
            while let Some(message) = next {
                deliveries.extend(self.decode(&message)?);
                if deliveries.len() >= max || self.lacks_payload {
                    break;
                }
                next = self.subscriber.next().now_or_never().flatten();
            }
        }
        Ok(deliveries)
    }
}
