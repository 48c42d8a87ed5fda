//! A set of numbers, kept as ranges: it takes as much memory as it has gaps.

use std::collections::BTreeMap;

use crate::store::Range;

/// A set of numbers: the first number of each range, with its last. Ranges that touch are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NumberRanges(BTreeMap<u64, u64>);

impl NumberRanges {
    /// Returns the set in which 1 is expected next.
    pub(crate) fn from_zero() -> Self {
        Self::from_iter([Range { first: 0, last: 0 }])
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    /// Adds the numbers of a range.
    pub(crate) fn insert(&mut self, range: Range) {
        let (mut first, mut last) = (range.first, range.last);
        while let Some((&known, &known_last)) = self.0.range(..=last.saturating_add(1)).next_back()
            && known_last >= first.saturating_sub(1)
        {
            self.0.remove(&known);
            (first, last) = (first.min(known), last.max(known_last));
        }
        self.0.insert(first, last);
    }

    /// Removes one number. Whether it was there.
    pub(crate) fn remove(&mut self, number: u64) -> bool {
        let Some((&first, &last)) = self.0.range(..=number).next_back().filter(|(_, last)| number <= **last) else {
            return false;
        };
        self.0.remove(&first);
        if first < number {
            self.0.insert(first, number - 1);
        }
        if number < last {
            self.0.insert(number + 1, last);
        }
        true
    }

    pub(crate) fn highest(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, last)| *last)
    }

    /// Returns the ranges, in order.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range> + '_ {
        self.0.iter().map(|(first, last)| Range { first: *first, last: *last })
    }

    /// Returns the gaps between two ranges, and the one from the highest number to `up_to`.
    pub(crate) fn gaps(&self, up_to: u64) -> impl Iterator<Item = Range> + '_ {
        let starts = self.0.keys().copied().skip(1).chain([up_to.saturating_add(1)]);
        let gaps = self.0.values().zip(starts).map(|(last, next)| Range { first: last + 1, last: next - 1 });
        gaps.filter(|gap| gap.first <= gap.last)
    }

    /// Whether a range is one of the ranges, as it is.
    pub(crate) fn has(&self, range: Range) -> bool {
        self.0.get(&range.first) == Some(&range.last)
    }

    /// Whether a range begins at a number.
    pub(crate) fn begins_at(&self, first: u64) -> bool {
        self.0.contains_key(&first)
    }

    /// Returns how many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
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
        assert_eq!([1, 30, 7, 50].map(|number| numbers.remove(number)), [true, true, true, false]);
        assert_eq!(numbers.ranges().collect::<Vec<_>>(), [range(2, 6), range(8, 29)]);
    }
}
