//! A set of numbers, kept as ranges: it takes as much memory as it has gaps.

use std::collections::BTreeMap;

use crate::store::Range;

/// A set of numbers. Ranges that touch are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NumberRanges {
    /// The first number of each range, with its last.
    ranges: BTreeMap<u64, u64>,
    count: u64,
}

impl NumberRanges {
    /// Returns the set in which 1 is expected next.
    pub(crate) fn from_zero() -> Self {
        Self::from_iter([Range { first: 0, last: 0 }])
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    /// Adds the numbers of a range.
    pub(crate) fn insert(&mut self, range: Range) {
        let (mut first, mut last) = (range.first, range.last);
        while let Some((&known, &known_last)) = self.ranges.range(..=last.saturating_add(1)).next_back()
            && known_last >= first.saturating_sub(1)
        {
            self.ranges.remove(&known);
            self.count -= known_last - known + 1;
            (first, last) = (first.min(known), last.max(known_last));
        }
        self.count += last - first + 1;
        self.ranges.insert(first, last);
    }

    /// Removes one number, if it is there.
    pub(crate) fn remove(&mut self, number: u64) {
        let Some((&first, &last)) = self.ranges.range(..=number).next_back().filter(|(_, last)| number <= **last)
        else {
            return;
        };
        self.count -= 1;
        self.ranges.remove(&first);
        if first < number {
            self.ranges.insert(first, number - 1);
        }
        if number < last {
            self.ranges.insert(number + 1, last);
        }
    }

    /// Removes the numbers that follow a number without a gap, and those not above it. Returns the last one of them, or
    /// the number itself.
    pub(crate) fn take_following(&mut self, mut number: u64) -> u64 {
        while let Some(range) = self.ranges.first_entry().filter(|range| *range.key() <= number + 1) {
            let (first, last) = range.remove_entry();
            self.count -= last - first + 1;
            number = number.max(last);
        }
        number
    }

    pub(crate) fn lowest(&self) -> Option<u64> {
        self.ranges.first_key_value().map(|(first, _)| *first)
    }

    pub(crate) fn highest(&self) -> Option<u64> {
        self.ranges.last_key_value().map(|(_, last)| *last)
    }

    /// Returns the ranges, in order.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range> + '_ {
        self.ranges.iter().map(|(first, last)| Range { first: *first, last: *last })
    }

    /// Returns the gaps between two ranges, and the one from the highest number to `up_to`.
    pub(crate) fn gaps(&self, up_to: u64) -> impl Iterator<Item = Range> + '_ {
        let starts = self.ranges.keys().copied().skip(1).chain([up_to.saturating_add(1)]);
        let gaps = self.ranges.values().zip(starts).map(|(last, next)| Range { first: last + 1, last: next - 1 });
        gaps.filter(|gap| gap.first <= gap.last)
    }

    /// Whether a range is one of the ranges, as it is.
    pub(crate) fn has(&self, range: Range) -> bool {
        self.ranges.get(&range.first) == Some(&range.last)
    }

    /// Whether a range begins at a number.
    pub(crate) fn begins_at(&self, first: u64) -> bool {
        self.ranges.contains_key(&first)
    }

    /// Returns how many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

impl FromIterator<Range> for NumberRanges {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        let mut numbers = Self::default();
        ranges.into_iter().for_each(|range| numbers.insert(range));
        numbers
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn range(first: u64, last: u64) -> Range {
        Range { first, last }
    }

    #[test]
    fn numbers_in_any_order_join_into_ranges_and_leave_gaps() {
        let mut numbers = NumberRanges::default();
        [7, 3, 5, 4, 9, 4].into_iter().for_each(|number| numbers.insert(range(number, number)));
        assert_eq!(numbers.ranges().collect::<Vec<_>>(), [range(3, 5), range(7, 7), range(9, 9)]);
        assert_eq!(numbers.gaps(9).collect::<Vec<_>>(), [range(6, 6), range(8, 8)]);
        assert_eq!(numbers.gaps(11).collect::<Vec<_>>(), [range(6, 6), range(8, 8), range(10, 11)]);
        assert_eq!((numbers.highest(), numbers.count()), (Some(9), 5));
        let known: Vec<u64> = (0..12).filter(|number| numbers.contains(*number)).collect();
        assert_eq!(known, [3, 4, 5, 7, 9]);
    }

    #[test]
    fn a_range_swallows_what_it_touches_and_a_number_can_be_taken_out() {
        let mut numbers = NumberRanges::default();
        [range(10, 12), range(1, 2), range(20, 30), range(3, 25)].into_iter().for_each(|more| numbers.insert(more));
        assert_eq!(numbers.ranges().collect::<Vec<_>>(), [range(1, 30)]);
        assert_eq!((numbers.lowest(), numbers.count()), (Some(1), 30));
        [1, 30, 7, 50].into_iter().for_each(|number| numbers.remove(number));
        assert_eq!(numbers.ranges().collect::<Vec<_>>(), [range(2, 6), range(8, 29)]);
        assert_eq!((numbers.lowest(), numbers.count()), (Some(2), 27));
    }

    #[test]
    fn numbers_are_taken_from_below_as_far_as_they_follow_each_other() {
        let mut numbers: NumberRanges = [range(3, 5), range(7, 7), range(9, 9)].into_iter().collect();
        assert_eq!(numbers.take_following(1), 1);
        assert_eq!(numbers.take_following(2), 5);
        assert_eq!(numbers.take_following(6), 7);
        assert_eq!((numbers.take_following(20), numbers.count()), (20, 0));
    }

    proptest! {
        #[test]
        fn ranges_are_the_set_of_their_numbers(changes in vec((0..4, 0..30_u64, 0..5_u64), 0..40)) {
            let (mut ranges, mut numbers) = (NumberRanges::default(), BTreeSet::new());
            for (change, first, more) in changes {
                match change {
                    0 => {
                        ranges.remove(first);
                        numbers.remove(&first);
                    }
                    _ => {
                        ranges.insert(range(first, first + more));
                        numbers.extend(first..=first + more);
                    }
                }
                prop_assert_eq!(ranges.count(), numbers.len() as u64);
                prop_assert_eq!((ranges.lowest(), ranges.highest()), (numbers.first().copied(), numbers.last().copied()));
                let listed: Vec<u64> = ranges.ranges().flat_map(|range| range.first..=range.last).collect();
                prop_assert_eq!(&listed, &numbers.iter().copied().collect::<Vec<_>>());
                let again: NumberRanges = ranges.ranges().collect();
                prop_assert_eq!(&again, &ranges);
                let missing: Vec<u64> = ranges.gaps(40).flat_map(|gap| gap.first..=gap.last).collect();
                let lowest = numbers.first().copied().unwrap_or(41);
                let expected: Vec<u64> = (lowest..=40).filter(|number| !numbers.contains(number)).collect();
                prop_assert_eq!(missing, expected);
            }
        }
    }
}
