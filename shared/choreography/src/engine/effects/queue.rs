//! The effects in memory: in order for each key, with the time of the next try.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::settings::EFFECTS_LOADED_MAX;
use crate::store::EffectRow;

/// The effects in memory.
#[derive(Default)]
pub(super) struct EffectQueue {
    /// The number up to which every effect has been loaded.
    loaded: i64,
    /// By key, in order. The first effect of a key runs, or waits for its next try.
    chains: BTreeMap<String, VecDeque<EffectRow>>,
    count: usize,
    ready: VecDeque<String>,
    /// The keys whose first effect is tried again, by when.
    retries: BTreeMap<(Timestamp, i64), String>,
}

impl EffectQueue {
    /// Returns the number after which effects are loaded, and how many there is room for.
    pub(super) fn to_load(&self) -> (i64, usize) {
        (self.loaded, EFFECTS_LOADED_MAX - self.count)
    }

    /// Whether enough effects are done that loading more is worth a round trip.
    pub(super) fn has_room(&self) -> bool {
        self.count <= EFFECTS_LOADED_MAX / 2
    }

    /// Takes the effects that a batch has committed, if they follow those in memory and there is room. Else they are
    /// loaded from the database later. Whether they are in memory now.
    pub(super) fn take(&mut self, rows: Vec<EffectRow>, now: Timestamp) -> bool {
        let follows = rows.first().is_some_and(|first| first.number == self.loaded + 1);
        if follows && self.count + rows.len() <= EFFECTS_LOADED_MAX {
            rows.into_iter().for_each(|row| self.add(row, now));
            return true;
        }
        rows.last().is_none_or(|last| last.number <= self.loaded)
    }

    pub(super) fn add(&mut self, row: EffectRow, now: Timestamp) {
        self.loaded = row.number;
        self.count += 1;
        let chain = self.chains.entry(row.key.clone()).or_default();
        if chain.is_empty() {
            let due = Timestamp::from_millisecond(row.due_ms).unwrap_or(now);
            if due <= now {
                self.ready.push_back(row.key.clone());
            } else {
                self.retries.insert((due, row.number), row.key.clone());
            }
        }
        chain.push_back(row);
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

    pub(super) fn first(&self, key: &str) -> Option<&EffectRow> {
        self.chains.get(key)?.front()
    }

    pub(super) fn first_mut(&mut self, key: &str) -> Option<&mut EffectRow> {
        self.chains.get_mut(key)?.front_mut()
    }

    /// Tries the first effect of a key again at a moment.
    pub(super) fn retry(&mut self, key: String, number: i64, due: Timestamp) {
        self.retries.insert((due, number), key);
    }

    /// Removes the first effect of a key; the next one becomes ready.
    pub(super) fn finish(&mut self, key: &str) -> Option<EffectRow> {
        let chain = self.chains.get_mut(key)?;
        let row = chain.pop_front()?;
        self.count -= 1;
        if chain.is_empty() {
            self.chains.remove(key);
        } else {
            self.ready.push_back(key.to_owned());
        }
        Some(row)
    }
}
