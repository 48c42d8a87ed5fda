//! The failures of one message, cycle by cycle, and the circuit that follows from them. Old cycles are folded into the
//! status that followed from them, so that a history stays short however long a subscriber fails.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use jiff::Timestamp;
use uuid::Uuid;

use super::cycle::Cycle;
use super::failure::{Failure, Failures};
use super::status::{CLEAN_CYCLES_CLOSE, CircuitState, CircuitStatus};
use crate::wire::role::Role;

/// The largest number of cycles that are kept for one message: 10 minutes in which messages died every 5 seconds. Older
/// ones are folded, even if more dead letters of them may arrive. Four cycles in a row determine the state, so a dead
/// letter that arrives after its cycle was folded can only change since when the state holds.
pub(crate) const CYCLES_KEPT_MAX: usize = 120;

/// The failures of one message.
#[derive(Debug)]
pub(crate) struct History {
    /// The role of the message. If dead letters differ, that of a step.
    pub role: Role,
    /// The first cycle that is not folded, and the circuit's status when it began. If none is folded, the circuit was
    /// closed before the first failure.
    folded: Option<(Cycle, CircuitStatus)>,
    cycles: BTreeMap<Cycle, Failures>,
    /// When the first dead letter of each death was stored, and its sequence: of those that are kept.
    deaths: HashMap<Uuid, (Timestamp, u64)>,
}

impl Default for History {
    fn default() -> Self {
        Self { role: Role::Event, folded: None, cycles: BTreeMap::new(), deaths: HashMap::new() }
    }
}

impl History {
    /// Adds a failure. One of a cycle that is folded is ignored. Of a dead letter that was published twice the first copy
    /// counts.
    pub(crate) fn note(&mut self, failure: Failure, threshold: usize) {
        let cycle = Cycle::of(failure.at);
        if self.folded.as_ref().is_some_and(|(begin, _)| cycle < *begin) || !self.is_first_copy(&failure) {
            return;
        }
        self.role = self.role.min(failure.role);
        let dropped = self.cycles.entry(cycle).or_default().note(failure);
        if let Some(death) = dropped.and_then(|dropped| dropped.death) {
            self.deaths.remove(&death);
        }
        if self.cycles.len() > CYCLES_KEPT_MAX
            && let Some((oldest, _)) = self.cycles.first_key_value()
        {
            self.fold(oldest.next(), threshold);
        }
    }

    /// Whether no copy of the dead letter is stored before this one. A later copy is removed.
    fn is_first_copy(&mut self, failure: &Failure) -> bool {
        let Some(death) = failure.death else { return true };
        let this = (failure.at, failure.sequence);
        if let Some((at, sequence)) = self.deaths.get(&death).copied() {
            if (at, sequence) <= this {
                return false;
            }
            if let Some(failures) = self.cycles.get_mut(&Cycle::of(at)) {
                failures.remove(at, sequence);
            }
        }
        self.deaths.insert(death, this);
        true
    }

    /// Returns the circuit's status.
    pub(crate) fn status(&self, threshold: usize, now: Timestamp) -> CircuitStatus {
        let current = Cycle::of(now);
        let mut status = self.status_before(current, threshold);
        if let Some(failures) = self.cycles.get(&current) {
            status.during(failures, threshold, now);
        }
        status
    }

    /// Returns the circuit's status when a cycle begins.
    fn status_before(&self, cycle: Cycle, threshold: usize) -> CircuitStatus {
        let (mut next, mut status) = self.folded.clone().unwrap_or((cycle, CircuitStatus::closed()));
        for (past, failures) in self.cycles.range(..cycle) {
            status.rest(next, *past);
            status.after(*past, failures, threshold);
            next = past.next();
        }
        status.rest(next, cycle);
        status
    }

    /// Folds the cycles before another one into the circuit's status when that began.
    pub(crate) fn fold(&mut self, begin: Cycle, threshold: usize) {
        if self.folded.as_ref().is_none_or(|(before, _)| *before < begin) {
            self.folded = Some((begin, self.status_before(begin, threshold)));
            self.cycles = self.cycles.split_off(&begin);
            self.deaths.retain(|_, (at, _)| Cycle::of(*at) >= begin);
        }
    }

    /// Returns how many failures are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.cycles.values().map(Failures::kept).sum()
    }

    /// Returns how many deaths are known.
    #[cfg(test)]
    pub(crate) fn deaths(&self) -> usize {
        self.deaths.len()
    }

    /// Whether the history has nothing that could change a state.
    pub(crate) fn is_over(&self) -> bool {
        let closed = |(_, status): &(Cycle, CircuitStatus)| status.state == CircuitState::Closed;
        self.cycles.is_empty() && self.folded.as_ref().is_none_or(closed)
    }

    /// Whether enough clean cycles in a row lie between two cycles, so that nothing before the first one matters. If a
    /// cycle since has been folded, there were so many failures that reading further back could only find an older
    /// `since`.
    pub(crate) fn is_determined(&self, from: Cycle, until: Cycle, threshold: usize) -> bool {
        let mut clean_cycles = 0;
        let is_dirty = |cycle| {
            self.cycles.get(&cycle).is_some_and(|failures| failures.decisive(threshold, Timestamp::MAX).is_some())
        };
        self.folded.as_ref().is_some_and(|(begin, _)| from < *begin)
            || from.until(until).any(|cycle| {
                clean_cycles = if is_dirty(cycle) { 0 } else { clean_cycles + 1 };
                clean_cycles >= CLEAN_CYCLES_CLOSE
            })
    }
}
