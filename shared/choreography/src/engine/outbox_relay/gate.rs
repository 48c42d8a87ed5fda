//! Which rows may leave: none that an open circuit holds, and none that a running subscriber can't read yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::held::message_of;
use super::readers::Readers;
use crate::breaker::{BreakerSnapshot, CircuitState};
use crate::planted::{PlantedBug, planted};
use crate::store::OutboxRow;

pub(super) struct Gate<'a> {
    pub(super) breaker: Arc<BreakerSnapshot>,
    pub(super) readers: Arc<Readers>,
    /// The names of the messages that have circuits.
    circuit_messages: &'a BTreeSet<&'static str>,
}

impl<'a> Gate<'a> {
    pub(super) fn new(
        breaker: Arc<BreakerSnapshot>,
        readers: Arc<Readers>,
        circuit_messages: &'a BTreeSet<&'static str>,
    ) -> Self {
        Self { breaker, readers, circuit_messages }
    }

    /// Whether a message has a circuit.
    pub(super) fn has_circuit(&self, message: &str) -> bool {
        self.circuit_messages.contains(message)
    }

    /// Returns the state of a message's circuit; one without a circuit passes always.
    pub(super) fn circuit(&self, message: &str) -> CircuitState {
        if self.breaker.all_closed() || !self.has_circuit(message) || planted(PlantedBug::OpenCircuitIgnored) {
            return CircuitState::Closed;
        }
        self.breaker.state(message)
    }

    /// Returns what lets a row pass: its circuit, or open if somebody can't read it.
    pub(super) fn state(&self, row: &OutboxRow) -> CircuitState {
        match message_of(&row.envelope.subject) {
            Some(_) if !self.readers.read(&row.envelope) => CircuitState::Open,
            Some(message) => self.circuit(message),
            None => CircuitState::Closed,
        }
    }
}
