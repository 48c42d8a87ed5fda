//! What a service's database must be able to do: the contract between the engine and a database, with the adapters
//! for SQLite and for memory.
//!
//! One invariant: everything that a batch changes is written by [`Transaction::commit`], at once, or not at all.
//!
//! **Unstable.** The contract ([`Store`], [`Transaction`] and the types that they exchange) follows what the engine
//! needs: it may change in any minor version. `SqliteStore` and [`MemoryStore`](memory::MemoryStore) are as stable as
//! the rest of the crate.

use async_trait::async_trait;
use jiff::Timestamp;

mod error;
mod exchange;
pub mod memory;
mod numbers;
mod publishing;
mod reading;
mod rows;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use crate::declare::stored_row::{RowChange, StoredRow};
pub use error::StoreError;
pub(crate) use error::put_back_head;
pub use exchange::{Advance, Changes, Committed, Loaded, Preconditions, ScheduleChange, Wanted};
pub use numbers::{Checkpoint, Range, RangeChanges, RowName, SeriesId, SeriesRange};
pub use publishing::{Given, PublishingStore, Repair};
pub use reading::{ReadingState, ReadingStore, Renewal, Subscription};
pub use rows::{
    Backlog, DeadCompensation, DeadMessage, EffectRow, FailedTry, Head, IdempotencyKey, LastRun, NewOutboxRow,
    OutboxRow, ScheduledRow, StoredReply, StoredRows, TrySlot, WaitingRow,
};

/// The moments before which rows are old enough to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    /// For messages that died: they may be replayed as long as their dead letters are kept.
    pub dead: Timestamp,
    /// For stored replies under idempotency keys.
    pub replies: Timestamp,
}

/// The column of a row's key.
pub(crate) const KEY: &str = "key";

/// How a column is compared with a value. Texts are compared byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the same.
    Is,
    /// It is the same or higher.
    AtLeast,
    /// It is lower.
    Below,
}

/// A column and the value with which it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column's name: `key`, or a column that the service's migrations generate.
    pub column: &'static str,
    /// How it is compared.
    pub comparison: Comparison,
    /// The value, as text.
    pub value: String,
}

/// Which rows of a table are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The table.
    pub table: &'static str,
    /// The conditions; a row is listed only if all of them hold.
    pub conditions: Vec<Condition>,
    /// The column by which rows are sorted, those with the same value by their keys. It is `key`, or a column that the
    /// service's migrations generate and that has a text in every row.
    pub sorted_by: &'static str,
    /// Only rows behind the one with this key, in the order of the listing. Sorted by another column than the key there
    /// are none if that row does not exist.
    pub after: Option<String>,
    /// Whether rows are listed in descending order.
    pub descending: bool,
    /// The largest number of rows.
    pub limit: u32,
}

impl Listing {
    /// Returns the listing of the row with a key.
    pub(crate) fn of_key(table: &'static str, key: &str) -> Self {
        let conditions = vec![Condition { column: KEY, comparison: Comparison::Is, value: key.to_owned() }];
        Self { table, conditions, sorted_by: KEY, after: None, descending: false, limit: 1 }
    }
}

/// A service's database.
///
/// Any method may fail with [`StoreError::Database`]; calling it again is safe. Whether a commit that failed like this was
/// written is not known.
#[async_trait]
pub trait Store: ReadingStore + PublishingStore + 'static {
    /// Opens the transaction of a batch. One instance has at most one open at a time. From its first read until it
    /// ends, nothing that it reads is changed by anybody else.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Deletes what is old, the oldest first, at most `limit` rows of each kind. Returns whether there may be more.
    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError>;

    /// Returns when the next scheduled message is due or the next waiting one expires, whichever is earlier.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Returns at most `limit` effects of one message, by its name, behind a number, in order. What other messages have
    /// queued does not make it slower.
    async fn effects(&self, message: &str, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError>;

    /// Returns a page of rows.
    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError>;

    /// Returns at most `limit` compensations that died and are not repaired, in the order in which they died.
    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError>;

    /// Returns how many rows the outbox, the waiting and the scheduled messages and the effects have. It counts them all:
    /// nothing that asks again and again may use it.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// Returns how many messages wait for a row and how many effects are to be run, in sum. Of each at most `limit` are
    /// counted, so that the time for it is bounded.
    async fn queued(&self, limit: u32) -> Result<u64, StoreError>;

    /// Leaves nothing behind but the database itself: called when a service has stopped. Another instance may still use
    /// it.
    async fn finish(&self) -> Result<(), StoreError>;
}

/// The transaction of a batch. Dropping it without a commit rolls it back.
#[async_trait]
pub trait Transaction: Send {
    /// Returns what is wanted, as it stays until the commit.
    async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError>;

    /// Writes all changes durably. Returns the numbers that they got.
    ///
    /// # Errors
    /// [`StoreError::HeadConflict`] if another instance is the leader or has moved the position,
    /// [`StoreError::RowConflict`] if a row or a precondition has changed since it was read, and
    /// [`StoreError::PutBack`] if the outbox rows do not follow the highest stored numbers, and [`StoreError::Violation`] if
    /// a constraint of the service does not allow a row: then nothing was written.
    /// After [`StoreError::Database`] it is not known whether anything was written.
    async fn commit(self: Box<Self>, changes: Changes) -> Result<Committed, StoreError>;
}
