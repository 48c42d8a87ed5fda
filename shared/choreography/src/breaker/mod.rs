//! The circuit breaker: what may be published, as a pure function of the stream of dead letters and the server's time.
//!
//! Every instance reads the same dead letters, so every instance comes to the same state, and nobody coordinates them.
//! That holds only while nothing else gets in here: no clock, no count of its own, no order of arrival.

mod cycle;
mod failure;
mod history;
mod snapshot;
mod status;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

#[cfg(test)]
pub(crate) use cycle::CYCLE;
pub(crate) use cycle::{Cycle, ServerTime};
pub(crate) use failure::Failure;
use history::History;
pub(crate) use snapshot::BreakerSnapshot;
pub use snapshot::BreakerStatus;
pub use status::CircuitState;
use status::CircuitStatus;

use crate::clock::earlier;
use crate::wire::role::Role;

/// How late a dead letter may arrive and still count: longer than it takes to notice that the connection is lost.
pub(crate) const LATE_MAX: Duration = Duration::from_secs(60);
/// The name in place of every message's while dead letters are still being read.
const EVERY_MESSAGE: &str = "*";

/// The circuit of one kind of message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Circuit {
    /// The name of the message; `*` for all messages, while the dead letters are still being read.
    pub message: String,
    /// The role of the message: only the open circuit of a step refuses new stories.
    pub role: Role,
    /// The state.
    pub state: CircuitState,
    /// When it changed to that, in the server's time.
    pub since: Timestamp,
    /// Why it changed, in a sentence.
    pub why: String,
}

/// The circuits of all messages. Every moment is one of the server's time.
pub(crate) struct Circuits {
    threshold: usize,
    /// Since when dead letters may be missing, because the stream is not read to its end. Meanwhile every circuit
    /// counts as half-open.
    behind_since: Option<Timestamp>,
    histories: BTreeMap<String, History>,
}

impl Circuits {
    /// Returns circuits that have not read any dead letters. A cycle is dirty from `threshold` dead letters on, if they
    /// are a tenth of what was processed; it must be the same in all instances.
    pub(crate) fn new(threshold: u32, now: Timestamp) -> Self {
        let threshold = usize::try_from(threshold).unwrap_or(usize::MAX).max(1);
        Self { threshold, behind_since: Some(now), histories: BTreeMap::new() }
    }

    /// Adds a dead letter. The order does not matter, and a dead letter that is added twice counts once.
    pub(crate) fn note(&mut self, failure: Failure) {
        self.histories.entry(failure.message.clone()).or_default().note(failure, self.threshold);
    }

    /// Records that all dead letters have been read, far enough back.
    pub(crate) fn catch_up(&mut self) {
        self.behind_since = None;
    }

    /// Records that dead letters may be missing from a moment on, because the connection is lost.
    pub(crate) fn fall_behind(&mut self, now: Timestamp) {
        self.behind_since.get_or_insert(now);
    }

    pub(crate) fn is_caught_up(&self) -> bool {
        self.behind_since.is_none()
    }

    /// Returns the state of one message's circuit.
    #[cfg(test)]
    pub(crate) fn state(&self, message: &str, now: Timestamp) -> CircuitState {
        if !self.is_caught_up() {
            return CircuitState::HalfOpen;
        }
        let history = self.histories.get(message);
        history.map_or(CircuitState::Closed, |history| history.status(self.threshold, now).state)
    }

    /// Returns the circuits that are not closed, by name.
    pub(crate) fn all(&self, now: Timestamp) -> Vec<Circuit> {
        if let Some(since) = self.behind_since {
            let why = "dead letters are still being read".to_owned();
            let (message, state) = (EVERY_MESSAGE.to_owned(), CircuitState::HalfOpen);
            return vec![Circuit { message, role: Role::Step, state, since, why }];
        }
        let circuits = self.histories.iter().map(|(message, history)| {
            let status = history.status(self.threshold, now);
            let CircuitStatus { state, since, why, .. } = status;
            Circuit { message: message.clone(), role: history.role, state, since, why }
        });
        circuits.filter(|circuit| circuit.state != CircuitState::Closed).collect()
    }

    /// Whether any circuit is open. An open circuit stays open at least until the current cycle ends: [`Cycle::end`].
    #[cfg(test)]
    pub(crate) fn any_open(&self, now: Timestamp) -> bool {
        self.histories.keys().any(|message| self.state(message, now) == CircuitState::Open)
    }

    /// Whether the dead letters from a moment on determine every circuit: each has two clean cycles in a row since
    /// then, which close it whatever was before. If not, dead letters from further back have to be read.
    pub(crate) fn determined_since(&self, from: Timestamp, now: Timestamp) -> bool {
        // The history of a message that never died.
        let empty = History::default();
        let mut histories = self.histories.values().chain([&empty]);
        let (from, until) = (Cycle::since(from), Cycle::of(now));
        histories.all(|history| history.is_determined(from, until, self.threshold))
    }

    /// Forgets the dead letters that are older than any that may still arrive. No state at this moment or a later one
    /// changes. While dead letters are missing, nothing is forgotten.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        if self.is_caught_up() {
            let begin = Cycle::of(earlier(now, LATE_MAX));
            self.histories.values_mut().for_each(|history| history.fold(begin, self.threshold));
            self.histories.retain(|_, history| !history.is_over());
        }
    }
}
