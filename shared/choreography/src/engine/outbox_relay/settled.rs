//! Up to which number each series of this publisher is settled: everything up to there is in the stream, or lost for
//! good. Subscribers count as lost what they have not received of that.

use std::sync::Arc;

use hashbrown::HashMap;
use uuid::Uuid;

use crate::engine::number_ranges::NumberRanges;
use crate::planted::{PlantedBug, planted};
use crate::store::{Given, Range};

/// Which of the [`SettledNumbers`] a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SeriesIndex(usize);

/// The settled numbers of all series of this publisher.
#[derive(Debug, Default)]
pub(super) struct SettledNumbers {
    series: Vec<SettledSeries>,
    index: HashMap<Arc<str>, HashMap<Uuid, SeriesIndex>>,
}

#[derive(Debug)]
struct SettledSeries {
    outbox: Uuid,
    kind: Arc<str>,
    /// The highest number that is acknowledged, or that was given before the repair.
    last: u64,
    /// The numbers up to that which the stream does not have yet.
    missing: NumberRanges,
    /// When a number was given last, or found in the stream; in milliseconds since 1970.
    given_at_ms: i64,
}

impl SettledNumbers {
    /// Returns the numbers of a publisher that has given these so far, and has no unpublished row.
    pub(super) fn given(given: Vec<Given>) -> Self {
        let mut settled = Self::default();
        for Given { outbox, kind, last, at_ms } in given {
            let index = settled.index(outbox, &kind);
            let series = &mut settled.series[index.0];
            (series.last, series.given_at_ms) = (last, at_ms);
        }
        settled
    }

    /// Returns the series of an outbox and a kind.
    pub(super) fn index(&mut self, outbox: Uuid, kind: &str) -> SeriesIndex {
        if let Some(index) = self.index.get(kind).and_then(|outboxes| outboxes.get(&outbox)) {
            return *index;
        }
        let index = SeriesIndex(self.series.len());
        let kind = self.index.get_key_value(kind).map_or_else(|| kind.into(), |(known, _)| known.clone());
        self.index.entry(Arc::clone(&kind)).or_default().insert(outbox, index);
        self.series.push(SettledSeries { outbox, kind, last: 0, given_at_ms: 0, missing: NumberRanges::default() });
        index
    }

    /// Records that the stream does not have a number.
    pub(super) fn lacks(&mut self, series: SeriesIndex, number: u64) {
        let series = &mut self.series[series.0];
        if number <= series.last && !planted(PlantedBug::SettledTooEarly) {
            series.missing.insert(Range { first: number, last: number });
        }
    }

    /// Records that the stream has a number. Those of one series are acknowledged in ascending order, but for those
    /// that the stream lacked.
    pub(super) fn acknowledged(&mut self, series: SeriesIndex, number: u64) {
        let series = &mut self.series[series.0];
        series.missing.remove(number);
        series.last = series.last.max(number);
    }

    /// Whether the publisher has given this number, as far as is known.
    pub(super) fn knows(&self, series: SeriesIndex, number: u64) -> bool {
        number <= self.series[series.0].last
    }

    /// Returns when a number of a series was given last, or found in the stream, before the connection began; in
    /// milliseconds since 1970.
    pub(super) fn given_at_ms(&self, series: SeriesIndex) -> i64 {
        self.series[series.0].given_at_ms
    }

    /// Returns up to which number each series is settled.
    pub(super) fn all(&self) -> Vec<Given> {
        let settled = |series: &SettledSeries| {
            let last = series.missing.lowest().map_or(series.last, |missing| missing - 1);
            Given { outbox: series.outbox, kind: series.kind.clone(), last, at_ms: series.given_at_ms }
        };
        self.series.iter().map(settled).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_settled_up_to_the_number_before_the_first_missing_one() {
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let given = |kind: &str, last| Given { outbox: first, kind: kind.into(), last, at_ms: 0 };
        let mut settled = SettledNumbers::given(vec![given("opened", 9), given("closed", 4)]);
        let opened = settled.index(first, "opened");
        [4, 8, 9, 10].into_iter().for_each(|number| settled.lacks(opened, number));
        let last = |settled: &SettledNumbers| settled.all().into_iter().map(|given| given.last).collect::<Vec<_>>();
        assert_eq!(last(&settled), [3, 4]);
        for (number, expected) in [(4, 7), (8, 8), (9, 9), (10, 10), (11, 11)] {
            settled.acknowledged(opened, number);
            assert_eq!(last(&settled)[0], expected);
        }
        let new = settled.index(second, "opened");
        assert_eq!((last(&settled), settled.index(second, "opened")), (vec![11, 4, 0], new));
    }
}
