//! The numbers of the messages that this service has received, as its leader keeps them in memory.
//!
//! Within a series a publisher numbers its messages 1, 2, 3 …, so a number that lies between received ones is missing.
//! What must hold: a number is new once, however often and in whatever order copies of its message arrive.

use std::sync::Arc;

use hashbrown::HashMap;
use uuid::Uuid;

use super::number_ranges::NumberRanges;
use super::sources::ANYBODY;
use crate::store::{Range, ReadingState, SeriesId, SeriesRange};

/// A number this far above everything received is not believed: no publisher loses so many messages at once.
pub(super) const JUMP_MAX: u64 = 1_000_000;

/// The numbers of each series.
pub(super) type SeriesNumbers = HashMap<SeriesId, NumberRanges>;

/// The numbers that were received, and those that were reported as lost and have not come since.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReceivedNumbers {
    pub(super) received: SeriesNumbers,
    pub(super) reported: SeriesNumbers,
    /// How many messages of this service's lost commands the stream has, by kind.
    pub(super) lost_commands: Vec<(Arc<str>, u64)>,
    /// The kinds that are taken up, each with its publishers, and the last outbox that had begun by then.
    taken_up: HashMap<Arc<str>, Vec<(Arc<str>, Uuid)>>,
}

impl From<ReadingState> for ReceivedNumbers {
    fn from(state: ReadingState) -> Self {
        let mut taken_up: HashMap<Arc<str>, Vec<(Arc<str>, Uuid)>> = HashMap::new();
        for subscription in state.subscriptions {
            taken_up.entry(subscription.kind).or_default().push((subscription.publisher, subscription.since_outbox));
        }
        let (received, reported) = (by_series(state.received), by_series(state.reported));
        Self { received, reported, lost_commands: state.lost_commands, taken_up }
    }
}

fn by_series(ranges: Vec<SeriesRange>) -> SeriesNumbers {
    let mut numbers = SeriesNumbers::new();
    ranges.into_iter().for_each(|SeriesRange { series, range }| numbers.entry(series).or_default().insert(range));
    numbers
}

impl ReceivedNumbers {
    /// Returns the series of a message, and whether its numbers are expected from 1 on, because it began after its kind
    /// was taken up; none if the kind is not taken up.
    pub(super) fn series(&self, publisher: &str, outbox: Uuid, kind: &str) -> Option<(SeriesId, bool)> {
        let (kind, publishers) = self.taken_up.get_key_value(kind)?;
        let (name, since) = publishers.iter().find(|(name, _)| **name == *publisher || **name == *ANYBODY)?;
        let publisher = if **name == *publisher { name.clone() } else { publisher.into() };
        Some((SeriesId { publisher, outbox, kind: kind.clone() }, outbox > *since))
    }

    /// Returns the numbers up to `settled` that were not received and not reported yet, at most `max` ranges. The
    /// publisher says that the stream has, or has lost, everything up to there.
    pub(crate) fn missing(
        &self,
        publisher: &str,
        outbox: Uuid,
        kind: &str,
        settled: u64,
        max: usize,
    ) -> Vec<SeriesRange> {
        let Some((series, expects_one)) = self.series(publisher, outbox, kind) else { return Vec::new() };
        let Some(mut known) = self.received.get(&series).cloned().or_else(|| expects_one.then(NumberRanges::from_zero))
        else {
            return Vec::new();
        };
        let reported = self.reported.get(&series).into_iter().flat_map(NumberRanges::ranges);
        reported.for_each(|range| known.insert(range));
        let clipped = known.gaps(settled).map(|gap| Range { last: gap.last.min(settled), ..gap });
        let missing = clipped.filter(|gap| gap.first <= gap.last).take(max);
        missing.map(|range| SeriesRange { series: series.clone(), range }).collect()
    }

    /// Removes series.
    pub(crate) fn forget(&mut self, series: &[SeriesId]) {
        series.iter().for_each(|series| drop(self.received.remove(series)));
    }

    /// Returns how many messages the lost commands had published, and how many of each kind in words.
    pub(crate) fn lost_commands(&self) -> (u64, String) {
        let kinds: Vec<String> = self.lost_commands.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        (self.lost_commands.iter().map(|(_, count)| count).sum(), kinds.join(", "))
    }

    /// Returns how many numbers are lost.
    pub(crate) fn lost(&self) -> u64 {
        self.reported.values().map(NumberRanges::count).fold(0, u64::saturating_add)
    }
}
