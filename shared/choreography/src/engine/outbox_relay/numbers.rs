//! Numbers of outbox rows, as ranges: what is acknowledged beyond a row that is held.

use std::collections::BTreeMap;

/// A set of numbers. It takes as much memory as there are gaps in it: one for each row that is held.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The first of each range, with its last.
    ranges: BTreeMap<i64, i64>,
    count: i64,
}

impl Numbers {
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

    /// Takes out what follows on a number without a gap, and what is not above it; the last number of that.
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
    fn numbers_in_any_order_become_ranges_and_leave_from_below() {
        let mut numbers = Numbers::default();
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
