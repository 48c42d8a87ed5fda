//! A story as it goes on.
//!
//! Each sayer has a subscription of its own (the permissions name sayers), and between subscriptions the order is
//! lost. So what they bring only says that there is something to read; it is read from the stream, in its order.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_nats::{Message, Subscriber};
use futures::{
    FutureExt, Stream, StreamExt,
    stream::{SelectAll, select_all, unfold},
};

use super::{
    line::{Line, lost},
    place, stories,
};
use crate::{bus::BusError, envelope::Envelope};

/// Messages that are read at once.
const READ_MAX: usize = 256;

/// How often a message that was said is looked for in the stream, which may store it a moment later.
const LOOKS_MAX: u32 = 8;

/// The wait after the first look; each one doubles it: half a second in all.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

struct Follower {
    line: Arc<Line>,
    subject: String,
    nudges: SelectAll<Subscriber>,
    /// The next sequence to read.
    from: u64,
    told: VecDeque<Envelope>,
    /// How many messages were said and have not been read.
    owed: usize,
}

/// The messages of a key from now on, until the connection is lost.
pub(super) async fn follow(line: Arc<Line>, key: String) -> Result<impl Stream<Item = Envelope>, BusError> {
    let mut subscribers = Vec::new();
    for sayer in &line.options.sayers {
        subscribers.push(line.client.subscribe(format!("{sayer}.*.{key}")).await.map_err(lost)?);
    }
    // Its answer also means that the server knows the subscriptions, which went before it.
    let from = place::stream(&line).await?.last + 1;
    let nudges = select_all(subscribers);
    let follower = Follower { line, subject: format!("*.*.{key}"), nudges, from, told: VecDeque::new(), owed: 0 };
    Ok(unfold(follower, |mut follower| async { Some((follower.next().await?, follower)) }))
}

impl Follower {
    async fn next(&mut self) -> Option<Envelope> {
        let mut looks = 0;
        while self.told.is_empty() {
            if self.owed == 0 {
                self.nudge().await?;
                (self.owed, looks) = (1, 0);
            }
            self.look().await.ok()?;
            if self.told.is_empty() {
                tokio::time::sleep(LOOK_AGAIN * 2_u32.pow(looks)).await;
                looks += 1;
                if looks == LOOKS_MAX {
                    self.owed = 0;
                }
            }
        }
        self.told.pop_front()
    }

    async fn nudge(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            _ = self.line.fate.sealed() => None,
            message = self.nudges.next() => message,
        }
    }

    async fn look(&mut self) -> Result<(), BusError> {
        while self.nudges.next().now_or_never().flatten().is_some() {
            self.owed += 1;
        }
        for (sequence, envelope) in stories::told(&self.line, &self.subject, self.from, READ_MAX).await? {
            self.from = sequence + 1;
            self.owed = self.owed.saturating_sub(1);
            self.told.push_back(envelope);
        }
        Ok(())
    }
}
