//! The effects of one message in memory: in order for each key, with the time of the next try.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::settings::EFFECTS_LOADED_MAX;
use crate::store::EffectRow;

/// How soon after its commit an effect must start not to be asked again whether it is obsolete.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The effects of one message in memory.
#[derive(Default)]
pub(super) struct EffectQueue {
    /// The number up to which every effect has been loaded.
    loaded: i64,
    /// By key, in order. The first effect of a key runs, or waits for its next try.
    chains: BTreeMap<String, VecDeque<Queued>>,
    count: usize,
    ready: VecDeque<String>,
    /// The keys whose first effect is tried again, by when.
    retries: BTreeMap<(Timestamp, i64), String>,
}

struct Queued {
    row: EffectRow,
    /// Whether it came from its batch, and no other effect of its key was before it.
    direct: bool,
}

impl EffectQueue {
    /// Returns the number after which effects are loaded, and how many there is room for.
    pub(super) fn to_load(&self) -> (i64, usize) {
        (self.loaded, EFFECTS_LOADED_MAX - self.count)
    }

    /// Returns how many effects are in memory.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the numbers of the effects in memory.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i64> {
        self.chains.values().flatten().map(|queued| queued.row.number)
    }

    /// Whether enough effects are done that loading more is worth a round trip.
    pub(super) fn has_room(&self) -> bool {
        self.count <= EFFECTS_LOADED_MAX / 2
    }

    /// Adds an effect, unless it is there already: from its batch, or from the database.
    pub(super) fn add(&mut self, row: EffectRow, now: Timestamp, from_batch: bool) {
        if row.number <= self.loaded {
            return;
        }
        self.loaded = row.number;
        self.count += 1;
        let chain = self.chains.entry(row.key.clone()).or_default();
        let is_first = chain.is_empty();
        if is_first {
            let due = Timestamp::from_millisecond(row.due_ms).unwrap_or(now);
            if due <= now {
                self.ready.push_back(row.key.clone());
            } else {
                self.retries.insert((due, row.number), row.key.clone());
            }
        }
        chain.push_back(Queued { row, direct: from_batch && is_first });
    }

    /// Removes and returns a key whose first effect can run now.
    pub(super) fn pop_ready(&mut self, now: Timestamp) -> Option<String> {
        while let Some(entry) = self.retries.first_entry().filter(|entry| entry.key().0 <= now) {
            self.ready.push_back(entry.remove());
        }
        self.ready.pop_front()
    }

    /// Returns when the next effect is tried again.
    pub(super) fn next_retry(&self) -> Option<Timestamp> {
        self.retries.first_key_value().map(|((due, _), _)| *due)
    }

    /// Returns since when the effects wait that are there the longest; none if there is none.
    pub(super) fn oldest_ms(&self) -> Option<i64> {
        self.chains.values().filter_map(|chain| chain.front()).map(|queued| queued.row.since_ms).min()
    }

    /// Begins a try of the first effect of a key. Returns it, and whether it follows its commit directly.
    pub(super) fn begin(&mut self, key: &str, now: Timestamp) -> Option<(EffectRow, bool)> {
        let Queued { row, direct } = self.chains.get_mut(key)?.front_mut()?;
        let committed = Timestamp::from_millisecond(row.since_ms).unwrap_or(now);
        let direct = *direct && row.tries == 0 && now < later(committed, ASKED_AGAIN_AFTER);
        if row.tries == 0 {
            row.since_ms = now.as_millisecond();
        }
        Some((row.clone(), direct))
    }

    pub(super) fn first(&self, key: &str) -> Option<&EffectRow> {
        self.chains.get(key)?.front().map(|queued| &queued.row)
    }

    pub(super) fn first_mut(&mut self, key: &str) -> Option<&mut EffectRow> {
        self.chains.get_mut(key)?.front_mut().map(|queued| &mut queued.row)
    }

    /// Tries the first effect of a key again at a moment. Returns the effect.
    pub(super) fn retry(&mut self, key: &str, due: Timestamp) -> Option<EffectRow> {
        let row = self.first_mut(key)?;
        row.due_ms = due.as_millisecond();
        let row = row.clone();
        self.retries.insert((due, row.number), key.to_owned());
        Some(row)
    }

    /// Removes the first effect of a key; the next one becomes ready.
    pub(super) fn finish(&mut self, key: &str) -> Option<EffectRow> {
        let chain = self.chains.get_mut(key)?;
        let Queued { row, .. } = chain.pop_front()?;
        self.count -= 1;
        if chain.is_empty() {
            self.chains.remove(key);
        } else {
            self.ready.push_back(key.to_owned());
        }
        Some(row)
    }
}
