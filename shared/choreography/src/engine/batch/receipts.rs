//! What a batch receives, by the numbers of its messages, on top of what was received before.

use hashbrown::hash_map::Entry;
use uuid::Uuid;

use crate::engine::number_ranges::NumberRanges;
use crate::engine::received_numbers::{JUMP_MAX, ReceivedNumbers, SeriesNumbers};
use crate::planted::{PlantedBug, planted};
use crate::store::{Range, RangeChanges, SeriesId, SeriesRange};

/// What is done with a message, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receipt {
    /// It is processed: its number was not received before.
    New,
    /// It is skipped: it is a copy of what was processed, or of a kind that is not taken up.
    Skipped,
    /// It dies: no publisher gives such a number.
    Absurd,
}

/// The numbers that a batch receives.
pub(super) struct Receipts<'a> {
    before: &'a ReceivedNumbers,
    after: NewNumbers,
}

/// The series that a batch changes, as they are after it.
#[derive(Debug, Default)]
pub(crate) struct NewNumbers {
    received: SeriesNumbers,
    reported: SeriesNumbers,
}

impl<'a> Receipts<'a> {
    pub(super) fn after(before: &'a ReceivedNumbers) -> Self {
        Self { before, after: NewNumbers::default() }
    }

    /// Receives a message, and returns what is done with it.
    pub(super) fn receive(&mut self, publisher: &str, outbox: Uuid, kind: &str, number: u64) -> Receipt {
        let before = self.before;
        let Some((series, expects_one)) = before.series(publisher, outbox, kind) else { return Receipt::Skipped };
        let was_known = before.received.get(&series);
        let known = self.after.received.get(&series).or(was_known);
        let highest = known.and_then(NumberRanges::highest).or_else(|| expects_one.then_some(0));
        if highest.is_some_and(|highest| number > highest.saturating_add(JUMP_MAX)) {
            return Receipt::Absurd;
        }
        if known.is_some_and(|known| known.contains(number)) && !planted(PlantedBug::NumbersNotChecked) {
            return Receipt::Skipped;
        }
        self.has_come(&series, number);
        let begin = || if expects_one { NumberRanges::from_zero() } else { NumberRanges::default() };
        let numbers = match self.after.received.entry(series) {
            Entry::Occupied(numbers) => numbers.into_mut(),
            Entry::Vacant(place) => place.insert(was_known.cloned().unwrap_or_else(begin)),
        };
        numbers.insert(Range { first: number, last: number });
        Receipt::New
    }

    /// Removes a number that has come from those that were reported as lost.
    fn has_come(&mut self, series: &SeriesId, number: u64) {
        let reported = self.after.reported.get(series).or_else(|| self.before.reported.get(series));
        if reported.is_some_and(|reported| reported.contains(number)) {
            self.reported(series).remove(number);
        }
    }

    /// Records numbers as lost.
    pub(super) fn report(&mut self, lost: &SeriesRange) {
        self.reported(&lost.series).insert(lost.range);
    }

    fn reported(&mut self, series: &SeriesId) -> &mut NumberRanges {
        let before = self.before.reported.get(series);
        self.after.reported.entry(series.clone()).or_insert_with(|| before.cloned().unwrap_or_default())
    }

    /// Returns what changes in the database, received and reported, and in memory once that is committed.
    pub(super) fn finish(self) -> (RangeChanges, RangeChanges, NewNumbers) {
        let received = changes(&self.before.received, &self.after.received);
        (received, changes(&self.before.reported, &self.after.reported), self.after)
    }
}

/// Returns how the stored ranges of some series change.
fn changes(before: &SeriesNumbers, after: &SeriesNumbers) -> RangeChanges {
    let (mut changes, nothing) = (RangeChanges::default(), NumberRanges::default());
    for (series, after) in after {
        let before = before.get(series).unwrap_or(&nothing);
        let changed = after.ranges().filter(|range| !before.has(*range));
        changes.put.extend(changed.map(|range| SeriesRange { series: series.clone(), range }));
        let gone = before.ranges().filter(|range| !after.begins_at(range.first));
        changes.remove.extend(gone.map(|range| (series.clone(), range.first)));
    }
    changes
}

impl ReceivedNumbers {
    /// Adds what a batch has received and reported, once it is committed.
    pub(crate) fn add(&mut self, numbers: NewNumbers) {
        self.received.extend(numbers.received);
        self.reported.extend(numbers.reported);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ReadingState, Subscription};

    const OUTBOX: Uuid = Uuid::from_u128(5);

    /// Returns the numbers of a service that took up `write` when the outbox `since` had begun.
    fn taken_up(since: u128) -> ReceivedNumbers {
        let since_outbox = Uuid::from_u128(since);
        let subscription = Subscription { publisher: "author".into(), kind: "write".into(), since_outbox };
        ReadingState { subscriptions: vec![subscription], ..ReadingState::default() }.into()
    }

    fn receive(numbers: &mut ReceivedNumbers, number: &[u64]) -> Vec<Receipt> {
        let mut receipts = Receipts::after(numbers);
        let received = number.iter().map(|number| receipts.receive("author", OUTBOX, "write", *number)).collect();
        let (_, _, new) = receipts.finish();
        numbers.add(new);
        received
    }

    fn missing(numbers: &ReceivedNumbers, settled: u64) -> Vec<(u64, u64)> {
        let missing = numbers.missing("author", OUTBOX, "write", settled, 10);
        missing.iter().map(|missing| (missing.range.first, missing.range.last)).collect()
    }

    #[test]
    fn a_number_is_new_once_and_what_lies_between_is_missing() {
        use Receipt::{New, Skipped};
        let mut numbers = taken_up(9);
        assert_eq!(receive(&mut numbers, &[5, 6, 9, 6]), [New, New, New, Skipped]);
        assert_eq!(receive(&mut numbers, &[8, 8, 5]), [New, Skipped, Skipped]);
        assert_eq!((missing(&numbers, 10), missing(&numbers, 6)), (vec![(7, 7), (10, 10)], vec![]));
        let mut receipts = Receipts::after(&numbers);
        assert_eq!(receipts.receive("author", OUTBOX, "strike", 1), Skipped);
        assert_eq!(receipts.receive("baker", OUTBOX, "write", 1), Skipped);
    }

    #[test]
    fn a_series_that_began_after_its_kind_was_taken_up_begins_at_one() {
        let mut numbers = taken_up(0);
        assert_eq!(missing(&numbers, 2), [(1, 2)]);
        receive(&mut numbers, &[3]);
        assert_eq!(missing(&numbers, 4), [(1, 2), (4, 4)]);
        assert_eq!(receive(&mut numbers, &[JUMP_MAX + 4, JUMP_MAX + 3]), [Receipt::Absurd, Receipt::New]);
        assert_eq!(receive(&mut taken_up(9), &[JUMP_MAX + 4]), [Receipt::New]);
    }

    #[test]
    fn a_reported_number_is_lost_until_it_comes() {
        let mut numbers = taken_up(0);
        receive(&mut numbers, &[4]);
        let lost = numbers.missing("author", OUTBOX, "write", 4, 10);
        let mut receipts = Receipts::after(&numbers);
        lost.iter().for_each(|lost| receipts.report(lost));
        assert_eq!(receipts.receive("author", OUTBOX, "write", 2), Receipt::New);
        let (received, reported, new) = receipts.finish();
        assert_eq!((received.put.len(), received.remove.len()), (1, 0));
        assert_eq!(reported.put.iter().map(|put| put.range.first).collect::<Vec<_>>(), [1, 3]);
        numbers.add(new);
        assert_eq!((numbers.lost(), missing(&numbers, 4)), (2, vec![]));
    }
}
