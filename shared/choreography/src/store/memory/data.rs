//! The data of a store in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use uuid::Uuid;

use super::scheduled::Scheduled;
use crate::store::error::put_back_head;
use crate::store::{
    Checkpoint, DeadCompensation, EffectRow, Head, IdempotencyKey, Old, OutboxRow, SeriesId, StoreError, StoredReply,
    StoredRow, StoredRows, TrySlot, WaitingRow,
};

/// The current run of the service.
#[derive(Debug, Clone, Default)]
pub(super) struct CurrentRun {
    /// The position at which it started; none between runs.
    pub(super) start_position: Option<u64>,
    /// How many processes have crashed on each message and effect that was tried by itself, and which is tried now.
    pub(super) suspects: BTreeMap<Uuid, (u32, Option<TrySlot>)>,
    /// Whether it has tried every effect that it found.
    pub(super) effects_tried: bool,
}

impl CurrentRun {
    /// Records what is tried in a slot; none if nothing is any more.
    pub(super) fn try_alone(&mut self, slot: TrySlot, id: Option<Uuid>) {
        let suspects = &mut self.suspects;
        suspects.values_mut().filter(|(_, tried)| *tried == Some(slot)).for_each(|(_, tried)| *tried = None);
        suspects.retain(|_, (deaths, tried)| *deaths > 0 || tried.is_some());
        if let Some(id) = id {
            suspects.entry(id).or_insert((0, None)).1 = Some(slot);
        }
    }
}

/// Ranges by series and first number: the last number, and when the range was written.
pub(super) type Ranges = BTreeMap<(SeriesId, u64), (u64, i64)>;

/// The data. What is listed is sorted, so that nothing depends on hashing.
#[derive(Debug, Clone)]
pub(super) struct Data {
    pub(super) head: Head,
    pub(super) run: CurrentRun,
    pub(super) tables: BTreeMap<&'static str, HashMap<String, StoredRow>>,
    pub(super) dead_compensations: Vec<DeadCompensation>,
    /// When each message died, and how often it had been tried.
    pub(super) dead: BTreeMap<Uuid, (i64, u32)>,
    pub(super) outbox: BTreeMap<i64, OutboxRow>,
    /// The numbers of the outbox rows that were adopted from the stream.
    pub(super) adopted: BTreeSet<i64>,
    /// The highest number of each outbox and kind, and when it was given, or kept.
    pub(super) given: BTreeMap<(Uuid, Arc<str>), (u64, i64)>,
    /// Checkpoints by their sequences.
    pub(super) checkpoints: BTreeMap<u64, Checkpoint>,
    /// Floors by their sequences.
    pub(super) floors: BTreeMap<u64, Checkpoint>,
    /// Which rows the streams had, by the last of them.
    pub(super) stored_rows: BTreeMap<i64, StoredRows>,
    /// By series and first number, the last number, and when a number was added.
    pub(super) received: Ranges,
    pub(super) reported: Ranges,
    /// How many messages of lost commands the stream has, by kind.
    pub(super) lost_commands: BTreeMap<Arc<str>, u64>,
    pub(super) subscriptions: BTreeMap<(Arc<str>, Arc<str>), Uuid>,
    pub(super) waiting: BTreeMap<i64, WaitingRow>,
    pub(super) scheduled: Scheduled,
    pub(super) effects: BTreeMap<i64, EffectRow>,
    /// The number of the effect that was added last.
    pub(super) last_effect: i64,
    /// Each reply with the moment at which it was stored.
    pub(super) replies: HashMap<IdempotencyKey, (i64, StoredReply)>,
    /// When the first of the replies, and of the messages that died, was stored; none before that.
    pub(super) first_kept_ms: Option<i64>,
    /// The next number of waiting and scheduled messages.
    next: i64,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            head: Head { outbox_next: 1, ..Head::default() },
            run: CurrentRun::default(),
            tables: BTreeMap::new(),
            dead_compensations: Vec::new(),
            dead: BTreeMap::new(),
            outbox: BTreeMap::new(),
            adopted: BTreeSet::new(),
            given: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            floors: BTreeMap::new(),
            stored_rows: BTreeMap::new(),
            received: Ranges::new(),
            reported: Ranges::new(),
            lost_commands: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            waiting: BTreeMap::new(),
            scheduled: Scheduled::default(),
            effects: BTreeMap::new(),
            last_effect: 0,
            replies: HashMap::new(),
            first_kept_ms: None,
            next: 1,
        }
    }
}

impl Data {
    /// Returns the head if this epoch is the current one.
    pub(super) fn head_of(&mut self, epoch: i64) -> Result<&mut Head, StoreError> {
        match self.head.epoch == epoch {
            true => Ok(&mut self.head),
            false => Err(self.not_at(epoch)),
        }
    }

    /// Returns the error for an epoch that is not the current one.
    pub(super) fn not_at(&self, epoch: i64) -> StoreError {
        match epoch > self.head.epoch {
            true => put_back_head(epoch, self.head.epoch),
            false => StoreError::HeadConflict { epoch, position: self.head.position.sequence },
        }
    }

    pub(super) fn number(&mut self) -> i64 {
        self.next += 1;
        self.next - 1
    }

    /// Deletes what is older, at most `limit` of each kind. Returns whether there may be more.
    pub(super) fn forget(&mut self, old: &Old, limit: usize) -> bool {
        // Asked once a second, and nearly always in vain.
        let before_ms = old.dead.max(old.replies).as_millisecond();
        if self.first_kept_ms.is_none_or(|first_ms| first_ms >= before_ms) {
            return false;
        }
        let ids = oldest(self.dead.iter().map(|(id, (at_ms, _))| (*at_ms, id)), old.dead.as_millisecond(), limit);
        for id in &ids {
            self.dead.remove(id);
        }
        let keys = self.replies.iter().map(|(key, (at_ms, _))| (*at_ms, key));
        let keys = oldest(keys, old.replies.as_millisecond(), limit);
        for key in &keys {
            self.replies.remove(key);
        }
        [ids.len(), keys.len()].contains(&limit)
    }
}

/// Returns the oldest of what is before a moment, at most `limit`.
fn oldest<'a, T: Clone + Ord + 'a>(
    moments: impl Iterator<Item = (i64, &'a T)>,
    before_ms: i64,
    limit: usize,
) -> Vec<T> {
    let mut old: Vec<_> = moments.filter(|(at_ms, _)| *at_ms < before_ms).collect();
    old.sort_unstable();
    old.into_iter().take(limit).map(|(_, value)| value.clone()).collect()
}
