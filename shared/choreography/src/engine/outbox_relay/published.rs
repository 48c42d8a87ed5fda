//! What a connection knows about the rows that the database keeps: which of them the streams have, and where.

use std::time::Duration;

use jiff::Timestamp;

use super::acknowledged::AcknowledgedRows;
use super::kept::{Forgettable, Forgetting, KeptRows};
use super::settled::{SeriesIndex, SettledNumbers};
use crate::bus::Stream;
use crate::clock::earlier;
use crate::planted::{PlantedBug, planted};
use crate::settings::{ADOPTED_KEPT, OUTBOX_KEPT_AT_LEAST, Settings};
use crate::store::{OutboxRow, RowName, StoredRows};
use crate::wire::dead_letter::is_of_dead_letters;

/// The largest number of rows of a stream that are forgotten at once: deleting them takes the database some 50 ms.
const FORGOTTEN_AT_ONCE: u64 = 20_000;

/// The published rows, as they were found when the connection began, and as they are acknowledged on it.
#[derive(Debug, Default)]
pub(super) struct PublishedRows {
    pub(super) acknowledged: AcknowledgedRows,
    pub(super) settled: SettledNumbers,
    pub(super) events: KeptRows,
    pub(super) dead_letters: KeptRows,
    adopted: Vec<AdoptedRow>,
}

/// A row that was found in a stream and that the database did not know.
#[derive(Debug)]
struct AdoptedRow {
    row: i64,
    /// The stream that has it, and where.
    stream: Stream,
    sequence: u64,
    /// When it was found, in milliseconds since 1970.
    since_ms: i64,
}

/// Up to which row the streams have everything, and the places of the last rows in both; 0 if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredPlaces {
    pub(super) through: i64,
    pub(super) events: u64,
    pub(super) dead_letters: u64,
}

/// A row that is published, as far as its acknowledgement needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentRow {
    /// Its local number.
    pub(super) row: i64,
    pub(super) stream: Stream,
    pub(super) series: SeriesIndex,
    /// Its number in the series.
    pub(super) number: u64,
}

impl PublishedRows {
    /// Returns what a connection knows that begins with these settled numbers.
    pub(super) fn of(settled: SettledNumbers) -> Self {
        Self { settled, ..Self::default() }
    }

    /// Returns what is noted about a row that is about to be published.
    pub(super) fn sent(&mut self, row: &OutboxRow) -> SentRow {
        let RowName { outbox, kind, number } = &row.name;
        let series = self.settled.index(*outbox, kind);
        SentRow { row: row.number, stream: stream_of(&row.envelope.subject), series, number: *number }
    }

    /// Records that the stream has a row behind all others that are recorded.
    pub(super) fn stored(&mut self, sent: SentRow, sequence: u64, now: Timestamp) {
        self.acknowledged.add(sent.row);
        self.settled.acknowledged(sent.series, sent.number);
        self.kept(sent.stream).add(sent.row, sequence, now);
    }

    /// Records that the stream has an adopted row.
    pub(super) fn stored_and_adopted(&mut self, sent: SentRow, sequence: u64) {
        self.acknowledged.add(sent.row);
        let SentRow { row, stream, series, .. } = sent;
        self.adopted.push(AdoptedRow { row, stream, sequence, since_ms: self.settled.given_at_ms(series) });
    }

    /// Returns the last place in the stream of events that has an adopted row; 0 if there is none.
    pub(super) fn adopted_through(&self) -> u64 {
        self.adopted_events().max().unwrap_or(0)
    }

    /// Returns the places of the adopted rows in the stream of events.
    fn adopted_events(&self) -> impl Iterator<Item = u64> {
        self.adopted.iter().filter(|row| row.stream == Stream::Events).map(|row| row.sequence)
    }

    /// Returns up to which row the streams have everything, if nothing is missing before it, and the places of the last
    /// rows in both.
    pub(super) fn stored_rows(&self) -> Option<StoredPlaces> {
        let through = self.acknowledged.last_of_all().filter(|_| self.adopted.is_empty())?;
        Some(StoredPlaces { through, events: self.events.last, dead_letters: self.dead_letters.last })
    }

    /// Records that the streams have the rows from the first one on that were stored when that was noted. None of them is
    /// forgotten before reading has passed the sequence `through` of the stream of events.
    pub(super) fn stored_before(&mut self, first: i64, noted: StoredRows, through: u64, now: Timestamp) {
        self.events.last = self.events.last.max(noted.events.sequence);
        self.dead_letters.last = self.dead_letters.last.max(noted.dead_letters.sequence);
        self.events.add_before_others((first, noted.through), noted.events.sequence, through, now);
    }

    /// Removes and returns the rows that may be forgotten, and the place in the stream of events at or below which no
    /// kept row is stored then. `through` is how far reading must have come: a place in each stream.
    pub(super) fn forget(&mut self, settings: &Settings, through: Through) -> Forgettable {
        let mut forgettable = self.events.forget(rule(settings, through.events));
        let dead_letters = self.dead_letters.forget(rule(settings, through.dead_letters));
        forgettable.spans.extend(dead_letters.spans);
        let adopted_before = earlier(settings.clock.now(), ADOPTED_KEPT).as_millisecond();
        self.adopted.retain(|row| {
            let is_kept = row.since_ms > adopted_before || row.sequence > through.of(row.stream);
            if !is_kept {
                forgettable.spans.push((row.row, row.row));
            }
            is_kept
        });
        let lowest_adopted = self.adopted_events().min();
        forgettable.floor = forgettable.floor.filter(|floor| lowest_adopted.is_none_or(|adopted| *floor < adopted));
        forgettable
    }

    pub(super) fn kept(&mut self, stream: Stream) -> &mut KeptRows {
        match stream {
            Stream::Events => &mut self.events,
            Stream::DeadLetters => &mut self.dead_letters,
        }
    }
}

/// How far the position is: rows that are stored behind it are kept, because what they were published for may be
/// received again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Through {
    pub(super) events: u64,
    pub(super) dead_letters: u64,
}

impl Through {
    fn of(self, stream: Stream) -> u64 {
        match stream {
            Stream::Events => self.events,
            Stream::DeadLetters => self.dead_letters,
        }
    }
}

/// Returns which rows of a stream may be forgotten now.
fn rule(settings: &Settings, through: u64) -> Forgetting {
    let now = settings.clock.now();
    let kept = if planted(PlantedBug::PublishedRowsForgotten) { Duration::ZERO } else { settings.outbox_kept };
    Forgetting {
        before: earlier(now, kept),
        rows_max: settings.outbox_kept_max,
        before_at_least: earlier(now, OUTBOX_KEPT_AT_LEAST),
        through,
        at_once: FORGOTTEN_AT_ONCE,
    }
}

/// Returns the stream that takes a subject.
pub(super) fn stream_of(subject: &str) -> Stream {
    if is_of_dead_letters(subject) { Stream::DeadLetters } else { Stream::Events }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::Given;

    /// Returns what a connection knows whose numbers were found in the stream at a moment.
    fn found_at(at: Timestamp) -> PublishedRows {
        let (outbox, kind) = (Uuid::from_u128(1), "opened".into());
        let given = Given { outbox, kind, last: 9, at_ms: at.as_millisecond() };
        PublishedRows::of(SettledNumbers::given(vec![given]))
    }

    fn sent(published: &mut PublishedRows, row: i64, stream: Stream) -> SentRow {
        let series = published.settled.index(Uuid::from_u128(1), "opened");
        SentRow { row, stream, series, number: row.unsigned_abs() }
    }

    #[test]
    fn an_adopted_row_is_kept_for_a_day_and_until_reading_has_passed_its_place_in_its_stream() {
        let settings = Settings::default();
        let day_ago = earlier(settings.clock.now(), ADOPTED_KEPT);
        for (stream, passed, not_passed) in [
            (Stream::Events, Through { events: 7, dead_letters: 0 }, Through { events: 6, dead_letters: 9 }),
            (Stream::DeadLetters, Through { events: 0, dead_letters: 7 }, Through { events: 9, dead_letters: 6 }),
        ] {
            for (found, through, forgotten) in [
                (day_ago, passed, vec![(3, 3)]),
                (day_ago, not_passed, Vec::new()),
                (earlier(settings.clock.now(), ADOPTED_KEPT - Duration::from_secs(60)), passed, Vec::new()),
            ] {
                let mut published = found_at(found);
                let row = sent(&mut published, 3, stream);
                published.stored_and_adopted(row, 7);
                assert_eq!(published.forget(&settings, through).spans, forgotten, "{stream:?} {found} {through:?}");
            }
        }
    }

    #[test]
    fn no_floor_is_above_the_place_of_an_adopted_row_that_is_kept() {
        let settings = Settings::default();
        for (stream, place, floor) in
            [(Stream::Events, 7, None), (Stream::Events, 10, Some(9)), (Stream::DeadLetters, 7, Some(9))]
        {
            let mut published = found_at(settings.clock.now());
            for (row, sequence) in [(1, 5), (2, 9)] {
                let row = sent(&mut published, row, Stream::Events);
                published.stored(row, sequence, Timestamp::UNIX_EPOCH);
            }
            for (row, stream, place) in [(3, stream, place), (4, Stream::Events, 15)] {
                let adopted = sent(&mut published, row, stream);
                published.stored_and_adopted(adopted, place);
            }
            let forgotten = published.forget(&settings, Through { events: 20, dead_letters: 20 });
            assert_eq!((forgotten.spans, forgotten.floor), (vec![(1, 2)], floor), "{stream:?} {place}");
        }
    }
}
