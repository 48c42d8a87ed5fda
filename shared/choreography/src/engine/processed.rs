//! How many messages of each name a service has processed lately. Each dead letter carries the number, so that the
//! circuit breaker knows which part of them died.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// How far back messages are counted, in seconds: one cycle of the circuit breaker.
const SECONDS: i64 = 5;

/// The counts of a service, by the name of the message; a clone is the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProcessedCounts(Arc<Mutex<BTreeMap<&'static str, Seconds>>>);

/// The seconds in which messages of one name were processed, each with their number. At most six are kept.
type Seconds = VecDeque<(i64, u64)>;

impl ProcessedCounts {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<&'static str, Seconds>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds messages that a batch has processed.
    pub(crate) fn add(&self, processed: &BTreeMap<&'static str, u64>, now: Timestamp) {
        let (mut counts, second) = (self.locked(), now.as_second());
        for (message, count) in processed {
            let seconds = counts.entry(message).or_default();
            seconds.retain(|(at, _)| *at >= second - SECONDS);
            match seconds.back_mut() {
                Some((at, last)) if *at == second => *last += count,
                _ => seconds.push_back((second, *count)),
            }
        }
    }

    /// Returns how many messages of a name were processed in the last five seconds.
    pub(crate) fn lately(&self, message: &str, now: Timestamp) -> u64 {
        let counts = self.locked();
        let seconds = counts.get(message).into_iter().flatten();
        seconds.filter(|(at, _)| *at > now.as_second() - SECONDS).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_seconds_are_counted() {
        let counts = ProcessedCounts::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for second in 0..20 {
            counts.add(&BTreeMap::from([("pay", 10)]), at(second));
            counts.add(&BTreeMap::from([("pay", 1), ("ship", 1)]), at(second));
        }
        assert_eq!((counts.lately("pay", at(19)), counts.lately("ship", at(19))), (55, 5));
        assert_eq!(counts.lately("pay", at(22)), 22);
        assert_eq!((counts.lately("pay", at(24)), counts.lately("mail", at(19))), (0, 0));
    }
}
