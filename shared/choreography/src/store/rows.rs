//! The rows of the runtime's own tables in a service's database.

use hashbrown::HashMap;
use uuid::Uuid;

use super::{Checkpoint, RowName};
use crate::settings::CRASHES_MAX;
use crate::wire::envelope::Envelope;

/// How far a service has read and published, and which instance leads; a single row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The epoch of the leadership, raised by each claim: only the instance that made the latest claim reads and
    /// publishes.
    pub epoch: i64,
    /// Until when no other instance may claim the leadership, in milliseconds since 1970.
    pub lease_until_ms: i64,
    /// The place of the last message that was committed. Its `deleted` is how many messages the stream lacked when the
    /// leader looked last.
    pub position: Checkpoint,
    /// When the stream was created, as the server writes it; empty before the stream is read for the first time.
    pub stream_created: String,
    /// The local number of the next outbox row; the first is 1.
    pub outbox_next: i64,
    /// How many rows the server has acknowledged since the first row of this database, those included that are deleted:
    /// as the leader wrote it last.
    pub outbox_published: i64,
    /// How often a batch without deliveries has let messages wait: one of a standby may, when it creates a row.
    pub waits_changed: i64,
    /// Why reading has stopped until an operator goes on; none while the service reads.
    pub halted: Option<String>,
    /// Whether the outbox has rows that were adopted from the stream: a batch must not publish them again.
    pub has_adopted: bool,
}

impl Head {
    /// Returns the epoch, the position, the next outbox number, and how often messages began to wait without a move of the
    /// position: whoever commits something that matters to the leader changes one of them.
    pub(crate) fn revision(&self) -> (i64, u64, i64, i64) {
        (self.epoch, self.position.sequence, self.outbox_next, self.waits_changed)
    }
}

/// Up to which local number the streams had every outbox row, and where. While they have lost nothing of what they had
/// then, those rows need not be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredRows {
    /// The number; 0 before anything is known.
    pub through: i64,
    /// The place of the last of these rows in the stream of events, with what this stream lacked then. No later row is
    /// stored before it.
    pub events: Checkpoint,
    /// The place of the last one in the stream of dead letters, with what this stream lacked then.
    pub dead_letters: Checkpoint,
    /// The sequence of the first message that the stream of dead letters had then.
    pub dead_letters_first: u64,
}

/// A row of the outbox: a message to be published, in the order of the local numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its local number; without gaps within a database.
    pub number: i64,
    /// What identifies it in the stream.
    pub name: RowName,
    /// The message, with its outbox and number in its headers.
    pub envelope: Envelope,
    /// Whether the message is only a placeholder, so that its number is not missing.
    pub placeholder: bool,
    /// Whether it was found in the stream, and is published already.
    pub adopted: bool,
}

/// A row that is added to the outbox; its local number is assigned by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutboxRow {
    /// What identifies it in the stream.
    pub name: RowName,
    /// The message, with its outbox and number in its headers.
    pub envelope: Envelope,
    /// Whether the message is only a placeholder.
    pub placeholder: bool,
}

impl NewOutboxRow {
    /// Returns the row with its local number.
    pub(crate) fn numbered(self, number: i64, adopted: bool) -> OutboxRow {
        let Self { name, envelope, placeholder } = self;
        OutboxRow { number, name, envelope, placeholder, adopted }
    }
}

/// A message that died and was not repaired since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadMessage {
    /// The message's id.
    pub id: Uuid,
    /// How often it had been tried.
    pub tries: u32,
}

/// A message that waits in the database for a row to appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// The message's id.
    pub id: Uuid,
    /// The table of the missing row.
    pub table: String,
    /// The key of the missing row.
    pub key: String,
    /// When the message expires, in milliseconds since 1970; none if it never does.
    pub expiry_ms: Option<i64>,
    /// The message.
    pub envelope: Envelope,
}

/// A scheduled message. Another one of the same name and key replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledRow {
    /// The message's name.
    pub name: String,
    /// The message's key.
    pub key: String,
    /// When it is published, in milliseconds since 1970.
    pub due_ms: i64,
    /// The message.
    pub envelope: Envelope,
}

/// An effect to be run after the commit, at least once. One at a time for each message name and key, in the order of the
/// numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRow {
    /// Its number, assigned by the store in the order of commits, without a gap while no commit fails; ignored when the
    /// effect is added.
    pub number: i64,
    /// The key of the message.
    pub key: String,
    /// How often it has been tried.
    pub tries: u32,
    /// When its first try began, or, while there was none, when it was committed; in milliseconds since 1970.
    pub since_ms: i64,
    /// The earliest moment of the next try, in milliseconds since 1970.
    pub due_ms: i64,
    /// The message.
    pub envelope: Envelope,
}

/// A try of an effect that failed, and when the effect is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedTry {
    /// The effect's number.
    pub number: i64,
    /// How often it has been tried.
    pub tries: u32,
    /// When its first try began, in milliseconds since 1970.
    pub since_ms: i64,
    /// The earliest moment of the next try, in milliseconds since 1970.
    pub due_ms: i64,
}

/// A compensation that died, or a message whose fallback failed. Nothing else leaves a saga half compensated: it counts
/// until an operator has repaired it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadCompensation {
    /// The message's id.
    pub id: Uuid,
    /// Its subject.
    pub subject: String,
}

/// What makes a repeated request the same request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    /// The route, as `POST /orders`.
    pub route: String,
    /// The caller; empty where callers are not distinguished.
    pub caller: String,
    /// The key that the caller chose.
    pub key: String,
}

/// The stored reply of a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// The key.
    pub key: IdempotencyKey,
    /// A hash of the request's body: another body under the same key is the caller's mistake.
    pub body_hash: String,
    /// The reply, as JSON.
    pub reply: String,
}

/// How the previous run of the service ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastRun {
    /// Whether it did not end by [`release`](super::ReadingStore::release).
    pub crashed: bool,
    /// Whether it started at the position at which this one starts, and did not end by
    /// [`release`](super::ReadingStore::release): a message that it received may have crashed it.
    pub died_here: bool,
    /// Whether it had tried every effect that it found when it began: see
    /// [`effects_tried`](super::ReadingStore::effects_tried).
    pub effects_tried: bool,
    /// The messages and effects that were tried by themselves when a process crashed, and how often that was.
    pub suspects: Vec<(Uuid, u32)>,
}

impl LastRun {
    /// Returns the messages and effects that must not be tried any more, and how many processes have crashed on each.
    pub(crate) fn deadly(&self) -> HashMap<Uuid, u32> {
        self.suspects.iter().filter(|(_, crashes)| *crashes >= CRASHES_MAX).copied().collect()
    }
}

/// What is tried by itself: a message and an effect may be at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrySlot {
    /// A message, with its reaction or fallback.
    Message,
    /// An effect.
    Effect,
}

impl TrySlot {
    /// Returns the slot as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Effect => "effect",
        }
    }
}

/// How many rows wait for something to be done in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Rows in the outbox, those included that are published and kept for a while.
    pub outbox: u64,
    /// Messages that wait for a row.
    pub waiting: u64,
    /// Scheduled messages.
    pub scheduled: u64,
    /// Effects to be run.
    pub effects: u64,
}
