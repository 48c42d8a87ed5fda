//! What a batch reads and what it writes: each in one request, because every request is a round trip to the database.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::error::put_back_head;
use super::{
    Checkpoint, DeadCompensation, DeadMessage, EffectRow, FailedTry, Head, IdempotencyKey, NewOutboxRow, RangeChanges,
    RowChange, ScheduledRow, StoreError, StoredReply, StoredRow, WaitingRow,
};
use crate::wire::envelope::Envelope;

/// What a batch reads before it decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Messages that may have died here.
    pub dead: Vec<Uuid>,
    /// Ids of outgoing messages that the stream may have already, because the database was put back to an older copy.
    pub adopted: Vec<Uuid>,
    /// Idempotency keys that may have a stored reply.
    pub replies: Vec<IdempotencyKey>,
    /// Rows: the table, and its keys, sorted and unique.
    pub rows: Vec<(&'static str, Vec<String>)>,
    /// Rows, by table and key, that messages may be waiting for.
    pub waited_for: Vec<(&'static str, String)>,
    /// Whether to read the rows that messages wait for, and up to how many.
    pub all_waited_for: Option<u32>,
    /// The moment up to which scheduled messages are due and waiting ones expired, and how many of each are read at
    /// most.
    pub due: Option<(Timestamp, u32)>,
}

impl Wanted {
    /// Whether only the database has what is wanted: messages that are due, died or were adopted.
    pub(crate) fn needs_database(&self) -> bool {
        self.due.is_some() || !self.dead.is_empty() || !self.adopted.is_empty()
    }
}

/// What was found of what was wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// The head, as it stays until the commit.
    pub head: Head,
    /// The messages that died here, and how often each had been tried.
    pub dead: BTreeMap<Uuid, u32>,
    /// The outgoing messages that the stream has already, by their ids.
    pub adopted: BTreeMap<Uuid, Envelope>,
    /// The stored replies.
    pub replies: Vec<StoredReply>,
    /// The rows that exist, one list for each table, in the order of [`Wanted::rows`].
    pub rows: Vec<Vec<StoredRow>>,
    /// Whether any message waits for any row.
    pub any_waits: bool,
    /// The rows, by table and key, that messages wait for; none if that was not wanted, or if they are more than wanted.
    pub all_waited_for: Option<Vec<(String, String)>>,
    /// The messages that wait for the rows of [`Wanted::waited_for`], the oldest first.
    pub waiting: Vec<WaitingRow>,
    /// The scheduled messages that are due, the earliest first.
    pub due: Vec<ScheduledRow>,
    /// The waiting messages that have expired, the earliest first.
    pub expired: Vec<WaitingRow>,
}

/// Everything that one batch changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// When the batch opened, in milliseconds since 1970.
    pub now_ms: i64,
    /// The move of the position; none for a batch without deliveries.
    pub advance: Option<Advance>,
    /// What the batch took from the cache instead of loading it; the commit checks it.
    pub preconditions: Option<Preconditions>,
    /// Changed rows, at most one change a row.
    pub rows: Vec<RowChange>,
    /// Numbers that were received.
    pub received: RangeChanges,
    /// Numbers that were recorded as lost, and have come.
    pub reported: RangeChanges,
    /// Messages that died. One that is recorded already is replaced.
    pub deaths: Vec<DeadMessage>,
    /// Compensations that died.
    pub compensations_died: Vec<DeadCompensation>,
    /// Messages that are being repaired: they do not count as dead any more. They are deleted before `deaths` is
    /// written: a message may die again.
    pub repaired: Vec<Uuid>,
    /// Messages to be published; their local numbers begin at the head's `outbox_next`. Within an outbox and kind their
    /// numbers follow each other and the highest stored one without a gap.
    pub outbox: Vec<NewOutboxRow>,
    /// Rows that can never be sent, by local number, with the placeholder that is published instead.
    pub placeholders: Vec<(i64, Envelope)>,
    /// Messages that begin to wait. They are written after `waited` is deleted: a message may wait for another row
    /// next.
    pub waiting: Vec<WaitingRow>,
    /// Messages that wait no longer.
    pub waited: Vec<Uuid>,
    /// Changes of the scheduled messages.
    pub scheduled: Vec<ScheduleChange>,
    /// Effects to be run.
    pub effects: Vec<EffectRow>,
    /// Effects that failed and are tried again. One that is finished meanwhile is left alone.
    pub effects_failed: Vec<FailedTry>,
    /// The numbers of effects that are finished. Each must be queued: the commit fails with
    /// [`HeadConflict`](super::StoreError::HeadConflict) if one is not.
    pub effects_done: Vec<i64>,
    /// Replies to be stored under their idempotency keys.
    pub replies: Vec<StoredReply>,
}

impl Changes {
    /// Whether messages begin to wait, and the position does not show it.
    pub(crate) fn changes_waits(&self) -> bool {
        self.advance.is_none() && !self.waiting.is_empty()
    }
}

/// The local numbers that a commit assigned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The number of the first outbox row; the others follow without a gap.
    pub outbox_first: i64,
    /// The numbers of the effects, in the order in which they were added.
    pub effects: Vec<i64>,
}

/// What a batch decided from without loading it. The commit checks all of it, and fails with
/// [`RowConflict`](super::StoreError::RowConflict) where something differs.
///
/// Which rows messages wait for follows from the head: whoever lets a message wait moves the position, or counts
/// [`Head::waits_changed`] up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preconditions {
    /// The head: its epoch, its position, and its next outbox number.
    pub head: Head,
    /// Idempotency keys without a stored reply.
    pub unused_keys: Vec<IdempotencyKey>,
    /// Rows: the table, the key, and the version; 0 for a row that does not exist. A row that the batch also changes is
    /// checked by the version in its change.
    pub rows: Vec<(&'static str, String, i64)>,
}

impl Preconditions {
    /// Adds further preconditions at the same head.
    pub(crate) fn add(&mut self, other: Self) {
        self.head = other.head;
        self.unused_keys.extend(other.unused_keys);
        self.rows.extend(other.rows);
    }
}

/// The move of the position that a commit makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// The epoch that must be the current one.
    pub epoch: i64,
    /// The sequence of the position that must be the current one.
    pub from: u64,
    /// The new position. Its `deleted` is not stored.
    pub to: Checkpoint,
}

impl Advance {
    /// Returns the error for a batch that expected another head, whose epoch is `found`.
    pub(crate) fn conflict(self, found: i64) -> StoreError {
        match self.epoch > found {
            true => put_back_head(self.epoch, found),
            false => StoreError::HeadConflict { epoch: self.epoch, position: self.from },
        }
    }
}

/// A change of a scheduled message. Changes of the same message apply in the order in which they were decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleChange {
    /// Schedules the message, in the place of the one of the same name and key.
    Set(ScheduledRow),
    /// Removes the message of this name and key: it was cancelled, or is published now.
    Remove {
        /// The message's name.
        name: String,
        /// The message's key.
        key: String,
    },
}
