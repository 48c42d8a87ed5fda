//! The whole application in memory, under a clock that the test turns.
//!
//! Every service runs with the real engine on a [`MemoryStore`] of its own, and all of them share one [`MemoryBus`]. One
//! thread runs everything, time passes only while the test waits, and ids and jitter are drawn from a seed: the same seed
//! gives the same messages with the same ids, in the same order.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display, Formatter};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::bus::memory::MemoryBus;
use crate::store::memory::MemoryStore;
use crate::{
    Choreography, Clock, Command, Envelope, ExecuteError, HandlerKind, Heading, Map, Message, Row, Service, Settings,
};

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
    bus: MemoryBus,
    services: BTreeMap<&'static str, Member>,
    clock: Clock,
    namespace: String,
    // The last field: the services' tasks end with it.
    runtime: Runtime,
}

/// One service of the application.
struct Member {
    service: Service,
    store: MemoryStore,
    commands: Vec<&'static str>,
    tables: Vec<&'static str>,
}

/// What can go wrong in a [`Harness`], by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The message server can't be reached, until [`Trouble::ServerUp`].
    ServerDown,
    /// The message server can be reached again.
    ServerUp,
    /// The message server starts anew: every connection is lost, nothing stored is.
    ServerRestarts,
    /// Every connection is lost; the server never stopped.
    ConnectionsLost,
    /// The next messages are stored, but their acknowledgements never arrive.
    AcknowledgementsLost(u64),
    /// The next message that this service's first instance is sent comes twice.
    DeliveredTwice(&'static str),
    /// The next commits of this service fail as if its disk were full.
    CommitsFail(&'static str, u32),
}

/// A message as the stream of events has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Published {
    /// Its sequence in the stream, from 1.
    pub sequence: u64,
    /// The message, with its headers.
    pub envelope: Envelope,
}

impl Harness {
    /// Starts these services with default settings and the seed 0.
    ///
    /// # Panics
    /// When two services have the same name.
    pub fn of(services: impl IntoIterator<Item = Choreography>) -> Self {
        Self::start(services, Settings::default(), 0)
    }

    /// Starts these services with settings and a seed. The settings' clock is replaced by one that the harness turns.
    ///
    /// # Panics
    /// When two services have the same name, or when it is called within a tokio runtime: a harness brings its own.
    pub fn start(services: impl IntoIterator<Item = Choreography>, settings: Settings, seed: u64) -> Self {
        let services: Vec<_> = services.into_iter().collect();
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without I/O needs nothing that can be missing");
        let map = Map::of(&services);
        // Clocks that are made here go with the runtime's paused time.
        let entered = runtime.enter();
        let bus = MemoryBus::new();
        let clock = Clock::seeded(BEGINNING.parse().expect("it is written as a moment is"), seed);
        drop(entered);
        let settings = Settings { clock: clock.clone(), ..settings };
        let namespace = settings.namespace.clone();
        let mut members = BTreeMap::new();
        for choreography in services {
            let name = choreography.service();
            let filters: Vec<_> = map.received_by(name).iter().map(|subject| format!("{subject}.*")).collect();
            let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
            bus.add_consumer(&format!("{name}-{}", settings.instance), &filters);
            let commands = commands(&choreography);
            let tables = choreography.tables().into_iter().collect();
            let store = MemoryStore::new();
            let service = Service::builder(choreography)
                .settings(settings.clone())
                .store(Arc::new(store.clone()))
                .bus(Arc::new(bus.clone()));
            let service = runtime.block_on(service.start()).unwrap_or_else(|error| panic!("starting {name}: {error}"));
            let before = members.insert(name, Member { service, store, commands, tables });
            assert!(before.is_none(), "two services are called {name}");
        }
        let harness = Self { bus, services: members, clock, namespace, runtime };
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
        let service = self.only(C::NAME, |member| member.commands.contains(&C::NAME));
        self.block_on(service.execute(command))
    }

    /// Returns a row of the service that keeps such rows; none if there is none of this key.
    ///
    /// # Panics
    /// When no service, or more than one, keeps such rows.
    pub fn get<S: Row>(&self, key: &S::Key) -> Option<S> {
        let service = self.only(S::TABLE, |member| member.tables.contains(&S::TABLE));
        self.block_on(service.get::<S>(key)).expect("a database in memory can be read")
    }

    /// Lets time pass until a row exists and is as wanted. Returns the row.
    ///
    /// # Panics
    /// When that has not happened within an hour of the harness's time; the message says how the row is, what was
    /// published and what died.
    pub fn until<S: Row>(&self, key: &S::Key, wanted: impl Fn(&S) -> bool) -> S {
        let give_up = self.now() + jiff::SignedDuration::try_from(PATIENCE).unwrap_or_default();
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

    /// Lets time pass: whatever is due meanwhile happens, in order.
    pub fn advance(&self, by: Duration) {
        self.block_on(async { tokio::time::sleep(by).await });
    }

    /// The time in the harness.
    pub fn now(&self) -> Timestamp {
        let _entered = self.runtime.enter();
        self.clock.now()
    }

    /// Returns what the services have published, in the order of the stream.
    pub fn published(&self) -> Vec<Published> {
        self.bus.published().into_iter().map(|(sequence, envelope)| Published { sequence, envelope }).collect()
    }

    /// Returns the dead letters and the records of what became of them, in the order of their stream.
    pub fn dead_letters(&self) -> Vec<Published> {
        self.bus.dead_letters().into_iter().map(|(sequence, envelope)| Published { sequence, envelope }).collect()
    }

    /// Publishes a message as a service that is not part of the application, or as one that is. Returns its sequence in
    /// the stream.
    ///
    /// # Panics
    /// When the server refuses it, as it does while it is down.
    pub fn publish<M: Message>(&self, publisher: &str, message: &M) -> u64 {
        let _entered = self.runtime.enter();
        let (id, now, key) = (self.clock.new_id(), self.clock.now(), message.key().to_string());
        let heading = Heading {
            id,
            source: publisher,
            kind: &format!("{}.{}.v{}", self.namespace, M::NAME, M::VERSION),
            time: now,
            subject: &key,
            correlation: &key,
            causation: &id.to_string(),
            expiry: None,
            trace: &crate::wire::envelope::root_trace(id),
        };
        let payload = serde_json::to_vec(message).expect("a message can be written as JSON");
        let published = self.bus.publish(&heading.envelope(M::NAME, payload));
        published.unwrap_or_else(|error| panic!("publishing {} as {publisher}: {error}", M::NAME))
    }

    /// Lets something go wrong from now on.
    ///
    /// # Panics
    /// When it names a service that is not part of the application.
    pub fn inject(&self, trouble: Trouble) {
        match trouble {
            Trouble::ServerDown => self.bus.faults().set_down(true),
            Trouble::ServerUp => self.bus.faults().set_down(false),
            Trouble::ServerRestarts => self.bus.faults().restart(),
            Trouble::ConnectionsLost => self.bus.faults().cut(),
            Trouble::AcknowledgementsLost(count) => self.bus.faults().drop_acknowledgements(count),
            Trouble::DeliveredTwice(service) => self.bus.faults().duplicate_next(&format!("{service}-0")),
            Trouble::CommitsFail(service, count) => self.member(service).store.faults().fail_next_commits(count),
        }
    }

    /// Returns a running service, to call it as its HTTP routes do.
    ///
    /// # Panics
    /// When it is not part of the application.
    pub fn service(&self, name: &str) -> &Service {
        &self.member(name).service
    }

    /// Waits for something asynchronous in the harness's own time, such as a request to a service's routes.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn member(&self, name: &str) -> &Member {
        self.services.get(name).unwrap_or_else(|| panic!("{name} is not part of the application"))
    }

    /// The one service that knows something by its name.
    fn only(&self, what: &str, knows: impl Fn(&Member) -> bool) -> &Service {
        let mut knowing = self.services.values().filter(|member| knows(member));
        match (knowing.next(), knowing.next()) {
            (Some(member), None) => &member.service,
            (None, _) => panic!("no service of the application knows {what}"),
            _ => panic!("several services know {what}: ask one by `service(name)`"),
        }
    }
}

/// The names of a choreography's commands.
fn commands(choreography: &Choreography) -> Vec<&'static str> {
    let edges = choreography.edges().into_iter();
    edges.filter(|edge| edge.kind == HandlerKind::Command).map(|edge| edge.receives).collect()
}

impl Published {
    /// The publisher.
    pub fn publisher(&self) -> &str {
        self.part(|(publisher, _, _)| publisher)
    }

    /// The message's name.
    pub fn message(&self) -> &str {
        self.part(|(_, message, _)| message)
    }

    /// The message's key, as it stands in the subject.
    pub fn key(&self) -> &str {
        self.part(|(_, _, key)| key)
    }

    /// Reads the payload as a message.
    ///
    /// # Panics
    /// When it is another message.
    pub fn read<M: DeserializeOwned>(&self) -> M {
        serde_json::from_slice(&self.envelope.payload).unwrap_or_else(|error| panic!("reading {self}: {error}"))
    }

    fn part<'a>(&'a self, part: fn((&'a str, &'a str, &'a str)) -> &'a str) -> &'a str {
        self.envelope.parts().map_or("", part)
    }
}

/// `order.create-delivery`: who published what.
impl Display for Published {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.publisher(), self.message())
    }
}

impl Debug for Published {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let payload: Value = serde_json::from_slice(&self.envelope.payload).unwrap_or_default();
        write!(f, "{} {} {payload}", self.sequence, self.envelope.subject)
    }
}
