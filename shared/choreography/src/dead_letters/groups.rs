//! Dead letters, grouped by their cause.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::dead_letter::DeadLetter;

/// Dead letters with the same fingerprint: the same service, message, reason and kind of error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The fingerprint; none for dead letters without one.
    pub fingerprint: Option<String>,
    /// How many dead letters there are.
    pub count: usize,
    /// When the server stored the first.
    pub first: Timestamp,
    /// When the server stored the last.
    pub last: Timestamp,
    /// The sequence of the last, as an example to look at.
    pub example: u64,
}

impl Group {
    fn new(dead_letter: &DeadLetter) -> Self {
        let DeadLetter { fingerprint, stored_at, sequence, .. } = dead_letter;
        Self { fingerprint: fingerprint.clone(), count: 0, first: *stored_at, last: *stored_at, example: *sequence }
    }

    fn add(&mut self, dead_letter: &DeadLetter) {
        self.count += 1;
        self.first = self.first.min(dead_letter.stored_at);
        self.last = self.last.max(dead_letter.stored_at);
        self.example = self.example.max(dead_letter.sequence);
    }
}

/// Returns the groups of dead letters with the same fingerprint, the largest first.
pub fn groups<'a>(dead_letters: impl IntoIterator<Item = &'a DeadLetter>) -> Vec<Group> {
    let mut groups: BTreeMap<&Option<String>, Group> = BTreeMap::new();
    for dead_letter in dead_letters {
        groups.entry(&dead_letter.fingerprint).or_insert_with(|| Group::new(dead_letter)).add(dead_letter);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| Reverse(group.count));
    groups
}
