//! Dead letters of those that died of the same.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::dead_letter::DeadLetter;

/// Dead letters with the same fingerprint: the same service, message, reason and kind of error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they have in common; none for dead letters without a fingerprint.
    pub fingerprint: Option<String>,
    /// How many there are.
    pub count: usize,
    /// When the server stored the first.
    pub first: Timestamp,
    /// When the server stored the last.
    pub last: Timestamp,
    /// The last one's sequence: an example to look at.
    pub example: u64,
}

/// Brings together those that died of the same: the largest group first.
pub fn groups<'a>(dead_letters: impl IntoIterator<Item = &'a DeadLetter>) -> Vec<Group> {
    let mut groups: BTreeMap<&Option<String>, Group> = BTreeMap::new();
    for dead_letter in dead_letters {
        let DeadLetter { fingerprint, time, sequence, .. } = dead_letter;
        let group = groups.entry(fingerprint).or_insert_with(|| Group {
            fingerprint: fingerprint.clone(),
            count: 0,
            first: *time,
            last: *time,
            example: *sequence,
        });
        group.count += 1;
        group.first = group.first.min(*time);
        group.last = group.last.max(*time);
        group.example = group.example.max(*sequence);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}
