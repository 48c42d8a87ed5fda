//! Which rows a repair need not look for, because it is noted where they are stored, and the streams have lost nothing of
//! them.
//!
//! What must hold: all rows up to the number of a note are stored at or before its place, and all others behind it. So if
//! the last row of a note is still at its place, and the stream lacks no more before it than then, it has all of them; and
//! it has those between two notes if it lacks nothing between their places.

use super::both_streams::BothStreams;
use super::error::RelayError;
use crate::bus::{Connection, Stream, StreamState};
use crate::planted::{PlantedBug, planted};
use crate::store::{Checkpoint, Head, Store, StoredRows};

/// A stream that lacks more messages is listed as a whole: the list of what it lacks would take megabytes.
const HOLES_MAX: u64 = 200_000;

/// Rows that need not be looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NotedRows {
    /// Those up to the number of this note.
    pub(super) before: StoredRows,
    /// Those behind the number of the first of these notes, and up to that of the second: the stream of events has lost
    /// something before them.
    pub(super) between: Option<(StoredRows, StoredRows)>,
}

impl NotedRows {
    /// Whether a row need not be looked for.
    pub(super) fn has_row(&self, row: i64) -> bool {
        let is_between = |(first, last): &(StoredRows, StoredRows)| first.through < row && row <= last.through;
        row <= self.before.through || self.between.as_ref().is_some_and(is_between)
    }

    /// Returns the first row from a row on that must be looked for.
    pub(super) fn next_row(&self, row: i64) -> i64 {
        let row = row.max(self.before.through + 1);
        self.between.filter(|_| self.has_row(row)).map_or(row, |(_, last)| last.through + 1)
    }

    /// Returns the place in the stream of events behind which listing goes on, when it has come to a place.
    pub(super) fn next_place(&self, place: u64) -> u64 {
        let place = place.max(self.before.events.sequence);
        let is_between =
            |(first, last): &(StoredRows, StoredRows)| first.events.sequence <= place && place < last.events.sequence;
        self.between.filter(is_between).map_or(place, |(_, last)| last.events.sequence)
    }
}

/// Returns which rows need not be looked for.
pub(super) async fn noted(
    store: &dyn Store,
    connection: &dyn Connection,
    head: &Head,
    floor: u64,
) -> Result<NotedRows, RelayError> {
    let streams = BothStreams::request(connection).await?;
    let deleted = streams.events.deleted;
    if head.has_adopted || streams.events.first > floor + 1 || deleted > HOLES_MAX {
        return Ok(NotedRows::default());
    }
    let has_no_hole = deleted == 0 || planted(PlantedBug::HoleNotListed);
    let holes = if has_no_hole { Vec::new() } else { connection.holes(Stream::Events).await? };
    if holes.len() as u64 != deleted && !has_no_hole {
        return Ok(NotedRows::default());
    }
    let search = Search { connection, dead_letters: streams.dead_letters, holes };
    // Else a note is damaged: there are no such rows.
    let notes = store.stored_rows().await?.into_iter().filter(|note| note.through < head.outbox_next);
    search.among(notes).await
}

/// The search for notes that hold.
struct Search<'a> {
    connection: &'a dyn Connection,
    /// The state of the stream of dead letters.
    dead_letters: StreamState,
    /// The sequences that the stream of events lacks.
    holes: Vec<u64>,
}

impl Search<'_> {
    /// Searches among notes, the newest first.
    async fn among(&self, notes: impl Iterator<Item = StoredRows>) -> Result<NotedRows, RelayError> {
        let mut between: Option<(StoredRows, StoredRows)> = None;
        for note in notes {
            if !self.is_in_place(&note).await? {
                continue;
            }
            let lacks = self.holes.partition_point(|hole| *hole <= note.events.sequence);
            if lacks as u64 == note.events.deleted || planted(PlantedBug::HoleNotListed) {
                let between = between.filter(|(first, last)| first.through < last.through);
                return Ok(NotedRows { before: note, between });
            }
            if lacks == self.holes.len() {
                between = Some((note, between.map_or(note, |(_, last)| last)));
            }
        }
        Ok(NotedRows::default())
    }

    /// Whether both streams still have the last rows of a note, and that of dead letters has lost nothing.
    async fn is_in_place(&self, note: &StoredRows) -> Result<bool, RelayError> {
        let now = &self.dead_letters;
        let lacks_nothing = now.first <= note.dead_letters_first.max(1) && now.deleted == note.dead_letters.deleted;
        Ok(lacks_nothing
            && self.has(Stream::Events, note.events).await?
            && self.has(Stream::DeadLetters, note.dead_letters).await?)
    }

    /// Whether a stream has the message of a place. It has the place before all messages.
    async fn has(&self, stream: Stream, place: Checkpoint) -> Result<bool, RelayError> {
        let is_before_all = place.sequence == 0;
        Ok(is_before_all || self.connection.stamp_at(stream, place.sequence).await? == Some(place.stamp_ns))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::bus::Bus as _;
    use crate::bus::memory::MemoryBus;
    use crate::store::memory::MemoryStore;
    use crate::store::{ReadingStore as _, Renewal};

    #[tokio::test]
    async fn a_note_of_rows_that_the_outbox_does_not_have_is_not_believed() {
        let (store, now) = (MemoryStore::new(), Timestamp::UNIX_EPOCH);
        let epoch = store.claim(None, now, now).await.unwrap().unwrap().epoch;
        let note = StoredRows { through: 7, ..StoredRows::default() };
        let renewal = Renewal { stored_rows: Some(note), ..Renewal::of_lease(now) };
        store.renew(epoch, &renewal).await.unwrap();
        let connection = MemoryBus::new().connect().await.unwrap();
        let none = StoredRows::default();
        for (outbox_next, believed) in [(1, none), (7, none), (8, note)] {
            let head = Head { outbox_next, ..store.head().await.unwrap() };
            let noted = noted(&store, &*connection, &head, 0).await.unwrap();
            assert_eq!(noted.before, believed, "the next row is {outbox_next}");
        }
    }
}
