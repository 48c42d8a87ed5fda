//! The rows of one stream that it has and that the database still keeps: in which order they are stored, since when that
//! is known, and which of them may be forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::earlier;

/// Acknowledgements closer together than this are noted as one, which bounds the memory for them.
const NOTED_AS_ONE: Duration = Duration::from_millis(200);
/// The largest number of rows that are noted as one, so that a few of them can be forgotten at a time.
const SPAN_ROWS_MAX: i64 = 1_024;

/// Rows with successive numbers that were acknowledged one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
    /// A sequence that none of them is stored behind.
    sequence: u64,
    /// The place at or below which no kept row is stored when they are forgotten; none if others are stored there, too.
    floor: Option<u64>,
    /// Since when this connection has known that the stream has them.
    since: Timestamp,
}

/// The kept rows of one stream, in the order in which they are stored.
#[derive(Debug, Default)]
pub(super) struct KeptRows {
    spans: VecDeque<Span>,
    rows: u64,
    /// The sequence of the last row that was ever added.
    pub(super) last: u64,
}

/// Which kept rows may be forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forgetting {
    /// Rows that are known to be stored since before this moment are old enough.
    pub(super) before: Timestamp,
    /// If there are more rows than this, the oldest ones are forgotten earlier, ...
    pub(super) rows_max: u64,
    /// ... but not before this moment.
    pub(super) before_at_least: Timestamp,
    /// No row is forgotten that is stored behind this sequence.
    pub(super) through: u64,
    /// The largest number of rows that are forgotten at once.
    pub(super) at_once: u64,
}

/// Rows that may be forgotten.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forgettable {
    pub(super) spans: Vec<(i64, i64)>,
    /// The sequence at and below which no kept row is stored then.
    pub(super) floor: Option<u64>,
}

impl KeptRows {
    /// Adds a row that is stored behind all others.
    pub(super) fn add(&mut self, row: i64, sequence: u64, now: Timestamp) {
        self.rows += 1;
        self.last = self.last.max(sequence);
        match self.spans.back_mut() {
            Some(span)
                if span.last + 1 == row
                    && span.last - span.first + 1 < SPAN_ROWS_MAX
                    && span.since > earlier(now, NOTED_AS_ONE) =>
            {
                (span.last, span.sequence, span.floor) = (row, sequence, Some(sequence));
            }
            _ => self.spans.push_back(Span { first: row, last: row, sequence, floor: Some(sequence), since: now }),
        }
    }

    /// Adds the rows from the first to the last, which were stored before the others, the last one of them at a place.
    /// None is forgotten before reading has passed the sequence `through`.
    pub(super) fn add_before_others(&mut self, (first, last): (i64, i64), place: u64, through: u64, now: Timestamp) {
        let mut next = first;
        while next <= last {
            let end = last.min(next + SPAN_ROWS_MAX - 1);
            let floor = (end == last).then_some(place);
            let span = Span { first: next, last: end, sequence: through, floor, since: now };
            self.rows += span.rows();
            self.spans.push_back(span);
            next = end + 1;
        }
    }

    /// Removes and returns the rows that may be forgotten.
    pub(super) fn forget(&mut self, rule: Forgetting) -> Forgettable {
        let (mut forgettable, mut rows) = (Forgettable::default(), 0);
        while let Some(span) = self.spans.front().copied() {
            let is_old = span.since <= rule.before;
            let is_surplus = self.rows > rule.rows_max && span.since <= rule.before_at_least;
            if rows >= rule.at_once || span.sequence > rule.through || !(is_old || is_surplus) {
                break;
            }
            self.spans.pop_front();
            rows += span.rows();
            self.rows -= span.rows();
            forgettable.add(span);
        }
        forgettable
    }
}

impl Span {
    fn rows(self) -> u64 {
        u64::try_from(self.last - self.first + 1).unwrap_or_default()
    }
}

impl Forgettable {
    fn add(&mut self, span: Span) {
        self.floor = span.floor.or(self.floor);
        match self.spans.last_mut() {
            Some((_, last)) if *last + 1 == span.first => *last = span.last,
            _ => self.spans.push((span.first, span.last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;

    fn at(second: u64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, Duration::from_secs(second))
    }

    /// Keeps rows for 600 s, at most 10 rows, at least 10 s.
    fn rule(now: u64, through: u64) -> Forgetting {
        let (before, before_at_least) =
            (earlier(at(now), Duration::from_secs(600)), earlier(at(now), Duration::from_secs(10)));
        Forgetting { before, rows_max: 10, before_at_least, through, at_once: 4 }
    }

    #[test]
    fn old_rows_that_reading_has_passed_are_forgotten_in_pieces() {
        let mut kept = KeptRows::default();
        for row in 1..=6 {
            kept.add(row, 100 + row as u64, at(row as u64));
        }
        assert_eq!(kept.forget(rule(600, 200)), Forgettable::default());
        assert_eq!(kept.forget(rule(700, 99)), Forgettable::default());
        assert_eq!(kept.forget(rule(603, 200)), Forgettable { spans: vec![(1, 3)], floor: Some(103) });
        assert_eq!(kept.forget(rule(700, 104)), Forgettable { spans: vec![(4, 4)], floor: Some(104) });
        assert_eq!((kept.forget(rule(700, 200)).spans, kept.rows), (vec![(5, 6)], 0));
    }

    #[test]
    fn rows_whose_places_are_not_known_have_one_floor() {
        let mut kept = KeptRows::default();
        kept.add_before_others((3, 2_060), 90, 100, at(1));
        kept.add(2_061, 101, at(2));
        let rule = |through| Forgetting { at_once: 1_500, ..rule(700, through) };
        assert_eq!(kept.forget(rule(99)), Forgettable::default());
        assert_eq!(kept.forget(rule(100)), Forgettable { spans: vec![(3, 2_050)], floor: None });
        assert_eq!(kept.forget(rule(100)), Forgettable { spans: vec![(2_051, 2_060)], floor: Some(90) });
        assert_eq!((kept.forget(rule(101)).spans, kept.rows), (vec![(2_061, 2_061)], 0));
    }

    #[test]
    fn surplus_rows_are_forgotten_earlier_but_not_at_once() {
        let mut kept = KeptRows::default();
        (1..=14).for_each(|row| kept.add(row, row as u64, at(row as u64)));
        assert_eq!(kept.forget(rule(10, 20)), Forgettable::default());
        assert_eq!(kept.forget(rule(13, 20)), Forgettable { spans: vec![(1, 3)], floor: Some(3) });
        assert_eq!(kept.forget(rule(100, 20)), Forgettable { spans: vec![(4, 4)], floor: Some(4) });
        assert_eq!(kept.forget(rule(100, 20)), Forgettable::default());
    }
}
