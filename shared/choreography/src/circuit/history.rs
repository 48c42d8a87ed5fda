//! What died of one kind, cycle by cycle, and where that leaves its circuit. What is old is folded into where the
//! circuit stood then, so that a history stays short however long the trouble lasts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::letter::{Letter, Letters};
use super::standing::{CLEAN_CYCLES_CLOSE, CircuitState, Standing};
use super::time::Cycle;

/// At most so many cycles are kept of one kind, 10 minutes in which something died every 5 seconds; the older ones are
/// folded, whatever may still come. It takes no more than four cycles in a row to know the state, so a letter that comes
/// too late for its cycle can only change since when it holds.
pub(crate) const CYCLES_KEPT_MAX: usize = 120;

/// What died of one kind.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The first cycle that is not folded, and where the circuit stood when it began. If none is folded, it was closed
    /// before the first letter.
    folded: Option<(Cycle, Standing)>,
    cycles: BTreeMap<Cycle, Letters>,
}

impl History {
    /// Notes a letter. One of a cycle that has been folded comes too late.
    pub(crate) fn note(&mut self, letter: Letter, threshold: usize) {
        let cycle = Cycle::of(letter.at);
        if self.folded.as_ref().is_some_and(|(begin, _)| cycle < *begin) {
            return;
        }
        self.cycles.entry(cycle).or_default().note(letter, threshold);
        if self.cycles.len() > CYCLES_KEPT_MAX
            && let Some((oldest, _)) = self.cycles.first_key_value()
        {
            self.fold(oldest.next(), threshold);
        }
    }

    /// Where the circuit stands.
    pub(crate) fn standing(&self, threshold: usize, now: Timestamp) -> Standing {
        let current = Cycle::of(now);
        let mut standing = self.standing_before(current, threshold);
        if let Some(letters) = self.cycles.get(&current) {
            standing.during(letters, threshold, now);
        }
        standing
    }

    /// Where the circuit stands when a cycle begins.
    fn standing_before(&self, cycle: Cycle, threshold: usize) -> Standing {
        let (mut next, mut standing) = self.folded.clone().unwrap_or((cycle, Standing::closed()));
        for (past, letters) in self.cycles.range(..cycle) {
            standing.rest(next, *past);
            standing.after(*past, letters, threshold);
            next = past.next();
        }
        standing.rest(next, cycle);
        standing
    }

    /// Folds what lies before a cycle into where the circuit stood when that began.
    pub(crate) fn fold(&mut self, begin: Cycle, threshold: usize) {
        if self.folded.as_ref().is_none_or(|(before, _)| *before < begin) {
            self.folded = Some((begin, self.standing_before(begin, threshold)));
            self.cycles = self.cycles.split_off(&begin);
        }
    }

    /// How many letters are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.cycles.values().map(Letters::kept).sum()
    }

    /// Whether nothing is left that could matter.
    pub(crate) fn is_over(&self) -> bool {
        let closed = |(_, standing): &(Cycle, Standing)| standing.state == CircuitState::Closed;
        self.cycles.is_empty() && self.folded.as_ref().is_none_or(closed)
    }

    /// Whether enough clean cycles lie in a row between two cycles, so that nothing before the first one matters. Where
    /// something has been folded since, so much was heard that only an older `since` could be found further back.
    pub(crate) fn is_determined(&self, from: Cycle, until: Cycle, threshold: usize) -> bool {
        let mut clean_cycles = 0;
        let is_dirty = |cycle| self.cycles.get(&cycle).is_some_and(|letters| letters.decisive(threshold).is_some());
        self.folded.as_ref().is_some_and(|(begin, _)| from < *begin)
            || from.until(until).any(|cycle| {
                clean_cycles = if is_dirty(cycle) { 0 } else { clean_cycles + 1 };
                clean_cycles >= CLEAN_CYCLES_CLOSE
            })
    }
}
