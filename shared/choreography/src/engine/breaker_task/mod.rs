//! The breaker task: reads the dead letters, and shares with the other tasks what each circuit lets through.
//!
//! It decides nothing by itself: the dead letters and the server's time determine every circuit. While dead letters may
//! be missing, every circuit is half-open.

mod overdue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::breaker::{BreakerSnapshot, Circuit, CircuitState, Circuits, Cycle, Failure, ServerTime};
use crate::bus::{Bus, BusError, Connection, ReadFrom, Stored, Stream};
use crate::clock::earlier;
use crate::declare::choreography::Choreography;
use crate::engine::shared::Shared;
use crate::planted::{PlantedBug, planted};
use crate::settings::{DEAD_LETTERS_READ_EVERY, Settings};
use crate::wire::dead_letter::DEAD_LETTERS;
use crate::wire::role::Role;

/// How far back dead letters are read: the next one if the one before does not determine every circuit. After the last
/// one the whole stream is read.
const LOOK_BACKS: [Duration; 4] =
    [Duration::from_secs(15), Duration::from_secs(120), Duration::from_secs(1_200), Duration::from_secs(4 * 3_600)];
/// The largest number of dead letters that are read at once, about a megabyte.
const DEAD_LETTERS_MAX: usize = 1_024;
/// The shortest pause between two reads: the timer is no finer.
const PAUSE_MIN: Duration = Duration::from_millis(1);

pub(crate) struct BreakerTask {
    pub choreography: Arc<Choreography>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    pub circuits: Circuits,
    /// The state of each circuit that was logged and measured last.
    pub reported: BTreeMap<String, CircuitState>,
    /// The sequence of the last dead letter whose headers could not be read: those up to it are logged.
    pub unreadable_up_to: u64,
}

/// Reads dead letters on one connection.
struct DeadLetterReader<'a> {
    connection: &'a dyn Connection,
    time: ServerTime,
    /// Where reading continues.
    next: ReadFrom,
    cycle: Cycle,
}

impl BreakerTask {
    /// Reads dead letters until the service stops.
    pub(crate) async fn run(mut self) {
        let stopping = self.shared.stopping.clone();
        while !stopping.has_begun() {
            let problem = tokio::select! {
                biased;
                () = stopping.begun() => return,
                read = self.read() => read.err(),
            };
            let now = self.shared.breaker.current().time.at(self.settings.clock.now());
            let problem = problem.map_or_else(String::new, |problem| format!(": {problem}"));
            let problem = format!("they can't be read, so every circuit counts as half-open until they can{problem}");
            self.shared.health.trouble("dead letters", Err(&problem));
            self.circuits.fall_behind(now);
            self.share(None);
            tokio::select! {
                biased;
                () = stopping.begun() => return,
                () = tokio::time::sleep(DEAD_LETTERS_READ_EVERY) => {}
            }
        }
    }

    /// Reads dead letters on one connection, until it is lost.
    async fn read(&mut self) -> Result<(), BusError> {
        let connection = self.bus.connect().await?;
        let connection = connection.as_ref();
        let time = self.request_time(connection).await?;
        let cycle = Cycle::of(time.server);
        let mut reader = DeadLetterReader { connection, time, next: ReadFrom::Sequence(1), cycle };
        self.read_back(&mut reader).await?;
        self.circuits.catch_up();
        self.shared.health.trouble("dead letters", Ok(()));
        loop {
            let now = reader.time.at(self.settings.clock.now());
            self.circuits.forget(now);
            self.share(Some(reader.time));
            if reader.cycle != Cycle::of(now) {
                reader.cycle = Cycle::of(now);
                reader.time = self.request_time(connection).await?;
                self.report_overdue(reader.time).await;
            }
            let rest = self.shared.breaker.current().rest_of_cycle(self.settings.clock.now());
            tokio::select! {
                biased;
                lost = connection.lost() => return Err(BusError::Lost(lost)),
                () = tokio::time::sleep(DEAD_LETTERS_READ_EVERY.min(rest.max(PAUSE_MIN))) => {}
            }
            self.read_on(&mut reader).await?;
        }
    }

    /// Requests the server's time.
    async fn request_time(&self, connection: &dyn Connection) -> Result<ServerTime, BusError> {
        let server = connection.stream(Stream::Events).await?.at;
        Ok(ServerTime { local: self.settings.clock.now(), server })
    }

    /// Reads as far back as it takes to determine every circuit. A dead letter that is read twice counts once.
    async fn read_back(&mut self, reader: &mut DeadLetterReader<'_>) -> Result<(), BusError> {
        for look_back in LOOK_BACKS {
            let from = earlier(reader.time.server, look_back);
            reader.next = ReadFrom::Time(from);
            self.read_on(reader).await?;
            if self.circuits.determined_since(from, reader.time.at(self.settings.clock.now())) {
                return Ok(());
            }
        }
        reader.next = ReadFrom::Sequence(1);
        self.read_on(reader).await
    }

    /// Reads the dead letters that follow, up to the end of the stream.
    async fn read_on(&mut self, reader: &mut DeadLetterReader<'_>) -> Result<(), BusError> {
        loop {
            let dead_letters = reader.connection.dead_letters(reader.next, DEAD_LETTERS_MAX).await?;
            for stored in &dead_letters {
                reader.next = ReadFrom::Sequence(stored.sequence + 1);
                if stored.unreadable.is_some() {
                    self.warn_of_unreadable(stored);
                    continue;
                }
                if let Some(failure) = Failure::read(&stored.envelope, stored.at, stored.sequence) {
                    self.circuits.note(failure);
                }
            }
            if dead_letters.is_empty() {
                return Ok(());
            }
        }
    }

    /// Reports, once for each, that a dead letter has headers that can't be read.
    fn warn_of_unreadable(&mut self, Stored { sequence, unreadable, .. }: &Stored) {
        if let Some(problem) = unreadable.as_ref().filter(|_| *sequence > self.unreadable_up_to) {
            self.unreadable_up_to = *sequence;
            // Whoever publishes one may publish many: it is a trouble, which is logged once.
            let trouble = format!(
                "the headers of dead letter {sequence} can't be read, so it counts for no circuit: {problem}; see `nats \
                 stream get {DEAD_LETTERS} {sequence}`, and who publishes it"
            );
            self.shared.health.trouble("unreadable dead letters", Err(&trouble));
            self.shared.health.trouble("unreadable dead letters", Ok(()));
        }
    }

    /// Shares the current state of the circuits with the other tasks, and reports what has changed.
    fn share(&mut self, time: Option<ServerTime>) {
        let time = time.unwrap_or(self.shared.breaker.current().time);
        let now = time.at(self.settings.clock.now());
        let caught_up = self.circuits.is_caught_up();
        let circuits = match &*self.shared.breaker.current() {
            before if planted(PlantedBug::CircuitNeverCloses) && !before.circuits.is_empty() => before.circuits.clone(),
            _ => self.circuits.all(now),
        };
        if caught_up {
            self.report(&circuits, now);
        }
        self.shared.breaker.set(BreakerSnapshot { caught_up, time, circuits });
    }

    fn report(&mut self, circuits: &[Circuit], now: Timestamp) {
        let before = std::mem::take(&mut self.reported);
        for Circuit { message, role, state, since, why } in circuits {
            if before.get(message) != Some(state) {
                let effect = match (state, role) {
                    (CircuitState::Open, Role::Step) => "are held, and new stories are refused",
                    (CircuitState::Open, _) => "are held",
                    _ => "are slowed down",
                };
                tracing::warn!(message_name = message, ?state, %since, why, "a circuit changed: its messages {effect}");
                self.measure(message, *state);
            }
            self.reported.insert(message.clone(), *state);
        }
        for message in before.into_keys().filter(|message| !self.reported.contains_key(message)) {
            let since = Cycle::of(now).start();
            tracing::info!(message_name = message, %since, "a circuit closed: enough cycles were clean");
            self.measure(&message, CircuitState::Closed);
        }
    }

    fn measure(&self, message: &str, state: CircuitState) {
        let value = match state {
            CircuitState::Closed => 0.0,
            CircuitState::HalfOpen => 1.0,
            CircuitState::Open => 2.0,
        };
        let (service, message) = (self.choreography.service, message.to_owned());
        metrics::gauge!("choreography_circuit_state", "service" => service, "message" => message).set(value);
    }
}
