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
use uuid::Uuid;

mod error;
mod exchange;
pub mod memory;
mod rows;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use crate::declare::stored_row::{RowChange, StoredRow};
pub use error::StoreError;
pub use exchange::{Advance, Changes, Committed, Loaded, Preconditions, ScheduleChange, Wanted};
pub use rows::{
    Backlog, DeadCompensation, EffectRow, Head, IdempotencyKey, InboxRow, LastRun, OutboxRow, ScheduledRow,
    StoredReply, WaitingRow,
};

/// The moments before which rows are old enough to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    /// For received messages that did not die.
    pub received: Timestamp,
    /// For received messages that died: they may be replayed as long as their dead letters are kept.
    pub dead: Timestamp,
    /// For stored replies under idempotency keys.
    pub replies: Timestamp,
}

/// A column and the value that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column's name: `key`, or a column that the service's migrations generate.
    pub column: &'static str,
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
    /// Only rows behind this key, in the order of the listing.
    pub after: Option<String>,
    /// Whether keys are listed in descending order.
    pub descending: bool,
    /// The largest number of rows.
    pub limit: u32,
}

/// A service's database.
///
/// Any method may fail with [`StoreError::Database`]; then nothing was written, and calling it again is safe.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Opens the transaction of a batch. One instance has at most one open at a time. From its first read until it
    /// ends, nothing that it reads is changed by anybody else.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Returns the head.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Takes the leadership: raises the epoch, sets the position back to the restart position, and takes the lease.
    ///
    /// Returns the new head, or nothing while another instance holds the lease. `mine` is the epoch that this
    /// instance held last: its own lease does not keep it out.
    async fn claim(
        &self,
        mine: Option<i64>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Head>, StoreError>;

    /// Prolongs the lease, moves the restart position forward (never back), and deletes outbox rows up to and
    /// including the number `forget_outbox`; 0 deletes none.
    ///
    /// # Errors
    /// [`StoreError::HeadConflict`] if the epoch is not the current one any more.
    async fn renew(
        &self,
        epoch: i64,
        lease_until: Timestamp,
        restart_position: u64,
        forget_outbox: i64,
    ) -> Result<(), StoreError>;

    /// Records that a process starts to read at the head's position. Returns what the previous run left behind.
    async fn begin_run(&self) -> Result<LastRun, StoreError>;

    /// Records which message is processed next, by itself, before any process has crashed on it.
    async fn try_message(&self, id: Uuid) -> Result<(), StoreError>;

    /// Gives up the lease of this epoch, so that a standby takes over at once, and records that the run ended
    /// regularly. Does nothing if the epoch is not the current one any more.
    async fn release(&self, epoch: i64) -> Result<(), StoreError>;

    /// Records when the stream that is read was created, as the server writes it.
    ///
    /// # Errors
    /// [`StoreError::HeadConflict`] if the epoch is not the current one any more.
    async fn remember_stream(&self, epoch: i64, created: &str) -> Result<(), StoreError>;

    /// Returns at most `limit` outbox rows from a number on, in order.
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError>;

    /// Deletes what is old, the oldest first, at most `limit` rows of each kind. Returns whether there may be more.
    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError>;

    /// Returns when the next scheduled message is due or the next waiting one expires, whichever is earlier.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Returns at most `limit` effects behind a number, in order.
    async fn effects(&self, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError>;

    /// Records that an effect failed, how often it has been tried, and when it is tried again.
    async fn effect_failed(&self, number: i64, tries: u32, due: Timestamp) -> Result<(), StoreError>;

    /// Returns a page of rows.
    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError>;

    /// Returns at most `limit` compensations that died and are not repaired, in the order in which they died.
    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError>;

    /// Returns how many rows the outbox, the waiting and the scheduled messages and the effects have.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}

/// The transaction of a batch. Dropping it without a commit rolls it back.
#[async_trait]
pub trait Transaction: Send {
    /// Returns what is wanted, as it stays until the commit.
    async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError>;

    /// Writes all changes durably. Returns the numbers that they got.
    ///
    /// # Errors
    /// On any error nothing was written. [`StoreError::HeadConflict`] if another instance is the leader or has moved
    /// the position, [`StoreError::RowConflict`] if a row or a precondition has changed since it was read.
    async fn commit(self: Box<Self>, changes: Changes) -> Result<Committed, StoreError>;
}
