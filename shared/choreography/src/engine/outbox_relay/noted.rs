//! Which rows a repair need not look for, because it is noted where they are stored, and the streams have lost nothing.
//!
//! What must hold: if the last of those rows are still at their places, and nothing is missing at or after the first kept
//! row, the streams have all of them.

use super::both_streams::BothStreams;
use super::error::RelayError;
use crate::bus::{Connection, Stream};
use crate::planted::{PlantedBug, planted};
use crate::store::{Checkpoint, Head, StoredRows};

/// Returns which rows need not be looked for: the streams have lost nothing of what they had when that was noted.
pub(super) async fn noted(connection: &dyn Connection, head: &Head, floor: u64) -> Result<StoredRows, RelayError> {
    let noted = head.stored_rows;
    let BothStreams { events, dead_letters } = BothStreams::request(connection).await?;
    let has_no_hole = (events.deleted, dead_letters.deleted) == (0, 0) || planted(PlantedBug::HoleNotListed);
    let is_complete = has_no_hole && events.first <= floor + 1 && dead_letters.first <= noted.dead_letters_first.max(1);
    let is_same = !head.has_adopted
        && noted.through < head.outbox_next // else the note is damaged: there are no such rows
        && is_complete
        && has(connection, Stream::Events, noted.events).await?
        && has(connection, Stream::DeadLetters, noted.dead_letters).await?;
    Ok(if is_same { noted } else { StoredRows::default() })
}

/// Whether a stream has the message of a place. It has the place before all messages.
async fn has(connection: &dyn Connection, stream: Stream, place: Checkpoint) -> Result<bool, RelayError> {
    Ok(place.sequence == 0 || connection.stamp_at(stream, place.sequence).await? == Some(place.stamp_ns))
}
