//! What a batch reads, and what it changes: each asked for, or written, at once.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    DeadCompensation, EffectRow, Head, IdempotencyKey, InboxRow, RowChange, ScheduledRow, StoredReply, StoredRow,
    WaitingRow,
};
use crate::wire::envelope::Envelope;

/// What a batch reads before it decides: asked for at once, because each question is a way to the database and back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Messages that may have been received already.
    pub received: Vec<Uuid>,
    /// Idempotency keys that may have been answered already.
    pub replies: Vec<IdempotencyKey>,
    /// Rows: the table, and keys that are sorted and unique.
    pub rows: Vec<(&'static str, Vec<String>)>,
    /// Rows, by table and key, that messages may wait for.
    pub waited_for: Vec<(&'static str, String)>,
    /// The moment up to which something may be due or expired, and how much of each is read at most.
    pub due: Option<(Timestamp, u32)>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// The head, as it will be until the commit.
    pub head: Head,
    /// The messages that were received already: how often each was tried before it died, none if it lives.
    pub received: HashMap<Uuid, Option<u32>>,
    /// The answers that were given.
    pub replies: Vec<StoredReply>,
    /// The rows that exist, as they were asked for, table by table.
    pub rows: Vec<Vec<StoredRow>>,
    /// Whether any message waits for any row.
    pub any_waits: bool,
    /// The messages that wait for these rows, the oldest first.
    pub waiting: Vec<WaitingRow>,
    /// Messages to be said by now, in the order in which they are due.
    pub due: Vec<ScheduledRow>,
    /// Waiting messages that die by now, the one that dies first at the front.
    pub expired: Vec<WaitingRow>,
}

/// Everything that one batch changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// When the batch opened, in milliseconds since 1970.
    pub now_ms: i64,
    /// How far reading got; none for a batch without messages.
    pub advance: Option<Advance>,
    /// What was not asked for, but taken for granted.
    pub preconditions: Option<Preconditions>,
    /// Changed rows, at most one change a row.
    pub rows: Vec<RowChange>,
    /// Messages that were received; one that stands there already is replaced, unless it was assumed to be new.
    pub inbox: Vec<InboxRow>,
    /// Compensations that died, until they are repaired.
    pub compensations_died: Vec<DeadCompensation>,
    /// Messages that are being repaired: one that is a compensation does not count as dead any more.
    pub repaired: Vec<Uuid>,
    /// What is said, numbered from the head's `outbox_next` on.
    pub outbox: Vec<Envelope>,
    /// Messages that begin to wait; those that wait no longer are struck off first, so that one may wait for another row.
    pub waiting: Vec<WaitingRow>,
    /// Messages that wait no longer.
    pub waited: Vec<Uuid>,
    /// What is to be said later, or not any more.
    pub scheduled: Vec<ScheduleChange>,
    /// Effects to be run.
    pub effects: Vec<EffectRow>,
    /// Numbers of effects that are over.
    pub effects_done: Vec<i64>,
    /// Answers to be found again under their idempotency keys.
    pub replies: Vec<StoredReply>,
}

/// The numbers that a commit gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The first outbox row's; the others follow without a gap.
    pub outbox_first: i64,
    /// The effects', in the order in which they were added.
    pub effects: Vec<i64>,
}

/// What a batch took for granted instead of asking. The commit checks all of it, and is refused where it is not so. That
/// nothing waits follows from the head: only who is in charge lets messages wait, and moves the position by that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preconditions {
    /// The head: its epoch, its position, and its next number.
    pub head: Head,
    /// Messages that were not received before.
    pub unreceived: Vec<Uuid>,
    /// Idempotency keys that were not answered before.
    pub unused_keys: Vec<IdempotencyKey>,
    /// Rows: the table, the key, and the version; 0 for a row that does not exist. Those that the batch changes are
    /// checked by that, too.
    pub rows: Vec<(&'static str, String, i64)>,
}

impl Preconditions {
    /// And this, at the same head.
    pub(crate) fn add(&mut self, other: Self) {
        self.head = other.head;
        self.unreceived.extend(other.unreceived);
        self.unused_keys.extend(other.unused_keys);
        self.rows.extend(other.rows);
    }
}

/// The progress of reading that a commit carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// The epoch that must still be the current one.
    pub epoch: i64,
    /// The position that must still be the current one.
    pub from: u64,
    /// The new position.
    pub to: u64,
    /// The new safe position.
    pub safe: u64,
}

/// A change of what is to be said later, in the order in which it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleChange {
    /// Say it then, instead of what stood under its name and key.
    Set(ScheduledRow),
    /// Take back, or strike off, what stands under this name and key.
    Remove {
        /// The message's name.
        name: String,
        /// The message's key.
        key: String,
    },
}
