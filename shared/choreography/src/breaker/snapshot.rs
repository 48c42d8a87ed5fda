//! Where all circuits stand, as the tasks of a service share it: what the publisher and every new command go by.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Circuit, CircuitState, Cycle, EVERY_MESSAGE, ServerTime};
use crate::clock::until;

/// How the circuit breaker stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerStatus {
    /// Whether all dead letters have been read; until then every circuit counts as half-open.
    pub caught_up: bool,
    /// When the current cycle ends, in the server's time: no open circuit closes before.
    pub cycle_ends_at: Timestamp,
    /// Whether any circuit is open: nothing new is begun.
    pub any_open: bool,
    /// The circuits that are not closed.
    pub circuits: Vec<Circuit>,
}

/// Where the circuits stood when they were looked at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BreakerSnapshot {
    pub caught_up: bool,
    /// What the server's clock showed beside ours.
    pub time: ServerTime,
    /// Those that are not closed.
    pub circuits: Vec<Circuit>,
}

impl BreakerSnapshot {
    /// Nothing is known yet, not even the server's time.
    pub(crate) fn unknown(now: Timestamp) -> Self {
        Self { caught_up: false, time: ServerTime { local: now, server: now }, circuits: Vec::new() }
    }

    /// Whether everything is sent freely.
    pub(crate) fn all_closed(&self) -> bool {
        self.caught_up && self.circuits.is_empty()
    }

    /// What the circuit of a kind lets through.
    pub(crate) fn state(&self, message: &str) -> CircuitState {
        if !self.caught_up {
            return CircuitState::HalfOpen;
        }
        let circuit = self.circuits.iter().find(|circuit| circuit.message == message);
        circuit.map_or(CircuitState::Closed, |circuit| circuit.state)
    }

    /// The names of those that are open.
    pub(crate) fn open(&self) -> impl Iterator<Item = &str> {
        let open = self.circuits.iter().filter(|circuit| circuit.state == CircuitState::Open);
        open.map(|circuit| circuit.message.as_str()).filter(|message| *message != EVERY_MESSAGE)
    }

    /// How long it is until the current cycle ends.
    pub(crate) fn rest_of_cycle(&self, now: Timestamp) -> Duration {
        let server = self.time.at(now);
        until(server, Cycle::of(server).end())
    }

    /// As callers may see it.
    pub(crate) fn status(&self, now: Timestamp) -> BreakerStatus {
        BreakerStatus {
            caught_up: self.caught_up,
            cycle_ends_at: Cycle::of(self.time.at(now)).end(),
            any_open: self.open().next().is_some(),
            circuits: self.circuits.clone(),
        }
    }
}
