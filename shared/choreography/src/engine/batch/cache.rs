//! The cache: rows that the last batches have read or written, so that the next one saves a round trip.
//!
//! It may be out of date: a row that it lacks counts as one that does not exist. What a batch reads from it becomes the
//! [`Preconditions`] of its commit, which the database checks. After a conflict, and while any message waits, batches
//! read from the database, until the database agrees with the cache.

use std::collections::HashMap;

use crate::store::{Changes, Checkpoint, Head, Loaded, Preconditions, RowChange, StoredRow, Wanted};

/// The last used rows of a table that are kept, at least; at most twice as many. That is more than the stories of a
/// busy service need at once, and a few megabytes.
const ROWS_KEPT: usize = 4_096;

/// The head and the rows that the last batches have read or written.
#[derive(Default)]
pub(crate) struct Cache {
    head: Head,
    /// Whether batches may decide from the cache.
    valid: bool,
    tables: HashMap<&'static str, CachedRows>,
}

impl Cache {
    /// Returns what is wanted, with the preconditions that the commit must check. Returns nothing for what only the
    /// database has, due and waiting messages; and nothing on a standby, because the leader may write anything
    /// meanwhile.
    pub(crate) fn lookup(&mut self, wanted: &Wanted, epoch: Option<i64>) -> Option<(Loaded, Preconditions)> {
        if !self.valid || epoch != Some(self.head.epoch) || wanted.needs_database() {
            return None;
        }
        let mut rows = Vec::new();
        let mut loaded = Loaded { head: self.head.clone(), ..Loaded::default() };
        for (table, keys) in &wanted.rows {
            let kept = self.tables.entry(table).or_default();
            let mut found = Vec::new();
            for key in keys {
                let row = kept.get(key);
                rows.push((*table, key.clone(), row.map_or(0, |row| row.version)));
                found.extend(row.cloned());
            }
            loaded.rows.push(found);
        }
        let (unreceived, unused_keys) = (wanted.received.clone(), wanted.replies.clone());
        Some((loaded, Preconditions { head: self.head.clone(), unreceived, unused_keys, rows }))
    }

    /// Stores what the database has returned. Whether the cache had the same.
    pub(crate) fn observe(&mut self, wanted: &Wanted, loaded: &Loaded) -> bool {
        // Only a batch that is committed makes the cache valid again.
        self.valid = false;
        let mut known = loaded.head.revision() == self.head.revision();
        self.head.clone_from(&loaded.head);
        known &= !loaded.any_waits && loaded.received.is_empty() && loaded.replies.is_empty();
        for ((table, keys), found) in wanted.rows.iter().zip(&loaded.rows) {
            let kept = self.tables.entry(table).or_default();
            let found: HashMap<&str, &StoredRow> = found.iter().map(|row| (row.key.as_str(), row)).collect();
            for key in keys {
                let (row, before) = (found.get(key.as_str()), kept.get(key));
                known &= row.map(|row| row.version) == before.map(|row| row.version);
                match row {
                    Some(row) => kept.put((*row).clone()),
                    None => kept.remove(key),
                }
            }
        }
        known
    }

    /// Stores what a batch has written. The next batch may decide from the cache if `valid`, and if no message waits.
    pub(crate) fn wrote(&mut self, written: Written, valid: bool) {
        self.head.outbox_next += written.outgoing;
        if let Some(Checkpoint { sequence, stamp_ns, .. }) = written.position {
            self.head.position = Checkpoint { sequence, stamp_ns, ..self.head.position };
        }
        for RowChange { table, key, version, state } in written.rows {
            let kept = self.tables.entry(table).or_default();
            match state {
                Some(state) => kept.put(StoredRow { key, version: version + 1, state }),
                None => kept.remove(&key),
            }
        }
        self.valid = valid && !written.waits;
    }

    /// Makes the next batch read from the database.
    pub(crate) fn invalidate(&mut self) {
        self.valid = false;
    }
}

/// The part of a batch's changes that the cache keeps.
pub(crate) struct Written {
    outgoing: i64,
    position: Option<Checkpoint>,
    waits: bool,
    rows: Vec<RowChange>,
}

impl Written {
    pub(crate) fn of(changes: &Changes) -> Self {
        Self {
            outgoing: changes.outbox.len() as i64,
            position: changes.advance.map(|advance| advance.to),
            waits: !changes.waiting.is_empty(),
            rows: changes.rows.clone(),
        }
    }
}

/// The cached rows of a table, in two generations: a row that is used moves into the young one. When that is full, it
/// replaces the old one, whose rows are dropped.
#[derive(Default)]
struct CachedRows {
    young: HashMap<String, StoredRow>,
    old: HashMap<String, StoredRow>,
}

impl CachedRows {
    fn get(&mut self, key: &str) -> Option<&StoredRow> {
        if let Some(row) = self.old.remove(key) {
            self.put(row);
        }
        self.young.get(key)
    }

    fn put(&mut self, row: StoredRow) {
        if self.young.len() >= ROWS_KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&row.key);
        self.young.insert(row.key.clone(), row);
    }

    fn remove(&mut self, key: &str) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: usize, version: i64) -> StoredRow {
        StoredRow { key: key.to_string(), version, state: "{}".to_owned() }
    }

    #[test]
    fn used_rows_stay_and_there_are_at_most_two_generations() {
        let mut rows = CachedRows::default();
        for key in 0..10 * ROWS_KEPT {
            rows.put(row(key, 1));
            assert_eq!(rows.get("0"), Some(&row(0, 1)));
        }
        assert!(rows.young.len() + rows.old.len() <= 2 * ROWS_KEPT);
        assert_eq!(rows.get("1"), None);
        let latest = 10 * ROWS_KEPT - ROWS_KEPT..10 * ROWS_KEPT;
        assert!(latest.into_iter().all(|key| rows.get(&key.to_string()).is_some()));
    }

    #[test]
    fn a_batch_that_is_not_committed_does_not_make_the_cache_valid() {
        let mut cache = Cache { head: Head { epoch: 5, ..Head::default() }, valid: true, ..Cache::default() };
        let head = Head { epoch: 6, ..Head::default() };
        cache.observe(&Wanted::default(), &Loaded { head, any_waits: true, ..Loaded::default() });
        assert!(cache.lookup(&Wanted::default(), Some(6)).is_none());
    }

    #[test]
    fn a_row_is_kept_once_and_as_it_was_put_last() {
        let mut rows = CachedRows::default();
        for version in 1..3 {
            for key in 0..ROWS_KEPT + 1 {
                rows.put(row(key, version));
            }
        }
        assert!((0..=ROWS_KEPT).all(|key| rows.get(&key.to_string()).is_none_or(|row| row.version == 2)));
        let mut full = CachedRows::default();
        (0..ROWS_KEPT).for_each(|key| full.put(row(key, 1)));
        full.put(row(0, 2));
        assert_eq!(full.get("0"), Some(&row(0, 2)));
        (0..=ROWS_KEPT).for_each(|key| rows.remove(&key.to_string()));
        assert!(rows.young.is_empty() && rows.old.is_empty());
    }
}
