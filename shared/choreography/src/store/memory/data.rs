//! The data of a store in memory, and how a batch changes it: all checks come first, then all changes.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::store::{
    Changes, Committed, DeadCompensation, EffectRow, Head, IdempotencyKey, Loaded, Old, Preconditions, RowChange,
    ScheduleChange, ScheduledRow, StoreError, StoredReply, StoredRow, WaitingRow, Wanted,
};
use crate::wire::envelope::Envelope;

/// The current run of the service.
#[derive(Debug, Default)]
pub(super) struct CurrentRun {
    /// The position at which it started; none between runs.
    pub(super) start_position: Option<u64>,
    /// The message that is processed by itself, and how many processes have crashed on it.
    pub(super) trying: Option<Uuid>,
    pub(super) deaths: u32,
}

/// The tables, sorted, so that nothing depends on hashing.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) head: Head,
    pub(super) run: CurrentRun,
    pub(super) tables: BTreeMap<&'static str, BTreeMap<String, StoredRow>>,
    /// When each message was received, and how often it was tried if it died.
    pub(super) inbox: BTreeMap<Uuid, (i64, Option<u32>)>,
    pub(super) dead_compensations: Vec<DeadCompensation>,
    pub(super) outbox: BTreeMap<i64, Envelope>,
    pub(super) waiting: BTreeMap<i64, WaitingRow>,
    pub(super) scheduled: BTreeMap<i64, ScheduledRow>,
    pub(super) effects: BTreeMap<i64, EffectRow>,
    /// The number of the effect that was added last.
    last_effect: i64,
    /// Each reply with the moment at which it was stored.
    pub(super) replies: BTreeMap<IdempotencyKey, (i64, StoredReply)>,
    /// The next number of waiting and scheduled messages.
    next: i64,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            head: Head { outbox_next: 1, ..Head::default() },
            run: CurrentRun::default(),
            tables: BTreeMap::new(),
            inbox: BTreeMap::new(),
            dead_compensations: Vec::new(),
            outbox: BTreeMap::new(),
            waiting: BTreeMap::new(),
            scheduled: BTreeMap::new(),
            effects: BTreeMap::new(),
            last_effect: 0,
            replies: BTreeMap::new(),
            next: 1,
        }
    }
}

impl Data {
    /// Returns the head if this epoch is the current one.
    pub(super) fn head_of(&mut self, epoch: i64) -> Result<&mut Head, StoreError> {
        match self.head.epoch == epoch {
            true => Ok(&mut self.head),
            false => Err(StoreError::HeadConflict { epoch, position: self.head.position }),
        }
    }

    /// Checks that a batch may be committed.
    pub(super) fn check(&self, changes: &Changes) -> Result<(), StoreError> {
        if changes.preconditions.as_ref().is_some_and(|preconditions| !self.hold(preconditions)) {
            return Err(StoreError::RowConflict("a precondition does not hold".to_owned()));
        }
        if let Some(advance) = changes.advance
            && (advance.epoch, advance.from) != (self.head.epoch, self.head.position)
        {
            return Err(StoreError::HeadConflict { epoch: advance.epoch, position: advance.from });
        }
        let changed = |row: &&RowChange| !row.is_nothing() && self.version(row) != row.version;
        if let Some(row) = changes.rows.iter().find(changed) {
            return Err(StoreError::RowConflict(format!("{} of {}", row.key, row.table)));
        }
        let taken = |index: usize, reply: &StoredReply| {
            self.replies.contains_key(&reply.key)
                || changes.replies[..index].iter().any(|earlier| earlier.key == reply.key)
        };
        match changes.replies.iter().enumerate().any(|(index, reply)| taken(index, reply)) {
            true => Err(StoreError::RowConflict("an idempotency key was taken".to_owned())),
            false => Ok(()),
        }
    }

    fn hold(&self, preconditions: &Preconditions) -> bool {
        let version = |table, key: &String| Some(self.tables.get(table)?.get(key)?.version);
        preconditions.head.revision() == self.head.revision()
            && !preconditions.unreceived.iter().any(|id| self.inbox.contains_key(id))
            && !preconditions.unused_keys.iter().any(|key| self.replies.contains_key(key))
            && preconditions.rows.iter().all(|(table, key, loaded)| version(*table, key).unwrap_or(0) == *loaded)
    }

    /// Returns what a batch wants to read.
    pub(super) fn load(&self, wanted: &Wanted) -> Loaded {
        let received = wanted.received.iter().filter_map(|id| Some((*id, self.inbox.get(id)?.1)));
        let replies = wanted.replies.iter().filter_map(|key| Some(self.replies.get(key)?.1.clone()));
        let rows = wanted.rows.iter().map(|(table, keys)| {
            let rows = self.tables.get(table);
            keys.iter().filter_map(|key| rows?.get(key).cloned()).collect()
        });
        let waited_for: BTreeSet<_> = wanted.waited_for.iter().map(|(table, key)| (*table, key.as_str())).collect();
        let waits = |row: &&WaitingRow| waited_for.contains(&(row.table.as_str(), row.key.as_str()));
        let (now_ms, limit) = wanted.due.map_or((i64::MIN, 0), |(now, limit)| (now.as_millisecond(), limit as usize));
        let mut due: Vec<_> = self.scheduled.values().filter(|row| row.due_ms <= now_ms).cloned().collect();
        due.sort_by_key(|row| row.due_ms);
        due.truncate(limit);
        let expires = |row: &&WaitingRow| row.expiry_ms.is_some_and(|expiry_ms| expiry_ms <= now_ms);
        let mut expired: Vec<_> = self.waiting.values().filter(expires).cloned().collect();
        expired.sort_by_key(|row| row.expiry_ms);
        expired.truncate(limit);
        Loaded {
            head: self.head.clone(),
            received: received.collect(),
            replies: replies.collect(),
            rows: rows.collect(),
            any_waits: !self.waiting.is_empty(),
            waiting: self.waiting.values().filter(waits).cloned().collect(),
            due,
            expired,
        }
    }

    /// Applies the changes of a batch. Returns the numbers that they got.
    pub(super) fn apply(&mut self, changes: Changes) -> Committed {
        let now_ms = changes.now_ms;
        let mut committed = Committed { outbox_first: self.head.outbox_next, ..Committed::default() };
        if let Some(advance) = changes.advance {
            (self.head.position, self.head.restart_position) = (advance.to, advance.restart_position);
        }
        self.head.outbox_next += changes.outbox.len() as i64;
        self.outbox.extend((committed.outbox_first..).zip(changes.outbox));
        changes.rows.into_iter().filter(|row| !row.is_nothing()).for_each(|row| self.apply_row(row));
        self.inbox.extend(changes.inbox.into_iter().map(|row| (row.id, (now_ms, row.dead_tries))));
        let repaired: BTreeSet<Uuid> = changes.repaired.into_iter().collect();
        self.dead_compensations.retain(|compensation| !repaired.contains(&compensation.id));
        self.dead_compensations.extend(changes.compensations_died);
        let waited: BTreeSet<Uuid> = changes.waited.into_iter().collect();
        self.waiting.retain(|_, row| !waited.contains(&row.id));
        changes.waiting.into_iter().for_each(|row| self.apply_waiting(row));
        changes.scheduled.into_iter().for_each(|change| self.apply_scheduled(change));
        for effect in changes.effects {
            self.last_effect += 1;
            committed.effects.push(self.last_effect);
            self.effects.insert(self.last_effect, EffectRow { number: self.last_effect, ..effect });
        }
        changes.effects_done.iter().for_each(|number| drop(self.effects.remove(number)));
        self.replies.extend(changes.replies.into_iter().map(|reply| (reply.key.clone(), (now_ms, reply))));
        committed
    }

    fn apply_row(&mut self, row: RowChange) {
        let table = self.tables.entry(row.table).or_default();
        table.remove(&row.key);
        if let Some(state) = row.state {
            let stored = StoredRow { key: row.key.clone(), version: row.version + 1, state };
            table.insert(row.key, stored);
        }
    }

    fn apply_waiting(&mut self, row: WaitingRow) {
        let same = self.waiting.iter().find(|(_, waiting)| waiting.id == row.id).map(|(number, _)| *number);
        let number = same.unwrap_or_else(|| self.number());
        self.waiting.insert(number, row);
    }

    fn apply_scheduled(&mut self, change: ScheduleChange) {
        let (name, key) = match &change {
            ScheduleChange::Set(row) => (&row.name, &row.key),
            ScheduleChange::Remove { name, key } => (name, key),
        };
        self.scheduled.retain(|_, row| (&row.name, &row.key) != (name, key));
        if let ScheduleChange::Set(row) = change {
            let number = self.number();
            self.scheduled.insert(number, row);
        }
    }

    fn number(&mut self) -> i64 {
        self.next += 1;
        self.next - 1
    }

    /// Returns the version of the stored row, 0 if there is none.
    fn version(&self, row: &RowChange) -> i64 {
        self.tables.get(row.table).and_then(|rows| rows.get(&row.key)).map_or(0, |row| row.version)
    }

    /// Deletes what is older, at most `limit` of each kind. Returns whether there may be more.
    pub(super) fn forget(&mut self, old: &Old, limit: usize) -> bool {
        let inbox = |dead: bool| {
            let of_a_kind = self.inbox.iter().filter(move |(_, (_, dead_tries))| dead_tries.is_some() == dead);
            of_a_kind.map(|(id, (at_ms, _))| (*at_ms, *id))
        };
        let alive = oldest(inbox(false), old.received.as_millisecond(), limit);
        let dead = oldest(inbox(true), old.dead.as_millisecond(), limit);
        self.inbox.retain(|id, _| !alive.contains(id) && !dead.contains(id));
        let keys = self.replies.iter().map(|(key, (at_ms, _))| (*at_ms, key.clone()));
        let keys = oldest(keys, old.replies.as_millisecond(), limit);
        self.replies.retain(|key, _| !keys.contains(key));
        [alive.len(), dead.len(), keys.len()].contains(&limit)
    }
}

/// Returns the oldest of what is before a moment, at most `limit`.
fn oldest<T: Ord>(moments: impl Iterator<Item = (i64, T)>, before_ms: i64, limit: usize) -> BTreeSet<T> {
    let mut old: Vec<_> = moments.filter(|(at_ms, _)| *at_ms < before_ms).collect();
    old.sort_by_key(|(at_ms, _)| *at_ms);
    old.into_iter().take(limit).map(|(_, value)| value).collect()
}
