//! The status of one circuit, and how a cycle changes it. Nothing else changes it.

use jiff::Timestamp;
use serde::Serialize;

use super::cycle::Cycle;
use super::failure::Failures;

/// After so many dirty cycles in a row a half-open circuit opens.
const DIRTY_CYCLES_OPEN: u32 = 3;
/// So many clean cycles in a row close every circuit, so that more of them need not be walked.
pub(crate) const CLEAN_CYCLES_CLOSE: usize = 2;

/// What a circuit lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitState {
    /// Messages are sent freely.
    Closed,
    /// Each message is delayed before it is sent.
    HalfOpen,
    /// Messages are held, and new stories are refused.
    Open,
}

/// The state of a circuit, since when and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CircuitStatus {
    pub state: CircuitState,
    /// When it last changed; without meaning for a closed circuit.
    pub since: Timestamp,
    pub why: String,
    /// How many dirty cycles in a row a half-open circuit has behind it.
    dirty_cycles: u32,
}

impl CircuitStatus {
    pub(crate) fn closed() -> Self {
        Self { state: CircuitState::Closed, since: Timestamp::MIN, why: String::new(), dirty_cycles: 0 }
    }

    fn change(&mut self, state: CircuitState, since: Timestamp, why: String) {
        *self = Self { state, since, why, dirty_cycles: 0 };
    }

    /// What died until now, in a cycle that is not over: enough of it makes a closed circuit half-open at once.
    pub(crate) fn during(&mut self, failures: &Failures, threshold: usize, now: Timestamp) {
        let decisive = failures.decisive(threshold).filter(|failure| failure.at <= now);
        if let Some(failure) = decisive
            && self.state == CircuitState::Closed
        {
            self.change(CircuitState::HalfOpen, failure.at, failures.why(failure, now));
        }
    }

    /// A cycle is over in which something died.
    pub(crate) fn after(&mut self, cycle: Cycle, failures: &Failures, threshold: usize) {
        let Some(decisive) = failures.decisive(threshold) else {
            return self.after_clean(cycle);
        };
        self.during(failures, threshold, cycle.end());
        if self.state != CircuitState::HalfOpen {
            return;
        }
        self.dirty_cycles += 1;
        if self.dirty_cycles >= DIRTY_CYCLES_OPEN {
            let why = failures.why(decisive, cycle.end());
            let why = format!("{DIRTY_CYCLES_OPEN} dirty cycles in a row, at last {why}");
            self.change(CircuitState::Open, cycle.end(), why);
        }
    }

    /// A clean cycle is over: one step back. From half-open it takes as many dirty ones as before.
    pub(crate) fn after_clean(&mut self, cycle: Cycle) {
        if self.state == CircuitState::Open {
            let why = format!("the cycle from {} was clean", cycle.start().strftime("%H:%M:%SZ"));
            self.change(CircuitState::HalfOpen, cycle.end(), why);
        } else {
            *self = Self::closed();
        }
    }

    /// All the cycles up to another one are over, and nothing died in them.
    pub(crate) fn rest(&mut self, from: Cycle, until: Cycle) {
        from.until(until).take(CLEAN_CYCLES_CLOSE).for_each(|cycle| self.after_clean(cycle));
    }
}
