//! Random numbers that follow from a seed.

use std::ops::Range;
use std::time::Duration;

use crate::clock::SplitMix64;

/// A source of random numbers that follow from a seed.
#[derive(Debug, Clone)]
pub struct Random {
    source: SplitMix64,
}

impl Random {
    /// Returns the source of a seed.
    pub fn new(seed: u64) -> Self {
        Self { source: SplitMix64::new(seed) }
    }

    /// Returns a number of a range, each with the same probability; its start if the range is empty.
    pub fn of(&mut self, range: Range<u64>) -> u64 {
        let length = range.end.saturating_sub(range.start).max(1);
        range.start + self.source.next() % length
    }

    /// Returns a number of a range of sizes, each with the same probability; its start if the range is empty.
    pub fn index(&mut self, range: Range<usize>) -> usize {
        self.of(range.start as u64..range.end as u64) as usize
    }

    /// Whether something happens that happens in so many of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.of(0..100) < percent
    }

    /// Returns a duration of whole milliseconds, from zero up to, but not including, a longest one.
    pub fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_millis(self.of(0..u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Returns one of these, each with the same probability.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(0..of.len())]
    }
}
