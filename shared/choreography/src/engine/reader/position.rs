//! Where reading goes on, on each new connection: behind the committed position, if the stream still has the message that
//! was read there; else behind the newest checkpoint that it has. What was received already is skipped by its number.
//!
//! What must hold: a sequence alone proves nothing, because a server that has lost messages gives their sequences again.
//! So a place is compared by the server's stamp.

use crate::bus::{BusError, Connection, Stream, StreamState};
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
    let mut found = match is_there(connection, stream, position).await? {
        true => Some(position),
        false => newest_there(connection, stream, &state.checkpoints, u64::MAX).await?,
    };
    // The stream was put back whole: it may lack messages that it had when it had the position, too.
    if found.is_some() && stream.deleted < position.deleted {
        found = newest_there(connection, stream, &state.checkpoints, stream.deleted).await?.or(found);
    }
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
        Some(found) if found == position => Resume::GoOn,
        Some(found) => Resume::GoBack(found),
    })
}

/// Returns the newest checkpoint that the stream has, of those at which it lacked at most `deleted` messages.
async fn newest_there(
    connection: &dyn Connection,
    stream: &StreamState,
    checkpoints: &[Checkpoint],
    deleted: u64,
) -> Result<Option<Checkpoint>, BusError> {
    for checkpoint in checkpoints.iter().filter(|checkpoint| checkpoint.deleted <= deleted) {
        if is_there(connection, stream, *checkpoint).await? {
            return Ok(Some(*checkpoint));
        }
    }
    Ok(None)
}

/// Whether the stream has the message that was read at a place. A place before its first message can't be looked at: it
/// counts as there. So does one without a stamp, at which this service has read no message, or an earlier version of the
/// runtime did.
async fn is_there(connection: &dyn Connection, stream: &StreamState, place: Checkpoint) -> Result<bool, BusError> {
    if place.sequence < stream.first.max(1) || place.stamp_ns == 0 {
        return Ok(place.sequence <= stream.last.max(stream.first));
    }
    Ok(connection.stamp_at(Stream::Events, place.sequence).await? == Some(place.stamp_ns))
}
