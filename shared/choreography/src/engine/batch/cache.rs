//! The cache: rows that the last batches have read or written, so that the next one saves a round trip.
//!
//! It may be out of date: a row that it lacks counts as one that does not exist. What a batch reads from it becomes the
//! [`Preconditions`] of its commit, which the database checks. After a conflict batches read from the database, until it
//! agrees with the cache. Which rows messages wait for is known, too: only these make a batch ask the database.

use hashbrown::{HashMap, HashSet};

use super::cached_rows::CachedRows;
use crate::planted::{PlantedBug, planted};
use crate::store::{Changes, Head, Loaded, Preconditions, RowChange, StoredRow, Wanted};

/// The most rows of which it is known that messages wait for them: a megabyte. While there are more, every batch reads
/// from the database.
const WAITED_FOR_MAX: u32 = 8_192;

/// The head and the rows that the last batches have read or written.
#[derive(Default)]
pub(crate) struct Cache {
    head: Head,
    /// Whether batches may decide from the cache.
    valid: bool,
    tables: HashMap<&'static str, CachedRows>,
    waited_for: Option<WaitedFor>,
}

/// The keys of the rows that messages wait for, by table. While the head is the same none is missing; of some no message
/// may wait any more.
type WaitedFor = HashMap<String, HashSet<String>>;

impl Cache {
    /// Returns what is wanted, with the preconditions that the commit must check. Returns nothing for what only the
    /// database has, as due messages and those that wait; and nothing on a standby, because the leader may write anything
    /// meanwhile.
    pub(crate) fn lookup(&mut self, wanted: &Wanted, epoch: Option<i64>) -> Option<(Loaded, Preconditions)> {
        if !self.valid || epoch != Some(self.head.epoch) || wanted.needs_database() {
            return None;
        }
        let waits = self.waited_for.as_ref()?;
        let is_waited_for = |(table, key): &(&str, String)| waits.get(*table).is_some_and(|keys| keys.contains(key));
        if wanted.waited_for.iter().any(is_waited_for) && !planted(PlantedBug::WaitsNotLookedUp) {
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
        Some((loaded, Preconditions { head: self.head.clone(), unused_keys: wanted.replies.clone(), rows }))
    }

    /// Returns up to how many rows that messages wait for the database has to list; none if they are known.
    pub(crate) fn waited_for_to_load(&self) -> Option<u32> {
        self.waited_for.is_none().then_some(WAITED_FOR_MAX)
    }

    /// Stores what the database has returned. Whether the cache had the same.
    pub(crate) fn observe(&mut self, wanted: &Wanted, loaded: &Loaded) -> bool {
        // Only a batch that is committed makes the cache valid again.
        self.valid = false;
        let mut known = loaded.head.revision() == self.head.revision();
        self.observe_waits(loaded, known);
        self.head.clone_from(&loaded.head);
        known &= loaded.replies.is_empty();
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

    /// Stores which rows messages wait for. What was known counts only while the head is the same.
    fn observe_waits(&mut self, loaded: &Loaded, same_head: bool) {
        if let Some(rows) = &loaded.all_waited_for {
            let mut waited_for = WaitedFor::new();
            for (table, key) in rows {
                waited_for.entry(table.clone()).or_default().insert(key.clone());
            }
            self.waited_for = Some(waited_for);
        } else if !loaded.any_waits {
            self.waited_for = Some(WaitedFor::new());
        } else if !same_head {
            self.waited_for = None;
        }
    }

    /// Stores what a batch has written. The next batch may decide from the cache if `valid`.
    pub(crate) fn wrote(&mut self, written: Written, valid: bool) {
        self.head.outbox_next += written.outgoing;
        self.head.waits_changed += i64::from(written.changes_waits);
        if let Some(position) = written.position {
            self.head.position.sequence = position;
        }
        for RowChange { table, key, version, state } in written.rows {
            let kept = self.tables.entry(table).or_default();
            match state {
                Some(state) => kept.put(StoredRow { key, version: version + 1, state }),
                None => kept.remove(&key),
            }
        }
        self.valid = valid;
        self.wrote_waits(written.woken, written.waiting);
    }

    /// Stores that no message waits for some rows any more, and that messages wait for others now.
    fn wrote_waits(&mut self, woken: Vec<(&'static str, String)>, waiting: Vec<(String, String)>) {
        let Some(waited_for) = &mut self.waited_for else { return };
        for (table, key) in woken {
            if let Some(keys) = waited_for.get_mut(table) {
                keys.remove(&key);
            }
        }
        for (table, key) in waiting {
            waited_for.entry(table).or_default().insert(key);
        }
        let count: usize = waited_for.values().map(HashSet::len).sum();
        self.waited_for.take_if(|_| count > WAITED_FOR_MAX as usize);
    }

    /// Returns the local number that the next outbox row gets.
    pub(crate) fn next_outbox_number(&self) -> i64 {
        self.head.outbox_next
    }

    /// Makes the next batch read from the database.
    pub(crate) fn invalidate(&mut self) {
        self.valid = false;
    }
}

/// The part of a batch's changes that the cache keeps.
pub(crate) struct Written {
    outgoing: i64,
    changes_waits: bool,
    position: Option<u64>,
    /// Rows that no message waits for any more.
    woken: Vec<(&'static str, String)>,
    /// Rows that messages begin to wait for.
    waiting: Vec<(String, String)>,
    rows: Vec<RowChange>,
}

impl Written {
    /// Returns what a batch writes that has taken all messages which waited for the rows `woken`.
    pub(crate) fn of(changes: &Changes, woken: Vec<(&'static str, String)>) -> Self {
        Self {
            outgoing: changes.outbox.len() as i64,
            changes_waits: changes.changes_waits(),
            position: changes.advance.map(|advance| advance.to.sequence),
            woken,
            waiting: changes.waiting.iter().map(|row| (row.table.clone(), row.key.clone())).collect(),
            rows: changes.rows.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_not_committed_does_not_make_the_cache_valid() {
        let mut cache = Cache { head: Head { epoch: 5, ..Head::default() }, valid: true, ..Cache::default() };
        cache.waited_for = Some(WaitedFor::new());
        let head = Head { epoch: 6, ..Head::default() };
        cache.observe(&Wanted::default(), &Loaded { head, ..Loaded::default() });
        assert!(cache.lookup(&Wanted::default(), Some(6)).is_none());
    }

    #[test]
    fn for_which_rows_messages_wait_is_asked_again_once_another_instance_has_written() {
        let mut cache = Cache { waited_for: Some(WaitedFor::new()), ..Cache::default() };
        let mut loaded = Loaded { any_waits: true, ..Loaded::default() };
        cache.observe(&Wanted::default(), &loaded);
        assert_eq!(cache.waited_for_to_load(), None);
        loaded.head.waits_changed += 1;
        cache.observe(&Wanted::default(), &loaded);
        assert_eq!(cache.waited_for_to_load(), Some(WAITED_FOR_MAX));
    }

    #[test]
    fn of_more_rows_than_the_bound_it_is_not_known_that_messages_wait_for_them() {
        let mut cache = Cache { waited_for: Some(WaitedFor::new()), ..Cache::default() };
        let mut wait_for = |rows: std::ops::Range<u32>| {
            let waiting = rows.map(|row| ("page".to_owned(), row.to_string())).collect();
            cache.wrote_waits(Vec::new(), waiting);
            cache.waited_for_to_load().is_none()
        };
        assert!(wait_for(0..WAITED_FOR_MAX));
        assert!(!wait_for(WAITED_FOR_MAX..WAITED_FOR_MAX + 1));
    }
}
