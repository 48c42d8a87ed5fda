//! What the leader of a service stores about the stream that it reads, apart from batches.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Checkpoint, Head, LastRun, SeriesId, SeriesRange, StoreError, StoredRows, TrySlot};

/// Everything that the leader must know before it reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadingState {
    /// The head.
    pub head: Head,
    /// The checkpoints, newest first.
    pub checkpoints: Vec<Checkpoint>,
    /// The numbers that were received, sorted.
    pub received: Vec<SeriesRange>,
    /// The kinds that were taken up.
    pub subscriptions: Vec<Subscription>,
    /// The numbers that were reported lost and did not come since, sorted.
    pub reported: Vec<SeriesRange>,
    /// How many messages of lost commands the stream has, by kind, sorted: the database was put back to a copy that is
    /// older than the commands.
    pub lost_commands: Vec<(Arc<str>, u64)>,
}

/// Since when a kind is received.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription {
    /// The service that publishes the kind.
    pub publisher: Arc<str>,
    /// The kind.
    pub kind: Arc<str>,
    /// Outboxes up to this one had begun before; later ones are received from number 1 on.
    pub since_outbox: Uuid,
}

/// What the leader writes once a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Until when the lease is held.
    pub lease_until: Timestamp,
    /// The sequence of the position that the database has at least, and the local number of the last outbox row. A renewal
    /// of one that has less fails with [`StoreError::HeadConflict`]: it was put back to a copy, and does not have what the
    /// rest of the renewal is about.
    pub at_least: (u64, i64),
    /// The position, to be added to the checkpoints.
    pub checkpoint: Option<Checkpoint>,
    /// How many outbox rows the server has acknowledged since the first row of this database, those included that are
    /// deleted; none while that is not known.
    pub published: Option<i64>,
    /// Which rows the streams have, and where, to be added to what was noted before; none if that is not known, or has not
    /// changed.
    pub stored_rows: Option<StoredRows>,
    /// Outbox rows that need not be kept: the first and the last local number of each range.
    pub forget: Vec<(i64, i64)>,
    /// How many outbox rows are deleted at most.
    pub forget_max: u32,
    /// A place in the stream at or below which no kept row is stored, to be added to the floors.
    pub floor: Option<Checkpoint>,
    /// The sequence of the first message that the stream still has: of the checkpoints and floors before it only the
    /// newest is kept.
    pub stream_first: u64,
}

impl Renewal {
    /// Returns a renewal of the lease that changes nothing else.
    pub fn of_lease(lease_until: Timestamp) -> Self {
        Self {
            lease_until,
            at_least: (0, 0),
            checkpoint: None,
            published: None,
            stored_rows: None,
            forget: Vec::new(),
            forget_max: u32::MAX,
            floor: None,
            stream_first: 0,
        }
    }
}

/// The part of a [`Store`](super::Store) that concerns leading, and the stream that the leader reads.
///
/// # Errors
/// Each method that takes an epoch fails with [`StoreError::HeadConflict`], and writes nothing, if that epoch is not the
/// current one any more; and with [`StoreError::PutBack`] if the current one is lower.
#[async_trait]
pub trait ReadingStore: Send + Sync {
    /// Returns the head.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Takes the leadership: raises the epoch, and takes the lease.
    ///
    /// Returns the new head, or nothing while another instance holds the lease. `mine` is the epoch that this
    /// instance held last: its own lease does not keep it out. A lease that ends more than twice as far ahead as the new
    /// one is ignored: only a wrong clock can have made it. So may be one whose leader's process is known to have ended.
    async fn claim(
        &self,
        mine: Option<i64>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<Head>, StoreError>;

    /// Prolongs the lease, adds a checkpoint, a floor, and which rows are stored, and deletes outbox rows. All three are
    /// thinned to one a minute, but for those of the last minute. Returns whether more rows may have to be deleted.
    async fn renew(&self, epoch: i64, renewal: &Renewal) -> Result<bool, StoreError>;

    /// Gives up the lease of this epoch, so that a standby takes over at once, and records that the run ended
    /// regularly. Does nothing if the epoch is not the current one any more.
    async fn release(&self, epoch: i64) -> Result<(), StoreError>;

    /// Records that a process starts to read at the head's position. Returns what the previous run left behind.
    async fn begin_run(&self) -> Result<LastRun, StoreError>;

    /// Records which message or effect is tried next, by itself; none if nothing is any more. If the process crashes now,
    /// that is what it died of.
    async fn try_alone(&self, slot: TrySlot, id: Option<Uuid>) -> Result<(), StoreError>;

    /// Records that this run has tried every effect that it found when it began, and that none is tried by itself any
    /// more. If the process crashes from now on, it did not die of one of those.
    async fn effects_tried(&self) -> Result<(), StoreError>;

    /// Returns everything that the leader must know before it reads, as it was at one moment.
    async fn reading_state(&self) -> Result<ReadingState, StoreError>;

    /// Begins to read a stream: records when it was created, as the server writes it, and the position, which becomes a
    /// checkpoint. Those of another stream, and its floors, are deleted.
    async fn begin_stream(&self, epoch: i64, created: &str, position: Checkpoint) -> Result<(), StoreError>;

    /// Makes an earlier checkpoint the position, and deletes the checkpoints after it.
    async fn go_back(&self, epoch: i64, to: Checkpoint) -> Result<(), StoreError>;

    /// Records that the position was found in the stream, and how many messages the stream lacks.
    async fn verified(&self, epoch: i64, deleted: u64) -> Result<(), StoreError>;

    /// Records why reading has stopped until an operator goes on.
    async fn halt(&self, epoch: i64, reason: &str) -> Result<(), StoreError>;

    /// Lets a halted service go on after a position: deletes the checkpoints after it, and raises the epoch, so that a
    /// running leader starts over. Checkpoints and floors of another stream are deleted.
    async fn resume(&self, to: Checkpoint, stream_created: &str) -> Result<(), StoreError>;

    /// Records since when a kind is received, and which numbers of it count as received.
    async fn take_up(
        &self,
        epoch: i64,
        subscription: &Subscription,
        received: &[SeriesRange],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Records numbers as lost. Those that are recorded already stay.
    async fn report(&self, epoch: i64, lost: &[SeriesRange]) -> Result<(), StoreError>;

    /// Counts all lost numbers as received, and forgets the messages of lost commands, because an operator accepts the loss;
    /// raises the epoch, so that a running leader starts over. Returns how many messages there were.
    async fn accept_lost(&self) -> Result<u64, StoreError>;

    /// Deletes the received numbers of a publisher's series that are not among `noted`, an outbox and a kind each, and of
    /// which nothing came since a moment. Returns the series that were deleted.
    async fn forget_received(
        &self,
        epoch: i64,
        publisher: &str,
        noted: &[(Uuid, Arc<str>)],
        before: Timestamp,
    ) -> Result<Vec<SeriesId>, StoreError>;
}
