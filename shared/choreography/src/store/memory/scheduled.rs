//! The scheduled messages in memory, found by their names and keys and by when they are due.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::store::ScheduledRow;
use crate::wire::series::outgoing_id;

/// Scheduled messages. A clone is a copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Scheduled {
    rows: BTreeMap<i64, ScheduledRow>,
    /// The number of each, by message name and key.
    numbers: BTreeMap<(String, String), i64>,
    /// When each is due, and its number.
    due: BTreeSet<(i64, i64)>,
}

impl Scheduled {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a message in the place of the one of the same name and key.
    pub(super) fn set(&mut self, number: i64, row: ScheduledRow) {
        self.remove(&row.name, &row.key);
        self.numbers.insert((row.name.clone(), row.key.clone()), number);
        self.due.insert((row.due_ms, number));
        self.rows.insert(number, row);
    }

    pub(super) fn remove(&mut self, name: &str, key: &str) {
        if let Some(number) = self.numbers.remove(&(name.to_owned(), key.to_owned()))
            && let Some(row) = self.rows.remove(&number)
        {
            self.due.remove(&(row.due_ms, number));
        }
    }

    /// Removes the message that is published under this id. Returns whether there was one.
    pub(super) fn remove_id(&mut self, id: Uuid) -> bool {
        let found = self.rows.values().find(|row| outgoing_id(&row.envelope) == id);
        let found = found.map(|row| (row.name.clone(), row.key.clone()));
        found.as_ref().inspect(|(name, key)| self.remove(name, key)).is_some()
    }

    /// Returns when the first one is due, in milliseconds since 1970.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Returns those that are due by a moment, the earliest first, at most `limit`.
    pub(super) fn due_by(&self, now_ms: i64, limit: usize) -> Vec<ScheduledRow> {
        let due = self.due.range(..=(now_ms, i64::MAX)).take(limit);
        due.filter_map(|(_, number)| self.rows.get(number).cloned()).collect()
    }
}
