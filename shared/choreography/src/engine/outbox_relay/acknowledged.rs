//! Which outbox rows the server has acknowledged, or had when they were compared with its streams.

use crate::engine::number_ranges::NumberRanges;
use crate::store::Range;

/// The rows that the streams have, by their local numbers. Every number that the outbox has no row of counts, too: such
/// a row was stored and is forgotten.
#[derive(Debug, Default)]
pub(super) struct AcknowledgedRows {
    /// Up to here every row is acknowledged.
    through: u64,
    /// Acknowledged rows above that: they passed a held one, or the stream lost one before them.
    beyond: NumberRanges,
}

impl AcknowledgedRows {
    /// Returns the first number that is not acknowledged.
    pub(super) fn next(&self) -> i64 {
        signed(self.through) + 1
    }

    pub(super) fn contains(&self, row: i64) -> bool {
        let row = unsigned(row);
        row <= self.through || self.beyond.contains(row)
    }

    /// Returns the last row that is acknowledged, if all before it are.
    pub(super) fn last_of_all(&self) -> Option<i64> {
        self.beyond.lowest().is_none().then(|| signed(self.through))
    }

    /// Returns how many rows are acknowledged since the first row of this database.
    pub(super) fn count(&self) -> i64 {
        signed(self.through + self.beyond.count())
    }

    pub(super) fn add(&mut self, row: i64) {
        let row = unsigned(row);
        if row == self.through + 1 {
            self.through = self.beyond.take_following(row);
        } else if row > self.through {
            self.beyond.insert(Range { first: row, last: row });
        }
    }

    /// Adds the rows from the first to the last; none if the last is before the first.
    pub(super) fn add_range(&mut self, first: i64, last: i64) {
        if first <= last {
            self.beyond.insert(Range { first: unsigned(first), last: unsigned(last) });
            self.through = self.beyond.take_following(self.through);
        }
    }
}

/// Local numbers begin at 1; the database has them signed.
fn unsigned(row: i64) -> u64 {
    u64::try_from(row).unwrap_or_default()
}

fn signed(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_once_in_whatever_order_they_are_acknowledged() {
        let mut acknowledged = AcknowledgedRows::default();
        acknowledged.add_range(1, 3);
        acknowledged.add_range(6, 5);
        [5, 7, 3].into_iter().for_each(|row| acknowledged.add(row));
        assert_eq!((acknowledged.next(), acknowledged.count(), acknowledged.last_of_all()), (4, 5, None));
        let known: Vec<i64> = (1..10).filter(|row| acknowledged.contains(*row)).collect();
        assert_eq!(known, [1, 2, 3, 5, 7]);
        acknowledged.add(4);
        acknowledged.add_range(6, 9);
        assert_eq!((acknowledged.next(), acknowledged.count(), acknowledged.last_of_all()), (10, 9, Some(9)));
    }
}
