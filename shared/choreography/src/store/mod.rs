//! What a service's database must be able to do: the seam behind which SQLite stands, and memory for tests.
//!
//! One invariant: everything that a batch changes is written by [`Transaction::commit`], once, or not at all.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

mod exchange;
pub mod memory;
mod rows;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use crate::declare::tables::{RowChange, StoredRow};
pub use exchange::{Advance, Changes, Committed, Loaded, Preconditions, ScheduleChange, Wanted};
pub use rows::{
    Backlog, DeadCompensation, EffectRow, Head, IdempotencyKey, InboxRow, LastRun, OutboxRow, ScheduledRow,
    StoredReply, WaitingRow,
};

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another instance is in charge of reading, or has moved the position: stop reading.
    #[error("another instance is in charge: the head is not at epoch {epoch}, position {position} any more")]
    HeadConflict {
        /// The epoch that the commit was guarded by.
        epoch: i64,
        /// The position that the commit was guarded by.
        position: u64,
    },
    /// A row was changed by another instance since it was loaded, an idempotency key was just taken, or something else is
    /// not as it was assumed. The same may work with what is loaded anew.
    #[error("a row was changed meanwhile: {0}")]
    RowConflict(String),
    /// The database itself failed. Nothing was written; the same may work later.
    #[error("the database failed: {0:#}")]
    Database(#[source] anyhow::Error),
}

/// Before which moment each is old enough to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    /// Messages that were received.
    pub received: Timestamp,
    /// Those among them that died: they may be replayed as long as their dead letters are kept.
    pub dead: Timestamp,
    /// Answers under idempotency keys.
    pub replies: Timestamp,
}

/// A value that a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column, by name: one that the service's migrations generate, or `key`.
    pub column: &'static str,
    /// The value, as text.
    pub value: String,
}

/// A page of rows that are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The table.
    pub table: &'static str,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// Only rows after this key, in the order of the listing.
    pub after: Option<String>,
    /// Whether the keys descend.
    pub descending: bool,
    /// At most so many.
    pub limit: u32,
}

/// A service's database.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Opens the transaction of a batch. Only one is open at a time in one instance; from what it reads first until it
    /// ends, nothing changes under it.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// The head.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Takes charge of reading: raises the epoch, sets the position back to the safe one, and takes the lease.
    /// Nothing if another instance holds the lease: `mine` is the epoch that this instance held last, and its own
    /// lease does not stop it.
    async fn claim(
        &self,
        mine: Option<i64>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Head>, StoreError>;

    /// Prolongs the lease, moves the safe position on, and forgets outbox rows up to a number, that one
    /// included; 0 forgets none. The safe position never moves back.
    ///
    /// # Errors
    /// `HeadConflict` if the epoch is not the current one any more.
    async fn renew(&self, epoch: i64, lease_until: Timestamp, safe: u64, forget_outbox: i64) -> Result<(), StoreError>;

    /// Notes that a process begins to read at the head's position. What is known of the last one.
    async fn begin_run(&self) -> Result<LastRun, StoreError>;

    /// Notes which message is tried next, by itself; no process has died of it yet.
    async fn try_message(&self, id: Uuid) -> Result<(), StoreError>;

    /// Lets go of the lease of this epoch, so that a standby takes over at once: the run ends well.
    async fn release(&self, epoch: i64) -> Result<(), StoreError>;

    /// Remembers which stream is read.
    async fn remember_stream(&self, epoch: i64, created: &str) -> Result<(), StoreError>;

    /// Outbox rows from a number on.
    async fn outbox(&self, from: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError>;

    /// Forgets what is old; at most `limit` of each. Whether there may be more.
    async fn forget(&self, old: &Old, limit: u32) -> Result<bool, StoreError>;

    /// When the next message is to be said later, and when the next waiting one dies.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Effects after a number, in their order.
    async fn effects(&self, after: i64, limit: u32) -> Result<Vec<EffectRow>, StoreError>;

    /// Notes that an effect was tried in vain, and when it is tried again.
    async fn effect_failed(&self, number: i64, tries: u32, due: Timestamp) -> Result<(), StoreError>;

    /// A page of rows.
    async fn list(&self, listing: &Listing) -> Result<Vec<StoredRow>, StoreError>;

    /// The compensations that died and are not repaired, the first at the front; at most `limit`.
    async fn dead_compensations(&self, limit: u32) -> Result<Vec<DeadCompensation>, StoreError>;

    /// How many rows stand in outbox, waiting, later, and effects.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}

/// The transaction of a batch. Dropped, it leaves no trace.
#[async_trait]
pub trait Transaction: Send {
    /// Reads what is wanted, as it will be until the commit.
    async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError>;

    /// Writes everything and makes it durable.
    ///
    /// # Errors
    /// On any error nothing was written.
    async fn commit(self: Box<Self>, changes: Changes) -> Result<Committed, StoreError>;
}
