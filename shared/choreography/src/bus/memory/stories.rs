//! The messages of one key, in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, unfold};

use super::lifetime::Lifetime;
use super::{MemoryBus, SharedWorld};
use crate::bus::{BusError, Stored, Stories};
use crate::wire::envelope::Envelope;
use crate::wire::subject::check_key;

#[async_trait]
impl Stories for MemoryBus {
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        check_key(key)?;
        Lifetime::begin(&self.shared)?;
        Ok(read_story(&self.shared, key, from, limit))
    }

    async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        check_key(key)?;
        let key = key.to_owned();
        let life = Lifetime::begin(&self.shared)?;
        let from = self.shared.world().events.last + 1;
        let follower = Follower { shared: self.shared.clone(), life, key, from, seen: 0, read: VecDeque::new() };
        Ok(unfold(follower, |mut follower| async { Some((follower.next().await?, follower)) }).boxed())
    }
}

fn read_story(shared: &SharedWorld, key: &str, from: u64, limit: usize) -> Vec<(u64, Envelope)> {
    let world = shared.world();
    let of_key = |stored: &&Stored| stored.envelope.parts().is_some_and(|(_, _, key_of_message)| key_of_message == key);
    let read = world.events.after(from.saturating_sub(1)).filter(of_key).take(limit);
    read.map(|stored| (stored.sequence, stored.envelope.clone())).collect()
}

struct Follower {
    shared: Arc<SharedWorld>,
    life: Lifetime,
    key: String,
    from: u64,
    /// The number of changes when the stream was read last.
    seen: u64,
    read: VecDeque<Envelope>,
}

impl Follower {
    async fn next(&mut self) -> Option<Envelope> {
        loop {
            if let Some(envelope) = self.read.pop_front() {
                return Some(envelope);
            }
            self.seen = self.shared.changes.get();
            self.gather();
            if self.read.is_empty() {
                self.life.check().ok()?;
                tokio::select! {
                    biased;
                    _ = self.life.end() => return None,
                    () = self.shared.changes.wait_for(|changes| *changes != self.seen) => {}
                }
            }
        }
    }

    fn gather(&mut self) {
        for (sequence, envelope) in read_story(&self.shared, &self.key, self.from, usize::MAX) {
            self.from = sequence + 1;
            self.read.push_back(envelope);
        }
    }
}
