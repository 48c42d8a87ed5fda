//! The cached rows of one table: a bounded number of those that were used last.

use hashbrown::HashMap;

use crate::store::StoredRow;

/// The last used rows of a table that are kept, at least; at most twice as many. That is more than the stories of a
/// busy service need at once, and a few megabytes.
const ROWS_KEPT: usize = 4_096;

/// How many bytes of states in a table's younger half replace the older one before it has that many rows: 8 MiB, so that
/// large rows take no more memory than many.
const STATES_KEPT_BYTES: usize = 8 << 20;

/// The cached rows of a table, in two generations: a row that is used moves into the young one. When that is full, it
/// replaces the old one, whose rows are dropped.
#[derive(Default)]
pub(super) struct CachedRows {
    young: HashMap<String, StoredRow>,
    /// The states that were put into the young one, in bytes.
    young_bytes: usize,
    old: HashMap<String, StoredRow>,
}

impl CachedRows {
    pub(super) fn get(&mut self, key: &str) -> Option<&StoredRow> {
        if let Some(row) = self.old.remove(key) {
            self.put(row);
        }
        self.young.get(key)
    }

    pub(super) fn put(&mut self, row: StoredRow) {
        if self.young.len() >= ROWS_KEPT || self.young_bytes >= STATES_KEPT_BYTES {
            (self.old, self.young_bytes) = (std::mem::take(&mut self.young), 0);
        }
        self.young_bytes += row.state.len();
        self.old.remove(&row.key);
        self.young.insert(row.key.clone(), row);
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: usize, version: i64) -> StoredRow {
        StoredRow { key: key.to_string(), version, state: "{}".into() }
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
    fn large_rows_are_bounded_by_their_bytes() {
        let mut rows = CachedRows::default();
        let kept_bytes = |rows: &CachedRows| -> usize {
            rows.young.values().chain(rows.old.values()).map(|row| row.state.len()).sum()
        };
        for key in 0..100 {
            rows.put(StoredRow { state: "x".repeat(1 << 20).into(), ..row(key, 1) });
            assert!(rows.get(&key.to_string()).is_some());
            assert!(kept_bytes(&rows) <= 2 * (STATES_KEPT_BYTES + (1 << 20)));
        }
        assert!(kept_bytes(&rows) >= STATES_KEPT_BYTES);
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
