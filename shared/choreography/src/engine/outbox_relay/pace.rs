//! How fast a half-open circuit lets the messages of a kind pass: at a tenth of the rate that the kind had while its
//! circuit was closed, so that a busy shop is slowed down, and not stopped.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

/// The time over which a rate is measured, in seconds.
const RATE_SECONDS: i64 = 60;
/// The part of the rate that passes: one in so many.
const SHARE: u64 = 10;
/// The largest number of messages of a kind that pass in a second: the timer is no finer.
const PACE_MAX: u64 = 1_000;

/// The paces of a relay, by the names of the messages. They outlive its connections.
pub(crate) struct Paces {
    pace_min: u32,
    kinds: BTreeMap<String, Kind>,
}

/// What is known of one kind of message.
#[derive(Default)]
struct Kind {
    /// The seconds in which messages were published while the circuit was closed, each with their number: those of the
    /// last minute.
    seconds: VecDeque<(i64, u64)>,
    /// The pause between two messages since the circuit is not closed any more.
    pause: Option<Duration>,
}

impl Paces {
    /// Returns the paces of a relay that has published nothing. Every kind may pass `pace_min` times a second.
    pub(crate) fn new(pace_min: u32) -> Self {
        Self { pace_min, kinds: BTreeMap::new() }
    }

    /// Counts a message that was published while its circuit was closed.
    pub(super) fn count(&mut self, message: &str, now: Timestamp) {
        if !self.kinds.contains_key(message) {
            self.kinds.insert(message.to_owned(), Kind::default());
        }
        let Some(kind) = self.kinds.get_mut(message) else { return };
        kind.pause = None;
        let second = now.as_second();
        match kind.seconds.back_mut() {
            Some((at, count)) if *at == second => *count += 1,
            _ => {
                kind.seconds.retain(|(at, _)| *at >= second - RATE_SECONDS);
                kind.seconds.push_back((second, 1));
            }
        }
    }

    /// Returns the pause between two messages of a kind whose circuit is half-open. It stays the same until the circuit
    /// is closed and a message is published.
    pub(super) fn pause(&mut self, message: &str, now: Timestamp) -> Duration {
        let pace_min = u64::from(self.pace_min).clamp(1, PACE_MAX);
        let Some(kind) = self.kinds.get_mut(message) else { return pause_of(pace_min) };
        *kind.pause.get_or_insert_with(|| {
            let minute = kind.seconds.iter().filter(|(at, _)| *at >= now.as_second() - RATE_SECONDS);
            let count: u64 = minute.map(|(_, count)| count).sum();
            pause_of((count / RATE_SECONDS.unsigned_abs() / SHARE).clamp(pace_min, PACE_MAX))
        })
    }
}

fn pause_of(per_second: u64) -> Duration {
    Duration::from_secs(1) / u32::try_from(per_second).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many of a kind pass in a second, after it was published so often in each second until now.
    fn pace(paces: &mut Paces, now: i64) -> u128 {
        let at = Timestamp::from_second(now).unwrap();
        Duration::from_secs(1).as_nanos() / paces.pause("pay", at).as_nanos()
    }

    fn publish(paces: &mut Paces, seconds: std::ops::Range<i64>, per_second: u32) {
        for second in seconds {
            (0..per_second).for_each(|_| paces.count("pay", Timestamp::from_second(second).unwrap()));
        }
    }

    #[test]
    fn a_tenth_of_the_rate_of_the_last_closed_minute_passes() {
        let mut paces = Paces::new(20);
        assert_eq!(pace(&mut paces, 0), 20, "nothing is known");
        publish(&mut paces, 0..90, 2_000);
        assert_eq!(pace(&mut paces, 90), 200);
        assert_eq!(pace(&mut paces, 3_600), 200, "however long the circuit is not closed");
        publish(&mut paces, 3_600..3_720, 100);
        assert_eq!(pace(&mut paces, 3_720), 20, "never less than the minimum");
        publish(&mut paces, 3_720..3_780, 20_000);
        assert_eq!(pace(&mut paces, 3_780), 1_000, "the timer is no finer");
        publish(&mut paces, 3_780..3_840, 2_000);
        assert_eq!(pace(&mut paces, 3_871), 96, "seconds without a message belong to the minute");
    }
}
