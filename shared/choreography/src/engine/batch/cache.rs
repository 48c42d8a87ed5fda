//! What the last batches left in the database, kept in memory, so that the next one need not ask for it.
//!
//! It is only ever a guess, and what it lacks is guessed not to be there. What a batch takes from it goes into its commit
//! as [`Preconditions`], and where that is not so, the commit is refused. From then on batches ask the database, until one finds
//! what the cache would have said. They also ask as long as any message waits.

use std::collections::HashMap;

use crate::store::{Changes, Head, Loaded, Preconditions, RowChange, StoredRow, Wanted};

/// So many rows of a table are kept, at least, and twice as many at most: those that were used last. More than are on
/// their way in a busy service, a few megabytes.
const ROWS_KEPT: usize = 4_096;

/// What the database is thought to hold.
#[derive(Default)]
pub(crate) struct Cache {
    head: Head,
    /// Whether the last look at the database brought nothing but what was thought.
    valid: bool,
    tables: HashMap<&'static str, Rows>,
}

impl Cache {
    /// What the database would answer, and what is assumed by that. Nothing where only the database knows: what is due,
    /// and what waits; and where this instance is not in charge, because another one may write anything meanwhile.
    pub(crate) fn lookup(&mut self, wanted: &Wanted, leadership: Option<i64>) -> Option<(Loaded, Preconditions)> {
        if !self.valid || leadership != Some(self.head.epoch) || wanted.due.is_some() || !wanted.waited_for.is_empty() {
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

    /// Notes what the database has answered. Whether it is what would have been recalled.
    pub(crate) fn observe(&mut self, wanted: &Wanted, loaded: &Loaded) -> bool {
        // Whatever becomes of this batch: only one that is committed gives the trust back.
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

    /// Notes what a batch has written, and whether the next one may go by memory.
    pub(crate) fn wrote(&mut self, written: Written, valid: bool) {
        self.head.outbox_next += written.outgoing;
        self.head.position = written.position.unwrap_or(self.head.position);
        for RowChange { table, key, version, state } in written.rows {
            let kept = self.tables.entry(table).or_default();
            match state {
                Some(state) => kept.put(StoredRow { key, version: version + 1, state }),
                None => kept.remove(&key),
            }
        }
        self.valid = valid && !written.waits;
    }

    /// The next batch asks the database.
    pub(crate) fn invalidate(&mut self) {
        self.valid = false;
    }
}

/// What a batch writes, as far as the cache is concerned.
pub(crate) struct Written {
    outgoing: i64,
    position: Option<u64>,
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

/// Rows of a table, in two generations: what is used moves into the young one, and when that is full, the old one goes.
#[derive(Default)]
struct Rows {
    young: HashMap<String, StoredRow>,
    old: HashMap<String, StoredRow>,
}

impl Rows {
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
    fn rows_that_are_used_stay_and_no_more_than_two_generations() {
        let mut rows = Rows::default();
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
    fn a_batch_that_asked_and_was_not_committed_leaves_no_trust() {
        let mut cache = Cache { head: Head { epoch: 5, ..Head::default() }, valid: true, ..Cache::default() };
        let head = Head { epoch: 6, ..Head::default() };
        cache.observe(&Wanted::default(), &Loaded { head, any_waits: true, ..Loaded::default() });
        assert!(cache.lookup(&Wanted::default(), Some(6)).is_none());
    }

    #[test]
    fn a_row_is_there_once_and_as_it_was_put_last() {
        let mut rows = Rows::default();
        for version in 1..3 {
            for key in 0..ROWS_KEPT + 1 {
                rows.put(row(key, version));
            }
        }
        assert!((0..=ROWS_KEPT).all(|key| rows.get(&key.to_string()).is_none_or(|row| row.version == 2)));
        let mut full = Rows::default();
        (0..ROWS_KEPT).for_each(|key| full.put(row(key, 1)));
        full.put(row(0, 2));
        assert_eq!(full.get("0"), Some(&row(0, 2)));
        (0..=ROWS_KEPT).for_each(|key| rows.remove(&key.to_string()));
        assert!(rows.young.is_empty() && rows.old.is_empty());
    }
}
