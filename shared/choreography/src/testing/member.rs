//! One service of the application in a harness: its database, and its instances.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::runtime::Runtime;

use super::effect_troubles::EffectTroubles;
use super::release::Release;
use super::services::Services;
use crate::bus::memory::MemoryBus;
use crate::clock::ClockError;
use crate::instance_control::InstanceControl;
use crate::store::memory::MemoryStore;
use crate::store::{Backlog, Head, OutboxRow, PublishingStore, ReadingState, ReadingStore, Store};
use crate::wire::subject::matches;
use crate::{Choreography, Envelope, HandlerKind, Map, Service, Settings};

/// Why what is read from its database is there.
const IN_MEMORY: &str = "a database in memory can be read";

/// One service of the application.
pub(crate) struct Member {
    releases: Releases,
    pub(super) store: MemoryStore,
    commands: Vec<&'static str>,
    /// The subjects that its consumers filter by.
    filters: Vec<String>,
    /// By their numbers; those that crashed are among them.
    instances: Vec<Service>,
    /// What is done to each instance.
    levers: Vec<Levers>,
    /// Whatever lets its effects fail.
    effects: EffectTroubles,
}

/// The releases of a service that an application has.
struct Releases {
    current: Arc<Choreography>,
    earlier: Option<Arc<Choreography>>,
    /// Of which release the instances are that start from now on.
    next: Release,
}

impl Releases {
    fn next(&self) -> &Arc<Choreography> {
        match (self.next, &self.earlier) {
            (Release::Earlier, Some(earlier)) => earlier,
            _ => &self.current,
        }
    }
}

/// What a test does to one instance, and of which release it is.
#[derive(Clone, Default)]
struct Levers {
    control: InstanceControl,
    clock: ClockError,
    release: Release,
}

impl Member {
    /// Returns a service of an application, without any instance.
    pub(super) fn new(mut current: Choreography, mut earlier: Option<Choreography>, application: &Map) -> Self {
        let effects = EffectTroubles::default();
        let mut edges = current.edges();
        let commands =
            edges.iter().filter(|edge| edge.kind == HandlerKind::Command).map(|edge| edge.receives).collect();
        edges.extend(earlier.iter().flat_map(Choreography::edges));
        std::iter::once(&mut current).chain(&mut earlier).for_each(|release| effects.surround(release));
        let mut received = application.received_by(current.service());
        // What no service of the application publishes comes from outside, from anybody.
        let subscribed = edges.iter().filter(|edge| edge.is_subscriber());
        let from_outside = subscribed.filter(|edge| !application.is_published(edge.receives));
        received.extend(from_outside.map(|edge| format!("*.{}", edge.receives)).collect::<BTreeSet<_>>());
        Self {
            releases: Releases { current: Arc::new(current), earlier: earlier.map(Arc::new), next: Release::Current },
            store: MemoryStore::new(),
            commands,
            filters: received.into_iter().map(|subject| format!("{subject}.*")).collect(),
            instances: Vec::new(),
            levers: Vec::new(),
            effects,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.releases.current.service()
    }

    pub(super) fn executes(&self, command: &str) -> bool {
        self.commands.contains(&command)
    }

    pub(super) fn keeps(&self, table: &str) -> bool {
        self.releases.current.tables().contains(table)
    }

    /// Returns the tables of its rows, sorted.
    pub(super) fn tables(&self) -> BTreeSet<&'static str> {
        self.releases.current.tables()
    }

    /// Returns the running instance of the lowest number; one that crashed if none runs.
    pub(super) fn service(&self) -> &Service {
        let running = self.instances.iter().find(|service| service.is_running());
        running.unwrap_or(&self.instances[0])
    }

    /// Returns the instances that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &Service> {
        self.instances.iter().filter(|service| service.is_running())
    }

    /// Tells callers which instances there are.
    pub(super) fn tell(&self, services: &Services) {
        services.set(self.name(), &self.commands, &self.instances);
    }

    /// Returns the names of the consumers that its instances read with.
    pub(super) fn consumers(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.instances.len()).map(|number| format!("{}-{number}", self.name()))
    }

    /// Makes its consumers anew, as a provisioning step does.
    pub(super) fn provision(&self, bus: &MemoryBus) {
        let filters: Vec<&str> = self.filters.iter().map(String::as_str).collect();
        self.consumers().for_each(|consumer| bus.add_consumer(&consumer, &filters));
    }

    /// Makes those of its consumers that the server does not have, as a provisioning step does.
    pub(super) fn provision_missing(&self, bus: &MemoryBus) {
        let filters: Vec<&str> = self.filters.iter().map(String::as_str).collect();
        let missing = self.consumers().filter(|consumer| !bus.has_consumer(consumer));
        missing.for_each(|consumer| bus.add_consumer(&consumer, &filters));
    }

    /// Starts the instance of the lowest number that does not run, or a new one if all run.
    pub(super) fn start_next(&mut self, runtime: &Runtime, bus: &MemoryBus, settings: &Settings) {
        let stopped = self.instances.iter().position(|service| !service.is_running());
        let number = stopped.unwrap_or(self.instances.len());
        let instance = u32::try_from(number).expect("a test starts a few instances");
        let filters: Vec<&str> = self.filters.iter().map(String::as_str).collect();
        bus.add_consumer(&format!("{}-{number}", self.name()), &filters);
        let levers = Levers { release: self.releases.next, ..Levers::default() };
        let clock = settings.clock.with_error(levers.clock.clone());
        let service = Service::builder(self.releases.next().clone())
            .settings(Settings { instance, clock, ..settings.clone() })
            .store(Arc::new(self.store.controlled(levers.control.clone())))
            .bus(Arc::new(bus.controlled(levers.control.clone())));
        let service = runtime.block_on(service.start());
        let service = service.unwrap_or_else(|error| panic!("starting {}: {error}", self.name()));
        let (killed, control) = (service.clone(), levers.control.clone());
        runtime.spawn(async move {
            control.killed().await;
            killed.crash().await;
        });
        match self.instances.get_mut(number) {
            Some(stopped) => (*stopped, self.levers[number]) = (service, levers),
            None => {
                self.instances.push(service);
                self.levers.push(levers);
            }
        }
    }

    /// Sets of which release the instances are that start from now on.
    pub(super) fn set_release(&mut self, release: Release) {
        self.releases.next = release;
    }

    /// Whether an instance of the earlier release runs.
    pub(super) fn has_outdated(&self) -> bool {
        let instances = self.instances.iter().zip(&self.levers);
        instances.into_iter().any(|(service, levers)| service.is_running() && levers.release == Release::Earlier)
    }

    /// Whether it receives any message.
    pub(super) fn receives(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Whether it receives this message.
    pub(super) fn subscribes(&self, envelope: &Envelope) -> bool {
        self.filters.iter().any(|filter| matches(filter, &envelope.subject))
    }

    pub(super) async fn head_and_backlog(&self) -> (Head, Backlog) {
        (self.store.head().await.expect(IN_MEMORY), self.store.backlog().await.expect(IN_MEMORY))
    }

    pub(super) async fn reading_state(&self) -> ReadingState {
        self.store.reading_state().await.expect(IN_MEMORY)
    }

    pub(super) async fn outbox(&self) -> Vec<OutboxRow> {
        self.store.outbox(0, u32::MAX).await.expect(IN_MEMORY)
    }

    /// Stops the running instance of the lowest number at its next call, as SIGSTOP does.
    pub(super) fn pause(&self) {
        self.first_running().inspect(|levers| levers.control.pause(true));
    }

    /// Lets every instance go on.
    pub(super) fn go_on(&self) {
        self.levers.iter().for_each(|levers| levers.control.pause(false));
    }

    /// Kills the running instance of the lowest number before or after one of its next calls.
    pub(super) fn kill_after(&self, calls: u64) {
        self.first_running().inspect(|levers| levers.control.kill_after(calls));
    }

    /// Lets the clock of the running instance of the lowest number be wrong by so much, and more each second.
    pub(super) fn set_clock(&self, true_time: Duration, error: SignedDuration, a_second: SignedDuration) {
        self.first_running().inspect(|levers| levers.clock.set(true_time, error, a_second));
    }

    /// Lets the clock of every instance be right.
    pub(super) fn set_clocks_right(&self) {
        let nothing = SignedDuration::ZERO;
        self.levers.iter().for_each(|levers| levers.clock.set(Duration::ZERO, nothing, nothing));
    }

    pub(super) fn effect_troubles(&self) -> &EffectTroubles {
        &self.effects
    }

    fn first_running(&self) -> Option<&Levers> {
        let running = self.instances.iter().position(Service::is_running);
        running.map(|number| &self.levers[number])
    }
}
