//! The status of one circuit, and how a cycle changes it. Nothing else changes it.

use jiff::Timestamp;
use serde::Serialize;

use super::cycle::Cycle;
use super::failure::Failures;

/// After this many dirty cycles in a row a half-open circuit opens.
const DIRTY_CYCLES_OPEN: u32 = 3;
/// This many clean cycles in a row close every circuit, so more of them need not be looked at.
pub(crate) const CLEAN_CYCLES_CLOSE: usize = 2;

/// What a circuit lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitState {
    /// Messages are sent freely.
    Closed,
    /// Each message is delayed before it is sent.
    HalfOpen,
    /// Messages are held; if it is the circuit of a step, new stories are refused.
    Open,
}

/// The state of a circuit, since when and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CircuitStatus {
    pub state: CircuitState,
    /// When it last changed; without meaning for a closed circuit.
    pub since: Timestamp,
    pub why: String,
    /// How many dirty cycles in a row there were while the circuit was half-open.
    dirty_cycles: u32,
}

impl CircuitStatus {
    pub(crate) fn closed() -> Self {
        Self { state: CircuitState::Closed, since: Timestamp::MIN, why: String::new(), dirty_cycles: 0 }
    }

    fn change(&mut self, state: CircuitState, since: Timestamp, why: String) {
        *self = Self { state, since, why, dirty_cycles: 0 };
    }

    /// Applies the failures of the current cycle until now: enough of them make a closed circuit half-open at once.
    pub(crate) fn during(&mut self, failures: &Failures, threshold: usize, now: Timestamp) {
        if let Some(failure) = failures.decisive(threshold, now)
            && self.state == CircuitState::Closed
        {
            self.change(CircuitState::HalfOpen, failure.at, failures.why(failure, now));
        }
    }

    /// Applies a cycle that has ended, with its failures.
    pub(crate) fn after(&mut self, cycle: Cycle, failures: &Failures, threshold: usize) {
        let Some(decisive) = failures.decisive(threshold, cycle.end()) else {
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

    /// Applies a clean cycle that has ended: an open circuit becomes half-open, any other closed. From half-open it
    /// takes as many dirty cycles to open as before.
    pub(crate) fn after_clean(&mut self, cycle: Cycle) {
        if self.state == CircuitState::Open {
            let why = format!("the cycle from {} was clean", cycle.start().strftime("%H:%M:%SZ"));
            self.change(CircuitState::HalfOpen, cycle.end(), why);
        } else {
            *self = Self::closed();
        }
    }

    /// Applies cycles that have ended without any failure, up to but not including `until`.
    pub(crate) fn rest(&mut self, from: Cycle, until: Cycle) {
        from.until(until).take(CLEAN_CYCLES_CLOSE).for_each(|cycle| self.after_clean(cycle));
    }
}
