//! A story as it goes on.
//!
//! Each publisher has a subscription of its own (the permissions name publishers), and between subscriptions the order is
//! lost. So what they bring only says that there is something to read; it is read from the stream, in its order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures::FutureExt;
use futures::Stream;
use futures::StreamExt;
use futures::stream::{SelectAll, select_all, unfold};

use super::connection;
use super::link::{Link, lost};
use super::stories;
use crate::bus::BusError;
use crate::wire::envelope::Envelope;

/// Messages that are read at once.
const READ_MAX: usize = 256;

/// How often a message that was said is looked for in the stream, which may store it a moment later.
const LOOKS_MAX: u32 = 8;

/// The wait after the first look; each one doubles it: half a second in all.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

struct Follower {
    link: Arc<Link>,
    subject: String,
    nudges: SelectAll<Subscriber>,
    /// The next sequence to read.
    from: u64,
    read_story: VecDeque<Envelope>,
    /// How many messages were said and have not been read.
    owed: usize,
}

/// The messages of a key from now on, until the connection is lost.
pub(super) async fn follow(link: Arc<Link>, key: String) -> Result<impl Stream<Item = Envelope>, BusError> {
    let mut subscribers = Vec::new();
    for publisher in &link.options.publishers {
        subscribers.push(link.client.subscribe(format!("{publisher}.*.{key}")).await.map_err(lost)?);
    }
    // Its answer also means that the server knows the subscriptions, which went before it.
    let from = connection::stream(&link).await?.last + 1;
    let nudges = select_all(subscribers);
    let follower = Follower { link, subject: format!("*.*.{key}"), nudges, from, read_story: VecDeque::new(), owed: 0 };
    Ok(unfold(follower, |mut follower| async { Some((follower.next().await?, follower)) }))
}

impl Follower {
    async fn next(&mut self) -> Option<Envelope> {
        let mut looks = 0;
        while self.read_story.is_empty() {
            if self.owed == 0 {
                self.nudge().await?;
                (self.owed, looks) = (1, 0);
            }
            self.look().await.ok()?;
            if self.read_story.is_empty() {
                tokio::time::sleep(LOOK_AGAIN * 2_u32.pow(looks)).await;
                looks += 1;
                if looks == LOOKS_MAX {
                    self.owed = 0;
                }
            }
        }
        self.read_story.pop_front()
    }

    async fn nudge(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            _ = self.link.pending.closed() => None,
            message = self.nudges.next() => message,
        }
    }

    async fn look(&mut self) -> Result<(), BusError> {
        while self.nudges.next().now_or_never().flatten().is_some() {
            self.owed += 1;
        }
        for (sequence, envelope) in stories::read_story(&self.link, &self.subject, self.from, READ_MAX).await? {
            self.from = sequence + 1;
            self.owed = self.owed.saturating_sub(1);
            self.read_story.push_back(envelope);
        }
        Ok(())
    }
}
