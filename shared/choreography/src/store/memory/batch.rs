//! How a batch reads and changes the data in memory: all checks come first, then all changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::data::{Data, Ranges};
use crate::planted::{PlantedBug, planted};
use crate::store::error::{effects_gone, put_back_numbers};
use crate::store::{
    Changes, Checkpoint, Committed, EffectRow, Loaded, NewOutboxRow, Preconditions, RangeChanges, RowChange,
    ScheduleChange, StoreError, StoredRow, WaitingRow, Wanted,
};
use crate::wire::envelope::Envelope;

impl Data {
    /// Checks that a batch may be committed.
    pub(super) fn check(&self, changes: &Changes) -> Result<(), StoreError> {
        let trusts_rows = planted(PlantedBug::StaleRowTrusted);
        if changes.preconditions.as_ref().is_some_and(|preconditions| !self.hold(preconditions)) && !trusts_rows {
            return Err(StoreError::RowConflict("a precondition does not hold".to_owned()));
        }
        if let Some(advance) = changes.advance
            && (advance.epoch, advance.from) != (self.head.epoch, self.head.position.sequence)
        {
            return Err(advance.conflict(self.head.epoch));
        }
        let is_queued = |number: &i64| self.effects.contains_key(number) || planted(PlantedBug::EffectsNotChecked);
        if !changes.effects_done.iter().all(is_queued) {
            return Err(effects_gone(&self.head));
        }
        self.check_numbers(&changes.outbox)?;
        let changed = |row: &&RowChange| !row.is_nothing() && self.version(row) != row.version;
        if let Some(row) = changes.rows.iter().find(changed).filter(|_| !trusts_rows) {
            return Err(StoreError::RowConflict(format!("{} of {}", row.key, row.table)));
        }
        let mut earlier = BTreeSet::new();
        let mut is_taken = |key| self.replies.contains_key(key) || !earlier.insert(key);
        match changes.replies.iter().any(|reply| is_taken(&reply.key)) {
            true => Err(StoreError::RowConflict("an idempotency key was taken".to_owned())),
            false => Ok(()),
        }
    }

    fn hold(&self, preconditions: &Preconditions) -> bool {
        let version = |table, key: &String| Some(self.tables.get(table)?.get(key)?.version);
        preconditions.head.revision() == self.head.revision()
            && !preconditions.unused_keys.iter().any(|key| self.replies.contains_key(key))
            && preconditions.rows.iter().all(|(table, key, loaded)| version(*table, key).unwrap_or(0) == *loaded)
    }

    /// Checks that the numbers of outbox rows follow the highest stored ones.
    fn check_numbers(&self, rows: &[NewOutboxRow]) -> Result<(), StoreError> {
        let mut next: BTreeMap<(Uuid, Arc<str>), u64> = BTreeMap::new();
        for NewOutboxRow { name, .. } in rows {
            let next = next
                .entry((name.outbox, name.kind.clone()))
                .or_insert_with_key(|series| self.given.get(series).map_or(0, |(last, _)| *last) + 1);
            if name.number != *next {
                return Err(put_back_numbers());
            }
            *next += 1;
        }
        Ok(())
    }

    /// Returns what a batch wants to read.
    pub(super) fn load(&self, wanted: &Wanted) -> Loaded {
        let dead = wanted.dead.iter().filter_map(|id| Some((*id, self.dead.get(id)?.1)));
        let known = if wanted.adopted.is_empty() { BTreeMap::new() } else { self.adopted_messages() };
        let adopted = wanted.adopted.iter().filter_map(|id| Some((*id, Envelope::clone(known.get(id)?))));
        let replies = wanted.replies.iter().filter_map(|key| Some(self.replies.get(key)?.1.clone()));
        let rows = wanted.rows.iter().map(|(table, keys)| {
            let rows = self.tables.get(table);
            keys.iter().filter_map(|key| rows?.get(key).cloned()).collect()
        });
        let (now_ms, limit) = wanted.due.map_or((i64::MIN, 0), |(now, limit)| (now.as_millisecond(), limit as usize));
        let due = self.scheduled.due_by(now_ms, limit);
        let expired = if limit == 0 { Vec::new() } else { self.expired(now_ms, limit) };
        Loaded {
            head: self.head(),
            dead: dead.collect(),
            adopted: adopted.collect(),
            replies: replies.collect(),
            rows: rows.collect(),
            any_waits: !self.waiting.is_empty(),
            all_waited_for: wanted.all_waited_for.and_then(|limit| self.all_waited_for(limit as usize)),
            waiting: self.waiting_for(&wanted.waited_for),
            due,
            expired,
        }
    }

    /// Returns the messages that have waited until a moment, the earliest first, at most `limit`.
    fn expired(&self, now_ms: i64, limit: usize) -> Vec<WaitingRow> {
        let expires = |row: &&WaitingRow| row.expiry_ms.is_some_and(|expiry_ms| expiry_ms <= now_ms);
        let mut expired: Vec<_> = self.waiting.values().filter(expires).cloned().collect();
        expired.sort_by_key(|row| row.expiry_ms);
        expired.truncate(limit);
        expired
    }

    /// Returns the messages that wait for some of these rows.
    fn waiting_for(&self, rows: &[(&'static str, String)]) -> Vec<WaitingRow> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let rows: BTreeSet<_> = rows.iter().map(|(table, key)| (*table, key.as_str())).collect();
        let waits = |row: &&WaitingRow| rows.contains(&(row.table.as_str(), row.key.as_str()));
        self.waiting.values().filter(waits).cloned().collect()
    }

    fn all_waited_for(&self, limit: usize) -> Option<Vec<(String, String)>> {
        let rows: BTreeSet<_> = self.waiting.values().map(|row| (row.table.clone(), row.key.clone())).collect();
        (rows.len() <= limit).then(|| rows.into_iter().collect())
    }

    /// Applies the changes of a batch. Returns the numbers that they got.
    pub(super) fn apply(&mut self, mut changes: Changes) -> Committed {
        let now_ms = changes.now_ms;
        let mut committed = Committed { outbox_first: self.head.outbox_next, ..Committed::default() };
        if let Some(advance) = changes.advance {
            let deleted = self.head.position.deleted;
            self.head.position = Checkpoint { deleted, ..advance.to };
        }
        self.head.outbox_next += changes.outbox.len() as i64;
        self.head.waits_changed += i64::from(changes.changes_waits());
        self.apply_outbox(committed.outbox_first, now_ms, &mut changes);
        apply_ranges(&mut self.received, changes.received, now_ms);
        apply_ranges(&mut self.reported, changes.reported, now_ms);
        changes.rows.into_iter().filter(|row| !row.is_nothing()).for_each(|row| self.apply_row(row));
        if !changes.deaths.is_empty() || !changes.replies.is_empty() {
            self.first_kept_ms = self.first_kept_ms.into_iter().chain([now_ms]).min();
        }
        let repaired: BTreeSet<Uuid> = changes.repaired.into_iter().collect();
        for id in &repaired {
            self.dead.remove(id);
        }
        self.dead.extend(changes.deaths.into_iter().map(|dead| (dead.id, (now_ms, dead.tries))));
        self.dead_compensations.retain(|compensation| !repaired.contains(&compensation.id));
        self.dead_compensations.extend(changes.compensations_died);
        let waited: BTreeSet<Uuid> = changes.waited.into_iter().collect();
        if !waited.is_empty() {
            self.waiting.retain(|_, row| !waited.contains(&row.id));
        }
        changes.waiting.into_iter().for_each(|row| self.apply_waiting(row));
        changes.scheduled.into_iter().for_each(|change| self.apply_scheduled(change));
        for effect in changes.effects {
            self.last_effect += 1;
            committed.effects.push(self.last_effect);
            self.effects.insert(self.last_effect, EffectRow { number: self.last_effect, ..effect });
        }
        for failed in changes.effects_failed {
            if let Some(effect) = self.effects.get_mut(&failed.number) {
                (effect.tries, effect.since_ms, effect.due_ms) = (failed.tries, failed.since_ms, failed.due_ms);
            }
        }
        changes.effects_done.iter().for_each(|number| drop(self.effects.remove(number)));
        self.replies.extend(changes.replies.into_iter().map(|reply| (reply.key.clone(), (now_ms, reply))));
        committed
    }

    fn apply_row(&mut self, row: RowChange) {
        let table = self.tables.entry(row.table).or_default();
        let Some(state) = row.state else { return drop(table.remove(&row.key)) };
        match table.get_mut(&row.key) {
            Some(stored) => (stored.version, stored.state) = (row.version + 1, state),
            None => {
                let stored = StoredRow { key: row.key.clone(), version: row.version + 1, state };
                table.insert(row.key, stored);
            }
        }
    }

    fn apply_waiting(&mut self, row: WaitingRow) {
        let same = self.waiting.iter().find(|(_, waiting)| waiting.id == row.id).map(|(number, _)| *number);
        let number = same.unwrap_or_else(|| self.number());
        self.waiting.insert(number, row);
    }

    fn apply_scheduled(&mut self, change: ScheduleChange) {
        match change {
            ScheduleChange::Set(row) => {
                let number = self.number();
                self.scheduled.set(number, row);
            }
            ScheduleChange::Remove { name, key } => self.scheduled.remove(&name, &key),
        }
    }

    /// Returns the version of the stored row, 0 if there is none.
    fn version(&self, row: &RowChange) -> i64 {
        self.tables.get(row.table).and_then(|rows| rows.get(&row.key)).map_or(0, |row| row.version)
    }

    fn apply_outbox(&mut self, first: i64, now_ms: i64, changes: &mut Changes) {
        for (number, row) in (first..).zip(std::mem::take(&mut changes.outbox)) {
            self.given.insert((row.name.outbox, row.name.kind.clone()), (row.name.number, now_ms));
            self.outbox.insert(number, row.numbered(number, false));
        }
        self.put_placeholders(std::mem::take(&mut changes.placeholders));
    }
}

/// Applies changes to ranges.
pub(super) fn apply_ranges(ranges: &mut Ranges, changes: RangeChanges, now_ms: i64) {
    for range in &changes.remove {
        ranges.remove(range);
    }
    ranges.extend(changes.put.into_iter().map(|put| ((put.series, put.range.first), (put.range.last, now_ms))));
}
