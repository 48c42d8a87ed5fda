//! The breaker snapshot: the state of every circuit, by which the outbox relay publishes and new stories are accepted.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Circuit, CircuitState, Cycle, ServerTime};
use crate::clock::until;
use crate::wire::role::Role;

/// The state of the circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerStatus {
    /// Whether all dead letters have been read; until then every circuit counts as half-open.
    pub caught_up: bool,
    /// When the current cycle ends, in the server's time: no open circuit closes before.
    pub cycle_ends_at: Timestamp,
    /// Whether the circuit of a step is open: new stories are refused.
    pub intake_closed: bool,
    /// The circuits that are not closed.
    pub circuits: Vec<Circuit>,
}

/// The circuits when dead letters were last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BreakerSnapshot {
    pub caught_up: bool,
    /// What the server's clock and the local one showed.
    pub time: ServerTime,
    /// The circuits that are not closed.
    pub circuits: Vec<Circuit>,
}

impl BreakerSnapshot {
    /// Returns the snapshot before anything is known, including the server's time.
    pub(crate) fn unknown(now: Timestamp) -> Self {
        Self { caught_up: false, time: ServerTime { local: now, server: now }, circuits: Vec::new() }
    }

    /// Whether every circuit is closed.
    pub(crate) fn all_closed(&self) -> bool {
        self.caught_up && self.circuits.is_empty()
    }

    /// Returns the state of a message's circuit.
    pub(crate) fn state(&self, message: &str) -> CircuitState {
        if !self.caught_up {
            return CircuitState::HalfOpen;
        }
        let circuit = self.circuits.iter().find(|circuit| circuit.message == message);
        circuit.map_or(CircuitState::Closed, |circuit| circuit.state)
    }

    /// Returns the names of the steps whose circuits are open. An open circuit of an event holds that event back, and
    /// nothing else.
    pub(crate) fn open_steps(&self) -> impl Iterator<Item = &str> {
        let is_open = |circuit: &&Circuit| circuit.state == CircuitState::Open && circuit.role == Role::Step;
        self.circuits.iter().filter(is_open).map(|circuit| circuit.message.as_str())
    }

    /// Returns how long it is until the current cycle ends.
    pub(crate) fn rest_of_cycle(&self, now: Timestamp) -> Duration {
        let server = self.time.at(now);
        until(server, Cycle::of(server).end())
    }

    /// Returns the snapshot as callers see it.
    pub(crate) fn status(&self, now: Timestamp) -> BreakerStatus {
        BreakerStatus {
            caught_up: self.caught_up,
            cycle_ends_at: Cycle::of(self.time.at(now)).end(),
            intake_closed: self.open_steps().next().is_some(),
            circuits: self.circuits.clone(),
        }
    }
}
