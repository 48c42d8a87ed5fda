//! The numbers a subscriber has received, and what follows from the number of the next message.
//!
//! One thing must hold: a number is new exactly once, however often and in whatever order copies of it arrive.

use std::collections::BTreeMap;

use crate::message::Series;

/// A number this far above everything received is not believed.
const JUMP_MAX: u64 = 1_000_000;

/// A set of numbers, stored as ranges without a gap: `first` to `last`, both included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NumberRanges(BTreeMap<u64, u64>);

impl NumberRanges {
    /// Whether the number is in the set.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    /// Adds a number, and joins the ranges that now touch.
    pub(crate) fn insert(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        let last = self.0.remove(&(number + 1)).unwrap_or(number);
        match self.0.range_mut(..number).next_back() {
            Some((_, before)) if *before + 1 == number => *before = last,
            _ => drop(self.0.insert(number, last)),
        }
    }

    /// Returns the highest number.
    pub(crate) fn highest(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, last)| *last)
    }

    /// Returns the gaps: between two ranges, and from the highest number to `up_to`.
    pub(crate) fn gaps(&self, up_to: u64) -> Vec<(u64, u64)> {
        let starts = self.0.keys().copied().skip(1).chain([up_to + 1]);
        let ends = self.0.values();
        ends.zip(starts).map(|(last, next)| (last + 1, next - 1)).filter(|(first, last)| first <= last).collect()
    }

    /// Returns how many ranges there are: the rows of the table `received` for one series.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What a subscriber does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// Processes it: the number was not received before.
    New,
    /// Skips it: a copy of what was processed.
    Known,
    /// Puts it into the dead letters: no publisher gives such a number.
    Absurd,
}

/// The table `received(publisher, outbox, kind, first, last)`: each row is a range of received numbers.
///
/// A gap between two rows of a series is missing. It is written in the commit of what the messages changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReceivedNumbers {
    series: BTreeMap<Series, NumberRanges>,
}

impl ReceivedNumbers {
    /// Notes a message's number, and returns what to do with the message.
    ///
    /// `expects_one`: the series began while its kind was received here, so its first number is 1. Of another series
    /// whatever comes first is the first.
    pub(crate) fn receive(&mut self, series: Series, number: u64, expects_one: bool) -> Receipt {
        let highest = self.series.get(&series).and_then(NumberRanges::highest);
        if number == 0 || highest.is_some_and(|highest| number > highest + JUMP_MAX) {
            return Receipt::Absurd;
        }
        let ranges = self.series.entry(series).or_default();
        if expects_one {
            ranges.insert(0);
        }
        if ranges.contains(number) {
            return Receipt::Known;
        }
        ranges.insert(number);
        Receipt::New
    }

    /// Expects nothing up to a number: what is published by now was not meant for this subscriber.
    pub(crate) fn begin_after(&mut self, series: Series, number: u64) {
        self.series.entry(series).or_insert_with(|| NumberRanges(BTreeMap::from([(0, number)])));
    }

    /// Returns the missing numbers of a series of which the publisher has published everything up to `published`.
    pub(crate) fn missing(&self, series: Series, published: u64, expects_one: bool) -> Vec<(u64, u64)> {
        match self.series.get(&series) {
            Some(ranges) => ranges.gaps(published.max(ranges.highest().unwrap_or(0))),
            None if published > 0 && expects_one => vec![(1, published)],
            None => Vec::new(),
        }
    }

    /// Keeps only some of the series.
    pub(crate) fn retain(&mut self, keeps: impl Fn(&Series) -> bool) {
        self.series.retain(|series, _| keeps(series));
    }

    /// Returns the series that were received.
    pub(crate) fn series(&self) -> impl Iterator<Item = Series> {
        self.series.keys().copied()
    }

    /// Returns how many rows the table has.
    pub(crate) fn rows(&self) -> usize {
        self.series.values().map(NumberRanges::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Kind, ServiceName};

    const SERIES: Series = Series { publisher: ServiceName::Order, outbox: 1, kind: Kind::CreatePayment };

    #[test]
    fn numbers_in_any_order_join_into_ranges_and_leave_gaps() {
        let mut numbers = NumberRanges::default();
        [7, 3, 5, 4, 9, 4].into_iter().for_each(|number| numbers.insert(number));
        assert_eq!(numbers.gaps(9), [(6, 6), (8, 8)]);
        assert_eq!(numbers.gaps(11), [(6, 6), (8, 8), (10, 11)]);
    }

    #[test]
    fn a_number_is_new_once_and_what_lies_between_is_missing() {
        let mut received = ReceivedNumbers::default();
        let receipts = [5, 6, 9, 6, 8, 8].map(|number| received.receive(SERIES, number, false));
        use Receipt::{Known, New};
        assert_eq!(receipts, [New, New, New, Known, New, Known]);
        assert_eq!(received.missing(SERIES, 0, false), [(7, 7)]);
        assert_eq!(received.missing(SERIES, 10, false), [(7, 7), (10, 10)]);
    }

    #[test]
    fn a_series_that_began_here_begins_at_one() {
        let mut received = ReceivedNumbers::default();
        assert_eq!(received.missing(SERIES, 2, true), [(1, 2)]);
        received.receive(SERIES, 3, true);
        assert_eq!(received.missing(SERIES, 4, true), [(1, 2), (4, 4)]);
    }

    #[test]
    fn what_was_published_before_a_kind_is_taken_up_is_known() {
        let mut received = ReceivedNumbers::default();
        received.begin_after(SERIES, 7);
        assert_eq!(received.receive(SERIES, 5, false), Receipt::Known);
        assert_eq!(received.missing(SERIES, 8, false), [(8, 8)]);
    }

    #[test]
    fn an_absurd_number_is_refused() {
        let mut received = ReceivedNumbers::default();
        received.receive(SERIES, 5, false);
        assert_eq!(received.receive(SERIES, u64::MAX, false), Receipt::Absurd);
        assert_eq!(received.receive(SERIES, 0, false), Receipt::Absurd);
    }
}
