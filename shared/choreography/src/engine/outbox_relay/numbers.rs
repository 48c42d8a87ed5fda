//! A set of outbox numbers, kept as ranges.

use std::collections::BTreeMap;

/// A set of numbers. It takes as much memory as it has gaps: one for each row that is held.
#[derive(Debug, Default)]
pub(super) struct NumberSet {
    /// The first number of each range, with its last.
    ranges: BTreeMap<i64, i64>,
    count: i64,
}

impl NumberSet {
    pub(super) fn contains(&self, number: i64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    pub(super) fn count(&self) -> i64 {
        self.count
    }

    pub(super) fn insert(&mut self, number: i64) {
        if self.contains(number) {
            return;
        }
        self.count += 1;
        let last = self.ranges.remove(&(number + 1)).unwrap_or(number);
        match self.ranges.range_mut(..number).next_back() {
            Some((_, before)) if *before + 1 == number => *before = last,
            _ => drop(self.ranges.insert(number, last)),
        }
    }

    /// Adds the numbers from the first to the last.
    pub(super) fn insert_range(&mut self, first: i64, last: i64) {
        // Overlapping ranges become one.
        let (mut from, mut to) = (first, last);
        while let Some((start, end)) = self.ranges.range(..=to.saturating_add(1)).next_back().map(|(s, e)| (*s, *e))
            && end + 1 >= from
        {
            self.ranges.remove(&start);
            self.count -= end - start + 1;
            (from, to) = (from.min(start), to.max(end));
        }
        self.count += to - from + 1;
        self.ranges.insert(from, to);
    }

    /// Removes a number.
    pub(super) fn remove(&mut self, number: i64) {
        let Some((first, last)) = self.ranges.range(..=number).next_back().map(|(first, last)| (*first, *last)) else {
            return;
        };
        if number > last {
            return;
        }
        self.count -= 1;
        self.ranges.remove(&first);
        if first < number {
            self.ranges.insert(first, number - 1);
        }
        if number < last {
            self.ranges.insert(number + 1, last);
        }
    }

    /// Returns the lowest number.
    pub(super) fn first(&self) -> Option<i64> {
        self.ranges.first_key_value().map(|(first, _)| *first)
    }

    /// Removes the numbers that follow a number without a gap, and those not above it; returns the last one of them, or
    /// the number itself.
    pub(super) fn take_following(&mut self, mut number: i64) -> i64 {
        while let Some(range) = self.ranges.first_entry().filter(|range| *range.key() <= number + 1) {
            let (first, last) = range.remove_entry();
            self.count -= last - first + 1;
            number = number.max(last);
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order_become_ranges_and_are_taken_from_below() {
        let mut numbers = NumberSet::default();
        [7, 3, 5, 4, 9, 4].into_iter().for_each(|number| numbers.insert(number));
        assert_eq!((numbers.ranges.len(), numbers.count()), (3, 5));
        let known: Vec<i64> = (0..12).filter(|number| numbers.contains(*number)).collect();
        assert_eq!(known, [3, 4, 5, 7, 9]);
        assert_eq!(numbers.take_following(1), 1);
        assert_eq!(numbers.take_following(2), 5);
        assert_eq!(numbers.take_following(6), 7);
        assert_eq!((numbers.take_following(20), numbers.count()), (20, 0));
    }
}
