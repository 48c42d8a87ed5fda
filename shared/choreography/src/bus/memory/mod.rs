//! A message server in memory, for tests with a paused clock: streams and consumers as JetStream has them, and the
//! faults that a test injects.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use super::{Bus, BusError, Connection, Stored, Stories};
use crate::clock::Clock;
use crate::instance_control::InstanceControl;
use crate::watched::Watched;
use crate::wire::envelope::Envelope;
use connection::MemoryConnection;
use consumer::Consumer;
use world::World;

mod connection;
mod consumer;
mod faults;
mod lifetime;
mod pull_subscription;
mod stored_stream;
mod stories;
mod world;

pub use faults::BusFaults;
pub use world::StoredCopy;

/// A message server in memory; a clone is the same server.
#[derive(Clone)]
pub struct MemoryBus {
    shared: Arc<SharedWorld>,
    /// What a test does to the instance that has this handle.
    control: InstanceControl,
}

struct SharedWorld {
    world: Mutex<World>,
    /// Counts the changes that somebody may be waiting for.
    changes: Watched<u64>,
}

impl SharedWorld {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("nothing panics while it holds the world")
    }

    /// Waits for as long as what is sent takes to arrive.
    async fn travel(&self) {
        let latency = self.world().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    /// Changes the state, and notifies whoever waits for a change.
    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.world());
        self.changes.change(|changes| *changes += 1);
        changed
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

/// What a test observes.
impl MemoryBus {
    /// Returns a running server with an empty stream of events, which takes every subject of three tokens. Its time
    /// begins with 2026 and continues with tokio's.
    pub fn new() -> Self {
        let clock = Clock::seeded("2026-01-01T00:00:00Z".parse().expect("it is an RFC 3339 timestamp"), 0);
        let (world, changes) = (Mutex::new(World::new(clock)), Watched::default());
        Self { shared: Arc::new(SharedWorld { world, changes }), control: InstanceControl::default() }
    }

    /// Returns the messages in the stream of events, in order.
    pub fn published(&self) -> Vec<Stored> {
        self.shared.world().events.messages.iter().cloned().collect()
    }

    /// Returns the same server for an instance that is controlled like this.
    #[cfg(feature = "testing")]
    pub(crate) fn controlled(&self, control: InstanceControl) -> Self {
        Self { control, ..self.clone() }
    }

    /// Whether there is such a consumer.
    #[cfg(feature = "testing")]
    pub(crate) fn has_consumer(&self, name: &str) -> bool {
        self.shared.world().consumers.contains_key(name)
    }

    /// Returns the sequence of the last message in the stream of events.
    #[cfg(feature = "testing")]
    pub(crate) fn last(&self) -> u64 {
        self.shared.world().events.last
    }

    /// Returns the messages that the server has stored and lost.
    #[cfg(feature = "testing")]
    pub(crate) fn removed(&self) -> Vec<Stored> {
        self.shared.world().removed.clone()
    }

    /// Returns how many messages the stream of events has, and how many that of dead letters.
    #[cfg(feature = "testing")]
    pub(crate) fn count_messages(&self) -> (usize, usize) {
        let world = self.shared.world();
        (world.events.messages.len(), world.dead_letters.messages.len())
    }

    /// Returns the dead letters and the records of their repairs, in order.
    pub fn dead_letters(&self) -> Vec<Stored> {
        self.shared.world().dead_letters.messages.iter().cloned().collect()
    }
}

/// What a provisioning step or another publisher does.
impl MemoryBus {
    /// Creates the consumer of a service, of these subjects, which starts at the first message. Replaces one of the same
    /// name.
    pub fn add_consumer(&self, name: &str, filter_subjects: &[&str]) {
        self.add(name, true, filter_subjects);
    }

    /// Creates a consumer that belongs to no service, as an operator does who looks at the stream.
    pub fn add_onlooker(&self, name: &str, filter_subjects: &[&str]) {
        self.add(name, false, filter_subjects);
    }

    fn add(&self, name: &str, is_subscriber: bool, filter_subjects: &[&str]) {
        let filters = filter_subjects.iter().map(|filter| (*filter).to_owned()).collect();
        let consumer = Consumer::new(is_subscriber, filters);
        self.shared.change(|world| world.consumers.insert(name.to_owned(), consumer));
    }

    /// Deletes a consumer.
    pub fn remove_consumer(&self, name: &str) {
        self.shared.change(|world| world.consumers.remove(name));
    }

    /// Lets the stream of events take only these subjects from now on.
    pub fn take_only(&self, subjects: &[&str]) {
        let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        self.shared.change(|world| world.subjects = subjects);
    }

    /// Publishes a message outside of any connection. Returns its sequence.
    ///
    /// # Errors
    /// Why the stream does not take it.
    pub fn publish(&self, envelope: &Envelope) -> Result<u64, BusError> {
        self.shared.change(|world| world.store(envelope))
    }

    /// Returns the switches by which a test injects faults into this server.
    pub fn faults(&self) -> BusFaults<'_> {
        BusFaults { bus: self }
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn connect(&self) -> Result<Box<dyn Connection>, BusError> {
        Ok(Box::new(MemoryConnection::connect(self.shared.clone(), self.control.clone()).await?))
    }

    fn stories(&self) -> Option<Arc<dyn Stories>> {
        Some(Arc::new(self.clone()))
    }
}
