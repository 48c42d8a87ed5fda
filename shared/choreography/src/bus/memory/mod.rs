//! The seam in memory, for tests with a paused clock: a stream as JetStream keeps it, and everything that can go
//! wrong with one at the test's command.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Bus, BusError, Connection, Stories};
use crate::clock::Clock;
use crate::wire::envelope::Envelope;
use connection::MemoryConnection;
use world::{Consumer, World};

mod connection;
mod pull_subscription;
mod stories;
mod world;

/// A server in memory; a clone is the same server.
#[derive(Clone)]
pub struct MemoryBus {
    shared: Arc<Shared>,
}

struct Shared {
    world: Mutex<World>,
    /// Changes whenever something happened that somebody may wait for.
    changes: watch::Sender<u64>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("nothing panics while it holds the world")
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.world());
        self.changes.send_modify(|changes| *changes += 1);
        changed
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

/// What a test looks at.
impl MemoryBus {
    /// A running server with an empty stream of events, which takes every subject of three tokens. Its time begins
    /// with 2026 and goes on with tokio's.
    pub fn new() -> Self {
        let clock = Clock::seeded("2026-01-01T00:00:00Z".parse().expect("it is written as a moment is"), 0);
        let (world, changes) = (Mutex::new(World::new(clock)), watch::Sender::default());
        Self { shared: Arc::new(Shared { world, changes }) }
    }

    /// What was said, in order, with its sequences.
    pub fn outgoing(&self) -> Vec<(u64, Envelope)> {
        self.shared.world().events.iter().map(|stored| (stored.sequence, stored.envelope.clone())).collect()
    }

    /// The dead letters and what became of them, in order, with their sequences.
    pub fn dead_letters(&self) -> Vec<(u64, Envelope)> {
        self.shared.world().dead_letters.iter().map(|stored| (stored.sequence, stored.envelope.clone())).collect()
    }
}

/// What a provisioning step does.
impl MemoryBus {
    /// Makes a consumer of these subjects, which starts at the first message; one of that name is replaced.
    pub fn add_consumer(&self, name: &str, filter_subjects: &[&str]) {
        let filters = filter_subjects.iter().map(|filter| (*filter).to_owned()).collect();
        self.shared.change(|world| world.consumers.insert(name.to_owned(), Consumer::new(filters)));
    }

    /// Takes a consumer away.
    pub fn remove_consumer(&self, name: &str) {
        self.shared.change(|world| world.consumers.remove(name));
    }

    /// From now on the stream of events takes these subjects only.
    pub fn take_only(&self, subjects: &[&str]) {
        let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        self.shared.change(|world| world.subjects = subjects);
    }

    /// Says a message as somebody else; its sequence.
    ///
    /// # Errors
    /// What the stream has against it.
    pub fn say(&self, envelope: &Envelope) -> Result<u64, BusError> {
        self.shared.change(|world| world.store(envelope))
    }
}

/// What can go wrong.
impl MemoryBus {
    /// The server starts again: another server id, and every connection is lost.
    pub fn restart(&self) {
        self.shared.change(World::restart);
    }

    /// The server starts again with an older state of its stream: what came after the sequence never was.
    pub fn forget_after(&self, sequence: u64) {
        self.shared.change(|world| world.forget_after(sequence));
    }

    /// The oldest messages leave by age: those before the sequence.
    pub fn forget_before(&self, sequence: u64) {
        self.shared.change(|world| world.forget_before(sequence));
    }

    /// Somebody deletes the stream of events and makes it anew: no messages, no consumers.
    pub fn recreate_stream(&self) {
        self.shared.change(World::recreate);
    }

    /// Every connection is lost; the server never stopped.
    pub fn cut(&self) {
        self.shared.change(|world| world.cut("it was cut"));
    }

    /// Whether the server can be reached at all; going down loses every connection.
    pub fn set_down(&self, down: bool) {
        self.shared.change(|world| {
            world.down = down;
            if down {
                world.cut("the server is down");
            }
        });
    }

    /// The next messages are stored, but their acknowledgements never arrive.
    pub fn drop_acknowledgements(&self, count: u64) {
        self.shared.change(|world| world.dropped_acknowledgements = count);
    }

    /// While there is a reason, the server refuses every message with it: no space left, say.
    pub fn refuse(&self, reason: Option<&str>) {
        self.shared.change(|world| world.refusal = reason.map(str::to_owned));
    }

    /// The next message that a consumer is sent comes twice.
    pub fn duplicate_next(&self, consumer: &str) {
        self.with_consumer(consumer, |consumer| consumer.duplicates += 1);
    }

    /// A pull that an earlier instance left behind takes every second of the next messages, `count` in all.
    pub fn steal(&self, consumer: &str, count: u64) {
        self.with_consumer(consumer, |consumer| consumer.stolen = count * 2);
    }

    /// While silent, pulls bring neither messages nor heartbeats.
    pub fn set_silent(&self, silent: bool) {
        self.shared.change(|world| world.silent = silent);
    }

    fn with_consumer(&self, name: &str, change: impl FnOnce(&mut Consumer)) {
        self.shared.change(|world| {
            change(world.consumers.get_mut(name).unwrap_or_else(|| panic!("the test names no consumer: {name}")));
        });
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn connect(&self) -> Result<Box<dyn Connection>, BusError> {
        Ok(Box::new(MemoryConnection::connect(self.shared.clone())?))
    }

    fn stories(&self) -> Option<Arc<dyn Stories>> {
        Some(Arc::new(self.clone()))
    }
}
