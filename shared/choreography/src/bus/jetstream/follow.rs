//! Follows a story: its messages as they are published.
//!
//! There is a subscription for each publisher, because permissions name publishers. The order of messages between
//! subscriptions is lost, so a message from a subscription is only a notice: the messages are then read from the
//! stream, in its order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures::stream::{SelectAll, select_all, unfold};
use futures::{FutureExt, Stream, StreamExt};

use super::link::{Link, lost};
use super::stream;
use crate::bus::{BusError, ReadFrom};
use crate::wire::envelope::Envelope;

/// The most messages that are read at once.
const READ_MAX: usize = 256;

/// How often a published message is looked for in the stream, which may store it a moment after subscribers receive it.
const LOOKS_MAX: u32 = 8;

/// The pause after the first look; each further one doubles it: half a second in all.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

struct Follower {
    link: Arc<Link>,
    subject: String,
    notifications: SelectAll<Subscriber>,
    /// The next sequence to read.
    from: u64,
    /// Messages that have been read and not been returned.
    read: VecDeque<Envelope>,
    /// How many messages have been notified and not been read.
    missing: usize,
}

/// Returns the messages of a key from now on, until the connection is lost.
pub(super) async fn follow(link: Arc<Link>, key: &str) -> Result<impl Stream<Item = Envelope> + use<>, BusError> {
    let mut subscribers = Vec::new();
    for publisher in &link.options.publishers {
        subscribers.push(link.client.subscribe(format!("{publisher}.*.{key}")).await.map_err(lost)?);
    }
    // The reply also means that the server knows the subscriptions, which were sent before the request.
    let from = stream::state(&link, &link.options.stream).await?.last + 1;
    let (subject, notifications) = (format!("*.*.{key}"), select_all(subscribers));
    let follower = Follower { link, subject, notifications, from, read: VecDeque::new(), missing: 0 };
    Ok(unfold(follower, |mut follower| async { Some((follower.next().await?, follower)) }))
}

impl Follower {
    async fn next(&mut self) -> Option<Envelope> {
        let mut looks = 0;
        while self.read.is_empty() {
            if self.missing == 0 {
                self.notification().await?;
                (self.missing, looks) = (1, 0);
            }
            self.look().await.ok()?;
            if self.read.is_empty() {
                tokio::time::sleep(LOOK_AGAIN * 2_u32.pow(looks)).await;
                looks += 1;
                if looks == LOOKS_MAX {
                    self.missing = 0;
                }
            }
        }
        self.read.pop_front()
    }

    async fn notification(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            _ = self.link.pending.closed() => None,
            message = self.notifications.next() => message,
        }
    }

    /// Reads what the stream has of the notified messages.
    async fn look(&mut self) -> Result<(), BusError> {
        while self.notifications.next().now_or_never().flatten().is_some() {
            self.missing += 1;
        }
        let from = ReadFrom::Sequence(self.from);
        for stored in stream::read(&self.link, &self.link.options.stream, &self.subject, from, READ_MAX).await? {
            self.from = stored.sequence + 1;
            self.missing = self.missing.saturating_sub(1);
            self.read.push_back(stored.envelope);
        }
        Ok(())
    }
}
