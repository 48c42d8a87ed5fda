//! What a service stores about the messages that it publishes, apart from batches.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Checkpoint, NewOutboxRow, OutboxRow, StoreError, StoredRows};
use crate::wire::envelope::Envelope;

/// The highest number that was given in an outbox and kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// The outbox.
    pub outbox: Uuid,
    /// The kind.
    pub kind: Arc<str>,
    /// The number.
    pub last: u64,
    /// When it was given, found in the stream, or kept, last; in milliseconds since 1970.
    pub at_ms: i64,
}

/// What the database learns from the stream about its own messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repair {
    /// When it was found out, in milliseconds since 1970.
    pub now_ms: i64,
    /// Own messages that the stream has and the database does not know, because it was put back to an older copy. They
    /// become published rows.
    pub adopt: Vec<NewOutboxRow>,
    /// The ids of those of them that commands have published: they are not made again, and what the commands changed is
    /// lost, but for those that the database has scheduled.
    pub of_commands: BTreeSet<Uuid>,
    /// Rows whose message the stream has under another number, by local number, with the placeholder that is published
    /// instead.
    pub placeholders: Vec<(i64, Envelope)>,
    /// The newest floor that the stream still has: later ones are deleted.
    pub floor: u64,
}

/// The part of a [`Store`](super::Store) that concerns the outbox, apart from the batches that add rows to it.
///
/// # Errors
/// Each method that takes an epoch fails with [`StoreError::HeadConflict`], and writes nothing, if that epoch is not the
/// current one any more; and with [`StoreError::PutBack`] if the current one is lower.
#[async_trait]
pub trait PublishingStore: Send + Sync {
    /// Returns at most `limit` outbox rows from a local number on, in order.
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError>;

    /// Returns the highest number of each outbox and kind, sorted.
    async fn given(&self) -> Result<Vec<Given>, StoreError>;

    /// Returns the floors, newest first: places in the stream at or below which no kept row is stored.
    async fn floors(&self) -> Result<Vec<Checkpoint>, StoreError>;

    /// Returns which rows the streams had, and where, newest first: as it was noted while the outbox had the rows behind
    /// them.
    async fn stored_rows(&self) -> Result<Vec<StoredRows>, StoreError>;

    /// Adopts unknown messages, counts those of commands that were not scheduled as lost, raises the highest given
    /// numbers to theirs, and deletes the scheduled messages with their ids; makes rows placeholders; deletes floors.
    /// Returns the local number of the first adopted row; the others follow without a gap.
    async fn repair(&self, epoch: i64, repair: Repair) -> Result<i64, StoreError>;

    /// Records that the process of this outbox runs, so that its highest numbers are kept.
    async fn keep_given(&self, outbox: Uuid, now: Timestamp) -> Result<(), StoreError>;

    /// Deletes the highest numbers of outboxes and kinds of which no row is kept, and that no process has used or kept
    /// since a moment. Returns how many were deleted.
    async fn forget_given(&self, epoch: i64, before: Timestamp) -> Result<u64, StoreError>;
}
