//! A stream in memory, and what can happen to its messages.

use std::collections::VecDeque;
use std::ops::{Bound, RangeBounds};

use hashbrown::HashSet;

use crate::bus::Stored;

/// A stream in memory. A clone is a copy of its state.
#[derive(Clone, Default)]
pub(super) struct StoredStream {
    /// Its messages, in order.
    pub(super) messages: VecDeque<Stored>,
    /// The sequence of the last message that it took; 0 before the first.
    pub(super) last: u64,
    /// How many times it was created anew.
    pub(super) created: u64,
    /// How many times messages were removed.
    pub(super) removals: u64,
}

impl StoredStream {
    /// Returns the sequence of its first message; of the next one if it is empty.
    pub(super) fn first(&self) -> u64 {
        let empty = if self.last == 0 { 0 } else { self.last + 1 };
        self.messages.front().map_or(empty, |stored| stored.sequence)
    }

    /// Returns how many messages are missing between the first and the last.
    pub(super) fn deleted(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first().max(1)) - self.messages.len() as u64
    }

    /// Returns the sequences that are missing between the first and the last.
    pub(super) fn holes(&self) -> Vec<u64> {
        let (mut next, mut index) = (self.first().max(1), 0);
        let mut holes = Vec::new();
        while next <= self.last {
            let together = self.together(index, next);
            (next, index) = (next + together as u64, index + together);
            let end = self.messages.get(index).map_or(self.last + 1, |stored| stored.sequence);
            holes.extend(next..end);
            next = end;
        }
        holes
    }

    /// Returns how many messages from an index on have the sequences from `first` on without a gap, by bisection.
    fn together(&self, index: usize, first: u64) -> usize {
        let (mut known, mut end) = (0, self.messages.len() - index);
        while known < end {
            let middle = (known + end) / 2;
            match self.messages[index + middle].sequence == first + middle as u64 {
                true => known = middle + 1,
                false => end = middle,
            }
        }
        known
    }

    /// Returns the message at a sequence.
    pub(super) fn at(&self, sequence: u64) -> Option<&Stored> {
        self.after(sequence.saturating_sub(1)).next().filter(|stored| stored.sequence == sequence)
    }

    /// Removes and returns messages.
    pub(super) fn remove(&mut self, sequences: &impl RangeBounds<u64>) -> VecDeque<Stored> {
        let is_before = |stored: &Stored| match sequences.start_bound() {
            Bound::Included(first) => stored.sequence < *first,
            Bound::Excluded(first) => stored.sequence <= *first,
            Bound::Unbounded => false,
        };
        let start = self.messages.partition_point(is_before);
        let end = self.messages.partition_point(|stored| is_before(stored) || sequences.contains(&stored.sequence));
        let removed = self.messages.drain(start..end).collect();
        self.removals += 1;
        removed
    }

    /// Removes and returns messages. If the last ones are among them, the stream ends before them.
    pub(super) fn lose(&mut self, sequences: &impl RangeBounds<u64>) -> VecDeque<Stored> {
        let removed = self.remove(sequences);
        if sequences.contains(&self.last) {
            self.last = self.messages.back().map_or(0, |stored| stored.sequence);
        }
        removed
    }

    /// Returns its messages that another state of it does not have.
    pub(super) fn without(&self, other: &Self) -> Vec<Stored> {
        let others: HashSet<_> = other.messages.iter().map(|stored| stored.at).collect();
        self.messages.iter().filter(|stored| !others.contains(&stored.at)).cloned().collect()
    }

    /// Returns the messages behind a sequence, in order.
    pub(super) fn after(&self, sequence: u64) -> impl Iterator<Item = &Stored> {
        let start = match self.messages.front() {
            // Without holes before it, its place is known.
            Some(first) if sequence >= first.sequence && self.is_at(sequence - first.sequence, sequence) => {
                (sequence - first.sequence) as usize + 1
            }
            _ => self.messages.partition_point(|stored| stored.sequence <= sequence),
        };
        self.messages.range(start..)
    }

    fn is_at(&self, index: u64, sequence: u64) -> bool {
        self.messages.get(index as usize).is_some_and(|stored| stored.sequence == sequence)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::wire::envelope::Envelope;

    #[test]
    fn the_holes_are_all_sequences_that_are_missing_wherever_they_are() {
        let mut stream = StoredStream::default();
        assert!(stream.holes().is_empty());
        for sequence in 1..=40 {
            let (at, envelope) = (Timestamp::UNIX_EPOCH, Envelope::default());
            stream.messages.push_back(Stored { sequence, at, envelope, unreadable: None });
        }
        stream.last = 40;
        assert!(stream.holes().is_empty());
        for (lost, holes) in [(7..8, vec![7]), (20..23, vec![7, 20, 21, 22]), (1..5, vec![7, 20, 21, 22])] {
            stream.remove(&lost);
            assert_eq!((stream.holes(), stream.deleted()), (holes.clone(), holes.len() as u64));
        }
        stream.remove(&(39..));
        assert_eq!(stream.holes(), [7, 20, 21, 22, 39, 40]);
        stream.lose(&(..));
        assert!(stream.holes().is_empty());
    }
}
