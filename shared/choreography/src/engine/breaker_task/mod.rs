//! The circuit breaker of one instance: it reads the dead letters, and tells the other tasks where the circuits stand.
//!
//! It decides nothing by itself: what it has read and the server's time determine every circuit. While dead letters may be
//! missing, everything is half-open.

mod overdue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::breaker::{BreakerSnapshot, Circuit, CircuitState, Circuits, Cycle, Failure, ServerTime};
use crate::bus::{Bus, BusError, Connection, ReadFrom};
use crate::clock::earlier;
use crate::declare::choreography::Choreography;
use crate::engine::shared::Shared;
use crate::settings::{LETTERS_READ_EVERY, Settings};

/// How far back is read at first, and then if that does not tell enough; after the last, from the first dead letter on.
const LOOK_BACKS: [Duration; 4] =
    [Duration::from_secs(15), Duration::from_secs(120), Duration::from_secs(1_200), Duration::from_secs(4 * 3_600)];
/// At most so many dead letters at once.
const LETTERS_MAX: usize = 1_024;

pub(crate) struct BreakerTask {
    pub choreography: Arc<Choreography>,
    pub bus: Arc<dyn Bus>,
    pub shared: Shared,
    pub settings: Settings,
    pub circuits: Circuits,
    /// What was logged of each circuit, and shown by its metric.
    pub reported: BTreeMap<String, CircuitState>,
}

/// One connection's work.
struct DeadLetterReader<'a> {
    connection: &'a dyn Connection,
    time: ServerTime,
    /// Where the next dead letter is looked for.
    next: ReadFrom,
    cycle: Cycle,
}

impl BreakerTask {
    /// Reads until the service stops.
    pub(crate) async fn run(mut self) {
        let shared = self.shared.clone();
        while !shared.is_stopping() {
            let trouble = tokio::select! {
                read = self.read() => read.err(),
                () = shared.stopping() => return,
            };
            let now = self.shared.breaker_snapshot().time.at(self.settings.clock.now());
            if self.circuits.is_caught_up() {
                tracing::warn!(trouble = ?trouble.map(|trouble| trouble.to_string()), "dead letters are not read");
            }
            self.circuits.fall_behind(now);
            self.share(None);
            tokio::select! {
                () = tokio::time::sleep(LETTERS_READ_EVERY) => {}
                () = shared.stopping() => return,
            }
        }
    }

    async fn read(&mut self) -> Result<(), BusError> {
        let connection = self.bus.connect().await?;
        let connection = connection.as_ref();
        let time = self.ask_time(connection).await?;
        let cycle = Cycle::of(time.server);
        let mut reading = DeadLetterReader { connection, time, next: ReadFrom::Sequence(1), cycle };
        self.read_back(&mut reading).await?;
        self.circuits.catch_up();
        loop {
            let now = reading.time.at(self.settings.clock.now());
            self.circuits.forget(now);
            self.share(Some(reading.time));
            if reading.cycle != Cycle::of(now) {
                reading.cycle = Cycle::of(now);
                reading.time = self.ask_time(connection).await?;
                self.watch(connection, reading.time).await?;
            }
            let rest = self.shared.breaker_snapshot().rest_of_cycle(self.settings.clock.now());
            tokio::select! {
                () = tokio::time::sleep(LETTERS_READ_EVERY.min(rest.max(Duration::from_millis(1)))) => {}
                lost = connection.lost() => return Err(BusError::Lost(lost)),
            }
            self.read_on(&mut reading).await?;
        }
    }

    /// The server's time, as an answer shows it.
    async fn ask_time(&self, connection: &dyn Connection) -> Result<ServerTime, BusError> {
        let server = connection.stream().await?.at;
        Ok(ServerTime { local: self.settings.clock.now(), server })
    }

    /// Reads as far back as it takes to know where every circuit stands. Dead letters that are read again are the same ones.
    async fn read_back(&mut self, reading: &mut DeadLetterReader<'_>) -> Result<(), BusError> {
        for look_back in LOOK_BACKS {
            let from = earlier(reading.time.server, look_back);
            reading.next = ReadFrom::Time(from);
            self.read_on(reading).await?;
            if self.circuits.determined_since(from, reading.time.at(self.settings.clock.now())) {
                return Ok(());
            }
        }
        reading.next = ReadFrom::Sequence(1);
        self.read_on(reading).await
    }

    /// Reads all dead letters that have come.
    async fn read_on(&mut self, reading: &mut DeadLetterReader<'_>) -> Result<(), BusError> {
        loop {
            let dead_letters = reading.connection.dead_letters(reading.next, LETTERS_MAX).await?;
            for stored in &dead_letters {
                reading.next = ReadFrom::Sequence(stored.sequence + 1);
                if let Some(dead_letter) = Failure::read(&stored.envelope, stored.at, stored.sequence) {
                    self.circuits.note(dead_letter);
                }
            }
            if dead_letters.len() < LETTERS_MAX {
                return Ok(());
            }
        }
    }

    /// Tells the other tasks where the circuits stand, and the operator what has changed.
    fn share(&mut self, time: Option<ServerTime>) {
        let time = time.unwrap_or(self.shared.breaker_snapshot().time);
        let now = time.at(self.settings.clock.now());
        let caught_up = self.circuits.is_caught_up();
        let circuits = self.circuits.all(now);
        if caught_up {
            self.report(&circuits, now);
        }
        self.shared.set_breaker_snapshot(BreakerSnapshot { caught_up, time, circuits });
    }

    fn report(&mut self, circuits: &[Circuit], now: Timestamp) {
        let before = std::mem::take(&mut self.reported);
        for Circuit { message, state, since, why } in circuits {
            if before.get(message) != Some(state) {
                tracing::warn!(kind = message, ?state, %since, why, "a circuit changed");
                self.measure(message, *state);
            }
            self.reported.insert(message.clone(), *state);
        }
        for message in before.into_keys().filter(|message| !self.reported.contains_key(message)) {
            tracing::info!(kind = message, since = %Cycle::of(now).start(), "a circuit closed: enough cycles were clean");
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
