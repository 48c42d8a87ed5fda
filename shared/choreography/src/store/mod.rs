//! What a service's database must be able to do: the seam behind which SQLite stands, and memory for tests.
//!
//! One invariant: everything that a batch changes is written by [`Transaction::commit`], once, or not at all.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::envelope::Envelope;

pub mod memory;
pub mod sqlite;

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
    /// A row was changed by another instance since it was loaded, or an idempotency key was just taken.
    #[error("a row was changed meanwhile: {0}")]
    RowConflict(String),
    /// The database itself failed. Nothing was written; the same may work later.
    #[error("the database failed: {0:#}")]
    Database(#[source] anyhow::Error),
}

/// How far a service has read and said; a single row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Raised by each claim: only the holder of the current epoch reads and publishes.
    pub epoch: i64,
    /// Until when nobody else may claim, in milliseconds since 1970.
    pub lease_until_ms: i64,
    /// The stream sequence of the last message that was committed.
    pub position: u64,
    /// The position as it was a safe while ago: what the server can't have forgotten.
    pub safe: u64,
    /// When the stream was created, as the server says; empty before the first reading.
    pub stream_created: String,
    /// The number of the next outbox row; the first is 1.
    pub outbox_next: i64,
}

/// A stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The key, as text.
    pub key: String,
    /// Counts the writes, from 1.
    pub version: i64,
    /// The state, as JSON.
    pub state: String,
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: &'static str,
    /// The key, as text.
    pub key: String,
    /// The version that was loaded, 0 if there was no row. The new one is one higher.
    pub version: i64,
    /// The new state as JSON; none deletes the row, and changes nothing if there was none.
    pub state: Option<String>,
}

/// A row of the outbox: something to be published, in the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number; without gaps within a service.
    pub number: i64,
    /// What is published.
    pub envelope: Envelope,
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
    /// When it dies, in milliseconds since 1970; none for what never expires.
    pub expiry_ms: Option<i64>,
    /// The message.
    pub envelope: Envelope,
}

/// Something to be said later. A later one of the same name and key replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterRow {
    /// The message's name.
    pub name: String,
    /// The message's key.
    pub key: String,
    /// When it is said, in milliseconds since 1970.
    pub due_ms: i64,
    /// The message.
    pub envelope: Envelope,
}

/// A change of what is to be said later, in the order in which it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaterChange {
    /// Say it then, instead of what stood under its name and key.
    Set(LaterRow),
    /// Take back, or strike off, what stands under this name and key.
    Remove {
        /// The message's name.
        name: String,
        /// The message's key.
        key: String,
    },
}

/// An effect to be run after the commit, at least once. One at a time for each key, in the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRow {
    /// Its number, given by the store in the order of commits; ignored when it is added.
    pub number: i64,
    /// The key of the message.
    pub key: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it was committed first, in milliseconds since 1970.
    pub since_ms: i64,
    /// Not tried before this, in milliseconds since 1970.
    pub due_ms: i64,
    /// The message.
    pub envelope: Envelope,
}

/// What makes a repeated request the same request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// The route, as `POST /orders`.
    pub route: String,
    /// Who asks; empty where nobody is told apart.
    pub caller: String,
    /// The key that the caller chose.
    pub key: String,
}

/// The stored answer of a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Whose.
    pub key: IdempotencyKey,
    /// A hash of the request's body: another body under the same key is a mistake.
    pub body_hash: String,
    /// The answer, as JSON.
    pub answer: String,
}

/// A message that was heard, as the inbox remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// The message's id.
    pub id: Uuid,
    /// How often it was tried before it died; none if it lives.
    pub dead_tries: Option<u32>,
}

/// An undo that died. Nothing else leaves a story half undone: it counts until an operator has seen to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadUndo {
    /// The message's id.
    pub id: Uuid,
    /// Its subject.
    pub subject: String,
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

/// Everything that one batch changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// When the batch opened, in milliseconds since 1970.
    pub now_ms: i64,
    /// How far reading got; none for a batch without messages.
    pub advance: Option<Advance>,
    /// Changed rows, at most one change a row.
    pub rows: Vec<RowChange>,
    /// Messages that were heard; one that stands there already is replaced.
    pub inbox: Vec<InboxRow>,
    /// Undos that died, until they are repaired.
    pub undos_died: Vec<DeadUndo>,
    /// Messages that are being repaired: one that is an undo does not count as dead any more.
    pub repaired: Vec<Uuid>,
    /// What is said, numbered from the head's `outbox_next` on.
    pub outbox: Vec<Envelope>,
    /// Messages that begin to wait; those that wait no longer are struck off first, so that one may wait for another row.
    pub waiting: Vec<WaitingRow>,
    /// Messages that wait no longer.
    pub waited: Vec<Uuid>,
    /// What is to be said later, or not any more.
    pub later: Vec<LaterChange>,
    /// Effects to be run.
    pub effects: Vec<EffectRow>,
    /// Numbers of effects that are over.
    pub effects_done: Vec<i64>,
    /// Answers to be found again under their idempotency keys.
    pub answers: Vec<StoredAnswer>,
}

impl Changes {
    /// Whether there is nothing to write at all.
    pub fn is_nothing(&self) -> bool {
        let nothing = Self { now_ms: self.now_ms, ..Self::default() };
        *self == nothing
    }
}

/// Before which moment each is old enough to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    /// Messages that were heard.
    pub heard: Timestamp,
    /// Those among them that died: they may be replayed as long as their letters are kept.
    pub dead: Timestamp,
    /// Answers under idempotency keys.
    pub answers: Timestamp,
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
    /// Opens the transaction of a batch. Only one is open at a time in one instance; the head and all rows it reads
    /// can't change under it.
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

    /// The undos that died and are not repaired, the first at the front; at most `limit`.
    async fn dead_undos(&self, limit: u32) -> Result<Vec<DeadUndo>, StoreError>;

    /// How many rows stand in outbox, waiting, later, and effects.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}

/// What is known of the process that read before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastRun {
    /// Whether it began where this one begins, and did not end by [`Store::release`]: something that it heard may have
    /// killed it.
    pub died_here: bool,
    /// The message that it tried when it died, and how many processes have died of it by now.
    pub suspect: Option<(Uuid, u32)>,
}

/// How much is on its way in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Rows in the outbox, those published and kept a while included.
    pub outbox: u64,
    /// Messages that wait for a row.
    pub waiting: u64,
    /// Messages to be said later.
    pub later: u64,
    /// Effects to be run.
    pub effects: u64,
}

/// What a batch reads before it decides: asked for at once, because each question is a way to the database and back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Messages that may have been heard already.
    pub heard: Vec<Uuid>,
    /// Idempotency keys that may have been answered already.
    pub answers: Vec<IdempotencyKey>,
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
    /// The messages that were heard already: how often each was tried before it died, none if it lives.
    pub heard: HashMap<Uuid, Option<u32>>,
    /// The answers that were given.
    pub answers: Vec<StoredAnswer>,
    /// The rows that exist, as they were asked for, table by table.
    pub rows: Vec<Vec<StoredRow>>,
    /// The messages that wait for these rows, the oldest first.
    pub waiting: Vec<WaitingRow>,
    /// Messages to be said by now, in the order in which they are due.
    pub due: Vec<LaterRow>,
    /// Waiting messages that die by now, the one that dies first at the front.
    pub expired: Vec<WaitingRow>,
}

/// The transaction of a batch. Dropped, it leaves no trace.
#[async_trait]
pub trait Transaction: Send {
    /// Reads what is wanted, as it will be until the commit.
    async fn load(&mut self, wanted: &Wanted) -> Result<Loaded, StoreError>;

    /// Writes everything and makes it durable. The number of the first outbox row.
    ///
    /// # Errors
    /// On any error nothing was written.
    async fn commit(self: Box<Self>, changes: Changes) -> Result<i64, StoreError>;
}
