//! What stands in a service's database: the rows of the runtime's own tables, and a service's rows as they are stored.

use uuid::Uuid;

use crate::wire::envelope::Envelope;

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

impl Head {
    /// What nobody can change without having moved it: the epoch, the position, and the next number.
    pub(crate) fn place(&self) -> (i64, u64, i64) {
        (self.epoch, self.position, self.outbox_next)
    }
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
pub struct ScheduledRow {
    /// The message's name.
    pub name: String,
    /// The message's key.
    pub key: String,
    /// When it is said, in milliseconds since 1970.
    pub due_ms: i64,
    /// The message.
    pub envelope: Envelope,
}

/// An effect to be run after the commit, at least once. One at a time for each key, in the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRow {
    /// Its number, given by the store in the order of commits, without a gap while nothing fails; ignored when it is added.
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

/// A message that was received, as the inbox remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// The message's id.
    pub id: Uuid,
    /// How often it was tried before it died; none if it lives.
    pub dead_tries: Option<u32>,
}

/// A compensation that died. Nothing else leaves a story half undone: it counts until an operator has seen to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadCompensation {
    /// The message's id.
    pub id: Uuid,
    /// Its subject.
    pub subject: String,
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
pub struct StoredReply {
    /// Whose.
    pub key: IdempotencyKey,
    /// A hash of the request's body: another body under the same key is a mistake.
    pub body_hash: String,
    /// The answer, as JSON.
    pub reply: String,
}

/// What is known of the process that read before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastRun {
    /// Whether it began where this one begins, and did not end by [`release`](super::Store::release): something that it received may have
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
    pub scheduled: u64,
    /// Effects to be run.
    pub effects: u64,
}
