//! The whole application in memory, under a clock that the test turns.
//!
//! Every service runs with the real engine on a [`MemoryStore`] of its own, and all of them share one [`MemoryBus`]. One
//! thread runs everything, time passes only while the test waits, and ids and jitter are drawn from a seed: the same seed
//! gives the same messages with the same ids, in the same order.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::copies::Copies;
use super::member::Member;
use super::outside_outbox::OutsideOutbox;
use super::published::Published;
use super::release::Release;
use super::services::Services;
use crate::bus::memory::MemoryBus;
use crate::clock::later;
use crate::{Choreography, Clock, Command, ExecuteError, Map, Row, Service, Settings};

/// How long [`Harness::until`] waits, in the harness's own time: longer than the deadlines of most messages and effects.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How much time passes between two looks of [`Harness::until`].
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// When the harness's time begins.
const BEGINNING: &str = "2026-01-01T00:00:00Z";

/// An application of several services in memory, for tests.
///
/// ```
/// use choreography::testing::Harness;
/// use choreography::{Choreography, Command, Row};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Command)]
/// #[command(name = "open-door", key = door, row = Door)]
/// struct OpenDoor { door: u32 }
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
/// #[row(table = "door", key = u32)]
/// struct Door { open: bool }
///
/// fn open_door(_: &OpenDoor, door: &mut Option<Door>) {
///     *door = Some(Door { open: true });
/// }
///
/// let house = Harness::of([Choreography::new("house").command(open_door)]);
/// assert!(house.execute(OpenDoor { door: 1 }).unwrap().open);
/// assert!(house.get::<Door>(&1).unwrap().open);
/// ```
pub struct Harness {
    pub(super) bus: MemoryBus,
    pub(super) services: BTreeMap<&'static str, Member>,
    pub(super) settings: Settings,
    /// How callers reach the services.
    pub(super) reached: Services,
    pub(super) started: Instant,
    pub(super) copies: RefCell<Copies>,
    /// Those of the publishers in whose name the test publishes.
    pub(super) outside: RefCell<BTreeMap<String, OutsideOutbox>>,
    // The last field: the services' tasks end with it.
    pub(super) runtime: Runtime,
}

impl Harness {
    /// Starts these services with default settings and the seed 0.
    ///
    /// # Panics
    /// When two services have the same name.
    pub fn of(services: impl IntoIterator<Item = Choreography>) -> Self {
        Self::start(services, Settings::default(), 0)
    }

    /// Starts these services with settings and a seed. The harness replaces the settings' clock by one that it turns, and
    /// their instance by the number of each instance.
    ///
    /// # Panics
    /// When two services have the same name, or when it is called within a tokio runtime: a harness brings its own.
    pub fn start(services: impl IntoIterator<Item = Choreography>, settings: Settings, seed: u64) -> Self {
        Self::start_releases((services.into_iter().collect(), Vec::new()), &BTreeMap::new(), settings, seed)
    }

    /// Starts these services, of some of which there is an earlier release, too: the current ones if nothing else is said.
    pub(super) fn start_releases(
        (services, earlier): (Vec<Choreography>, Vec<Choreography>),
        first: &BTreeMap<&'static str, Release>,
        settings: Settings,
        seed: u64,
    ) -> Self {
        let mut earlier: BTreeMap<_, _> = earlier.into_iter().map(|release| (release.service(), release)).collect();
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without I/O needs nothing that can be missing");
        let map = Map::of(services.iter().chain(earlier.values()));
        // Clocks that are made here go with the runtime's paused time.
        let entered = runtime.enter();
        let bus = MemoryBus::new();
        let clock = Clock::seeded(BEGINNING.parse().expect("it is written as a moment is"), seed);
        let started = Instant::now();
        drop(entered);
        let settings = Settings { clock, ..settings };
        let (mut members, reached) = (BTreeMap::new(), Services::default());
        for choreography in services {
            let name = choreography.service();
            let mut member = Member::new(choreography, earlier.remove(name), &map);
            member.set_release(first.get(name).copied().unwrap_or_default());
            member.start_next(&runtime, &bus, &settings);
            member.tell(&reached);
            assert!(members.insert(name, member).is_none(), "two services are called {name}");
        }
        let (copies, outside) = (RefCell::default(), RefCell::default());
        let harness = Self { bus, services: members, settings, reached, started, copies, outside, runtime };
        harness.advance(LOOK_EVERY);
        harness
    }

    /// Has a command executed by the service that knows it. Returns the row that the command is about, as it is after
    /// the commit.
    ///
    /// # Errors
    /// As [`Service::execute`].
    ///
    /// # Panics
    /// When no service, or more than one, knows the command.
    pub fn execute<C: Command>(&self, command: C) -> Result<C::Row, ExecuteError> {
        let service = self.only(C::NAME, |member| member.executes(C::NAME));
        self.block_on(service.execute(command))
    }

    /// Returns a row of the service that keeps such rows; none if there is none of this key.
    ///
    /// # Panics
    /// When no service, or more than one, keeps such rows.
    pub fn get<S: Row>(&self, key: &S::Key) -> Option<S> {
        let service = self.only(S::TABLE, |member| member.keeps(S::TABLE));
        self.block_on(service.get::<S>(key)).expect("a database in memory can be read")
    }

    /// Lets time pass until a row exists and is as wanted. Returns the row.
    ///
    /// # Panics
    /// When that has not happened within an hour of the harness's time; the message says how the row is, what was
    /// published and what died.
    pub fn until<S: Row>(&self, key: &S::Key, wanted: impl Fn(&S) -> bool) -> S {
        let give_up = later(self.now(), PATIENCE);
        let mut pause = LOOK_EVERY;
        loop {
            match self.get::<S>(key) {
                Some(row) if wanted(&row) => return row,
                row if self.now() >= give_up => {
                    let row = row.map(|row| serde_json::to_string(&row).unwrap_or_default());
                    let (published, dead) = (self.published(), self.dead_letters());
                    panic!("{} {key} is still {row:?}; published: {published:#?}; dead letters: {dead:#?}", S::TABLE);
                }
                _ => self.advance(pause),
            }
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Lets time pass: whatever is due meanwhile happens, in order. An hour takes about a second of real time for two
    /// services, since their engines look around several times a second.
    pub fn advance(&self, by: Duration) {
        self.block_on(async { tokio::time::sleep(by).await });
    }

    /// Returns the time in the harness.
    pub fn now(&self) -> Timestamp {
        let _entered = self.runtime.enter();
        self.settings.clock.now()
    }

    /// Returns what the services have published, in the order of the stream.
    pub fn published(&self) -> Vec<Published> {
        Published::all(self.bus.published())
    }

    /// Returns the dead letters and the records of what became of them, in the order of their stream.
    pub fn dead_letters(&self) -> Vec<Published> {
        Published::all(self.bus.dead_letters())
    }

    /// Ends the running instance of a service with the lowest number, as `kill -9` does: what it has not committed is lost,
    /// and nobody is told. Its database stays.
    ///
    /// # Panics
    /// When the service is not part of the application.
    pub fn crash(&self, service: &str) {
        self.block_on(self.service(service).crash());
    }

    /// Starts the instance of a service with the lowest number that does not run, on the service's database. If all run it
    /// starts another one, which stands by until it can lead.
    ///
    /// # Panics
    /// When the service is not part of the application.
    pub fn start_instance(&mut self, service: &str) {
        let member = self.services.get_mut(service);
        let member = member.unwrap_or_else(|| panic!("{service} is not part of the application"));
        member.start_next(&self.runtime, &self.bus, &self.settings);
        member.tell(&self.reached);
    }

    /// Returns a service, to call it as its HTTP routes do: its running instance with the lowest number, or one that has
    /// crashed if none runs.
    ///
    /// # Panics
    /// When it is not part of the application.
    pub fn service(&self, name: &str) -> &Service {
        self.member(name).service()
    }

    /// Waits for something asynchronous in the harness's own time, such as a request to a service's routes.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(super) fn member(&self, name: &str) -> &Member {
        self.services.get(name).unwrap_or_else(|| panic!("{name} is not part of the application"))
    }

    /// The one service that knows something by its name.
    fn only(&self, what: &str, knows: impl Fn(&Member) -> bool) -> &Service {
        let mut knowing = self.services.values().filter(|member| knows(member));
        match (knowing.next(), knowing.next()) {
            (Some(member), None) => member.service(),
            (None, _) => panic!("no service of the application knows {what}"),
            _ => panic!("several services know {what}: ask one by `service(name)`"),
        }
    }
}
