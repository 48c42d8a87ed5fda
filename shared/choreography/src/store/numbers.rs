//! The numbers of messages and the checkpoints of the stream, as a service's database keeps them.

use std::sync::Arc;

use uuid::Uuid;

/// A series of messages, which its publisher numbers 1, 2, 3 … without a gap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId {
    /// The service that publishes it.
    pub publisher: Arc<str>,
    /// The outbox from which it is published. A process begins a new one when it starts; later ones have higher ids.
    pub outbox: Uuid,
    /// The kind of its messages: the message's name, `*dead` for dead letters, `*handled` for records of repairs.
    pub kind: Arc<str>,
}

/// Numbers of a series, from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// The first number. A range from 0 to 0 says that 1 is expected.
    pub first: u64,
    /// The last number.
    pub last: u64,
}

/// Numbers of a series that were received, or reported lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesRange {
    /// The series.
    pub series: SeriesId,
    /// The numbers.
    pub range: Range,
}

/// Changes of stored ranges, of which each is known by its series and its first number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeChanges {
    /// Ranges that are inserted; a stored one that begins at the same number is replaced.
    pub put: Vec<SeriesRange>,
    /// Ranges that are deleted, by their first numbers. They are deleted before others are inserted.
    pub remove: Vec<(SeriesId, u64)>,
}

/// What identifies an outbox row in the stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowName {
    /// The outbox.
    pub outbox: Uuid,
    /// The kind of its message.
    pub kind: Arc<str>,
    /// Its number within the outbox and the kind.
    pub number: u64,
}

/// A place in the stream: the message with this sequence had this stamp. A sequence alone proves nothing, because a
/// server that has lost messages gives their sequences again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Checkpoint {
    /// The stream sequence; 0 is the place before the first message.
    pub sequence: u64,
    /// The server's stamp of the message there, in nanoseconds since 1970; 0 where no message was seen.
    pub stamp_ns: i64,
    /// How many messages the stream lacked between its first and its last one at that time.
    pub deleted: u64,
}

/// Of the checkpoints, and of the floors, that are older than this one is kept in each such time: a minute.
pub(super) const THINNED_TO_NS: i64 = 60_000_000_000;

/// Whether a checkpoint is not kept any more: it is older than a minute, by the stamps, and the one before it, if there
/// is one, is of the same minute.
pub(super) fn is_thinned(checkpoint: Checkpoint, minute_before: Option<i64>, newest: Checkpoint) -> bool {
    let is_old = checkpoint.stamp_ns < newest.stamp_ns.saturating_sub(THINNED_TO_NS);
    is_old && minute_before == Some(checkpoint.stamp_ns / THINNED_TO_NS)
}
