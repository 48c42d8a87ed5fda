//! The messages of one key out of memory.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use futures::{
    StreamExt,
    stream::{BoxStream, unfold},
};
use tokio::sync::watch;

use super::{MemoryBus, Shared, place::Life};
use crate::{
    bus::{BusError, Stored, Stories, subject::single_token},
    envelope::Envelope,
};

#[async_trait]
impl Stories for MemoryBus {
    async fn story(&self, key: &str, from: u64, limit: usize) -> Result<Vec<(u64, Envelope)>, BusError> {
        let key = single_token(key)?;
        Life::begin(&self.shared)?;
        Ok(told(&self.shared, key, from, limit))
    }

    async fn follow(&self, key: &str) -> Result<BoxStream<'static, Envelope>, BusError> {
        let key = single_token(key)?.to_owned();
        let life = Life::begin(&self.shared)?;
        let (changes, from) = (self.shared.changes.subscribe(), self.shared.world().stream().last + 1);
        let follower = Follower { shared: self.shared.clone(), life, key, from, changes, said: VecDeque::new() };
        Ok(unfold(follower, |mut follower| async { Some((follower.next().await?, follower)) }).boxed())
    }
}

fn told(shared: &Shared, key: &str, from: u64, limit: usize) -> Vec<(u64, Envelope)> {
    let world = shared.world();
    let start = world.events.partition_point(|stored| stored.sequence < from);
    let of_key = |stored: &&Stored| stored.envelope.parts().is_some_and(|(_, _, said)| said == key);
    let told = world.events.range(start..).filter(of_key).take(limit);
    told.map(|stored| (stored.sequence, stored.envelope.clone())).collect()
}

struct Follower {
    shared: Arc<Shared>,
    life: Life,
    key: String,
    from: u64,
    changes: watch::Receiver<u64>,
    said: VecDeque<Envelope>,
}

impl Follower {
    async fn next(&mut self) -> Option<Envelope> {
        loop {
            if let Some(envelope) = self.said.pop_front() {
                return Some(envelope);
            }
            self.changes.mark_unchanged();
            self.gather();
            if self.said.is_empty() {
                self.life.check().ok()?;
                tokio::select! {
                    biased;
                    _ = self.life.end() => return None,
                    changed = self.changes.changed() => changed.ok()?,
                }
            }
        }
    }

    fn gather(&mut self) {
        for (sequence, envelope) in told(&self.shared, &self.key, self.from, usize::MAX) {
            self.from = sequence + 1;
            self.said.push_back(envelope);
        }
    }
}
