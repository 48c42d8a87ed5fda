//! Where reading goes on, on each new connection: behind the committed position, if the stream still has the message that
//! was read there; else behind the newest checkpoint that it has. What was received already is skipped by its number.
//!
//! What must hold: a sequence alone proves nothing, because a server that has lost messages gives their sequences again.
//! So a place is compared by the server's stamp.

use crate::bus::{BusError, Connection, Stream, StreamState};
use crate::planted::{PlantedBug, planted};
use crate::store::{Checkpoint, ReadingState};

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resume {
    /// Behind the position.
    GoOn,
    /// Behind an earlier place.
    GoBack(Checkpoint),
    /// Nowhere, until an operator decides: why.
    Halt(String),
}

/// Decides where reading goes on.
pub(super) async fn resume(
    connection: &dyn Connection,
    stream: &StreamState,
    state: &ReadingState,
) -> Result<Resume, BusError> {
    let (head, position) = (&state.head, state.head.position);
    if head.stream_created != stream.created {
        return Ok(Resume::Halt(format!(
            "the stream was created anew ({}, not {}): its earlier messages are gone",
            stream.created, head.stream_created
        )));
    }
    let found = match is_there(connection, stream, position).await? || planted(PlantedBug::PositionNotVerified) {
        true => Some(position),
        false => newest_there(connection, stream, &state.checkpoints).await?,
    };
    Ok(match found {
        None => Resume::Halt(format!(
            "the stream ends at {} and has neither the message that was read last, {}, nor any that was read before: the \
             server lost more than a restart can lose",
            stream.last, position.sequence
        )),
        Some(found) if stream.first > found.sequence + 1 => Resume::Halt(format!(
            "the stream begins at {}, but only {} was read: messages were deleted unread",
            stream.first, found.sequence
        )),
        Some(_) if stream.deleted < position.deleted => {
            Resume::GoBack(before_holes(connection, stream, &state.checkpoints).await?)
        }
        Some(found) if found == position => Resume::GoOn,
        Some(found) => Resume::GoBack(found),
    })
}

/// Returns where reading goes on when the stream lacks fewer messages than before: it was put back whole, and has messages
/// that were missing when reading passed them. Or its limits have removed a hole; then nothing comes of it.
async fn before_holes(
    connection: &dyn Connection,
    stream: &StreamState,
    checkpoints: &[Checkpoint],
) -> Result<Checkpoint, BusError> {
    let earlier: Vec<_> = checkpoints.iter().filter(|earlier| earlier.deleted <= stream.deleted).copied().collect();
    let newest = newest_there(connection, stream, &earlier).await?;
    // Behind the oldest checkpoint lies everything that was ever meant for this service.
    let from = newest.or(checkpoints.last().copied()).unwrap_or_default();
    let beginning = stream.first.saturating_sub(1);
    Ok(match from.sequence < beginning {
        true => Checkpoint { sequence: beginning, stamp_ns: 0, deleted: stream.deleted },
        false => from,
    })
}

/// Returns the place behind which reading goes on at a sequence: that of the last message before it. A hole before it
/// may be as long as a block of the server's file, some ten thousand messages, of which each takes a request.
pub(crate) async fn place_before(
    connection: &dyn Connection,
    stream: &StreamState,
    next: u64,
) -> Result<Checkpoint, BusError> {
    let next = next.min(stream.last + 1);
    for sequence in (stream.first.max(1)..next).rev() {
        if let Some(stamp_ns) = connection.stamp_at(Stream::Events, sequence).await? {
            return Ok(Checkpoint { sequence, stamp_ns, deleted: stream.deleted });
        }
    }
    Ok(Checkpoint { sequence: next.saturating_sub(1), stamp_ns: 0, deleted: stream.deleted })
}

/// Returns the newest checkpoint that the stream has.
async fn newest_there(
    connection: &dyn Connection,
    stream: &StreamState,
    checkpoints: &[Checkpoint],
) -> Result<Option<Checkpoint>, BusError> {
    for checkpoint in checkpoints {
        if is_there(connection, stream, *checkpoint).await? || planted(PlantedBug::CheckpointsNotLookedAt) {
            return Ok(Some(*checkpoint));
        }
    }
    Ok(None)
}

/// Whether the stream has the message that was read at a place. A place before its first message can't be looked at: it
/// counts as there.
async fn is_there(connection: &dyn Connection, stream: &StreamState, place: Checkpoint) -> Result<bool, BusError> {
    if place.sequence < stream.first.max(1) {
        return Ok(true);
    }
    Ok(connection.stamp_at(Stream::Events, place.sequence).await? == Some(place.stamp_ns))
}
