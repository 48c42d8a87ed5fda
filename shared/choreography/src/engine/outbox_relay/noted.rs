//! Which rows a repair need not look for, because it is noted where they are stored, and the streams have lost nothing of
//! them.
//!
//! What must hold: if the last of those rows are still at their places, the streams lack no more than when that was noted,
//! and nothing is missing before the first kept row, the streams have all of them.

use super::both_streams::BothStreams;
use super::error::RelayError;
use crate::bus::{Connection, Stream, StreamState};
use crate::planted::{PlantedBug, planted};
use crate::store::{Checkpoint, Head, Store, StoredRows};

/// Returns which rows need not be looked for: the newest note of which the streams have lost nothing. A stream that has
/// lost its end still has what an older note is about.
pub(super) async fn noted(
    store: &dyn Store,
    connection: &dyn Connection,
    head: &Head,
    floor: u64,
) -> Result<StoredRows, RelayError> {
    let streams = BothStreams::request(connection).await?;
    if head.has_adopted || streams.events.first > floor + 1 {
        return Ok(StoredRows::default());
    }
    for noted in store.stored_rows().await? {
        // Else the note is damaged: there are no such rows.
        let has_rows = noted.through < head.outbox_next;
        let has_dead_letters = streams.dead_letters.first <= noted.dead_letters_first.max(1);
        if has_rows
            && has_dead_letters
            && has(connection, Stream::Events, &streams.events, noted.events).await?
            && has(connection, Stream::DeadLetters, &streams.dead_letters, noted.dead_letters).await?
        {
            return Ok(noted);
        }
    }
    Ok(StoredRows::default())
}

/// Whether a stream has the message of a place, and lacks no more than then. It has the place before all messages.
async fn has(
    connection: &dyn Connection,
    stream: Stream,
    now: &StreamState,
    place: Checkpoint,
) -> Result<bool, RelayError> {
    let lacks_the_same = now.deleted == place.deleted || planted(PlantedBug::HoleNotListed);
    let is_before_all = place.sequence == 0;
    let is_there = place.sequence <= now.last && lacks_the_same;
    Ok(is_there && (is_before_all || connection.stamp_at(stream, place.sequence).await? == Some(place.stamp_ns)))
}
