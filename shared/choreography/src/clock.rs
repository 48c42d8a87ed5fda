//! The clock: the only module that reads the system's time and its random numbers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::time::Instant;
use uuid::timestamp::context::ContextV7;
use uuid::{Builder, Uuid};

/// The source of time, new ids and random numbers; a clone is the same clock.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use choreography::Clock;
///
/// let start = "2026-01-01T00:00:00Z".parse().unwrap();
/// let clock = Clock::seeded(start, 7); // for a test; a service has `Clock::system()`
/// assert!(clock.now() >= start);
/// assert_eq!(clock.new_id().get_version_num(), 7);
/// # }
/// ```
#[derive(Clone)]
pub struct Clock {
    source: Arc<TimeSource>,
}

enum TimeSource {
    System { ids: Mutex<ContextV7> },
    Seeded { start: Timestamp, since: Instant, random: Mutex<SeededRandom>, runtime: Option<Handle>, error: ClockError },
}

/// By how much a seeded clock is wrong, as a test wants it. A clone is the same.
#[derive(Clone, Default)]
pub(crate) struct ClockError {
    /// The error at a moment of the true time since the start, and how much it grows in each second from then on.
    at: Arc<Mutex<(Duration, SignedDuration, SignedDuration)>>,
}

impl ClockError {
    /// Returns the error at a moment of the true time.
    fn now(&self, true_time: Duration) -> SignedDuration {
        let (at, error, a_second) = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = i32::try_from(true_time.saturating_sub(at).as_secs()).unwrap_or(i32::MAX);
        error.saturating_add(a_second.saturating_mul(seconds))
    }

    /// Sets the error at a moment of the true time, and by how much it grows each second.
    #[cfg(feature = "testing")]
    pub(crate) fn set(&self, true_time: Duration, error: SignedDuration, a_second: SignedDuration) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = (true_time, error, a_second);
    }
}

impl Clock {
    /// Returns the system's clock, with random numbers of the operating system.
    pub fn system() -> Self {
        Self { source: Arc::new(TimeSource::System { ids: Mutex::new(ContextV7::new()) }) }
    }

    /// Returns a clock that begins at a moment and goes on with tokio's time, which a test can pause and advance. Ids
    /// and random numbers follow from the seed: on one thread a run can be repeated exactly.
    pub fn seeded(start: Timestamp, seed: u64) -> Self {
        let random = Mutex::new(SeededRandom { numbers: SplitMix64::new(seed), last_ms: 0, ids_in_ms: 0 });
        let (since, runtime) = (Instant::now(), Handle::try_current().ok());
        let error = ClockError::default();
        Self { source: Arc::new(TimeSource::Seeded { start, since, random, runtime, error }) }
    }

    /// Returns a seeded clock of the same time and with this error, with random numbers of its own.
    #[cfg(feature = "testing")]
    pub(crate) fn with_error(&self, error: ClockError) -> Self {
        let TimeSource::Seeded { start, since, random, runtime, .. } = &*self.source else { return self.clone() };
        let seed = locked(random).numbers.next();
        let random = Mutex::new(SeededRandom { numbers: SplitMix64::new(seed), last_ms: 0, ids_in_ms: 0 });
        let (start, since, runtime) = (*start, *since, runtime.clone());
        Self { source: Arc::new(TimeSource::Seeded { start, since, random, runtime, error }) }
    }

    /// Returns the current time.
    #[allow(clippy::disallowed_methods, reason = "this is the clock that everything else uses")]
    pub fn now(&self) -> Timestamp {
        match &*self.source {
            TimeSource::System { .. } => Timestamp::now(),
            TimeSource::Seeded { start, since, runtime, error, .. } => {
                // Outside of its runtime, tokio's time is the real one.
                let _entered = runtime.as_ref().map(Handle::enter);
                let elapsed = since.elapsed();
                start.saturating_add(signed(elapsed).saturating_add(error.now(elapsed))).unwrap_or(*start)
            }
        }
    }

    /// Returns a new UUID of version 7. Ids that are made within one millisecond ascend, too.
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        match &*self.source {
            TimeSource::System { ids } => {
                let seconds = u64::try_from(now.as_second()).unwrap_or_default();
                let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
                Uuid::new_v7(uuid::Timestamp::from_unix(ids, seconds, nanoseconds))
            }
            TimeSource::Seeded { random, .. } => locked(random).new_id(now),
        }
    }

    /// Returns a random number from 0 up to, but not including, 1.
    pub(crate) fn random_fraction(&self) -> f64 {
        let bits = match &*self.source {
            // The last bits of an id are random.
            TimeSource::System { .. } => self.new_id().as_u64_pair().1,
            TimeSource::Seeded { random, .. } => locked(random).numbers.next(),
        };
        f64::from(bits as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

fn locked(random: &Mutex<SeededRandom>) -> MutexGuard<'_, SeededRandom> {
    random.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random numbers that follow from a seed, by SplitMix64: <https://doi.org/10.1145/2714064.2660195>.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns the next random number.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Random numbers and ids that follow from a seed.
struct SeededRandom {
    numbers: SplitMix64,
    last_ms: u64,
    ids_in_ms: u32,
}

impl SeededRandom {
    /// Returns a UUID of version 7: the milliseconds, a count within them in the 26 bits that sort next, and random
    /// bits.
    fn new_id(&mut self, now: Timestamp) -> Uuid {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or_default();
        self.ids_in_ms = if milliseconds == self.last_ms { self.ids_in_ms + 1 } else { 0 };
        self.last_ms = milliseconds;
        let [_, _, low_high, low] = self.ids_in_ms.to_be_bytes();
        let [high_high, high] = u16::try_from((self.ids_in_ms >> 14) & 0xfff).unwrap_or_default().to_be_bytes();
        let random = self.numbers.next().to_be_bytes();
        let [a, b, c, d, e, f, ..] = random;
        Builder::from_unix_timestamp_millis(milliseconds, &[high_high, high, low_high & 0x3f, low, a, b, c, d, e, f])
            .into_uuid()
    }
}

/// Returns a duration as jiff has it, or the longest one that jiff can hold.
pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Returns a later moment, or the last one there is.
pub(crate) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(signed(by)).unwrap_or(Timestamp::MAX)
}

/// Returns an earlier moment, or the first one there is.
pub(crate) fn earlier(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_sub(signed(by)).unwrap_or(Timestamp::MIN)
}

/// Returns how long it is until a moment; zero if it has passed.
pub(crate) fn until(now: Timestamp, moment: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(seed: u64, count: usize) -> Vec<Uuid> {
        let clock = Clock::seeded("2026-01-01T00:00:00Z".parse().unwrap(), seed);
        (0..count).map(|_| clock.new_id()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn ids_follow_from_the_seed_and_ascend_within_a_millisecond() {
        let ascending = ids(7, 20_000);
        assert_eq!(ascending, ids(7, 20_000));
        assert_ne!(ascending[0], ids(8, 1)[0]);
        assert!(ascending.is_sorted_by(|before, after| before < after));
        assert!(ascending.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn a_seeded_clock_keeps_the_time_of_its_runtime_outside_of_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let clock = runtime.block_on(async { Clock::seeded(Timestamp::UNIX_EPOCH, 0) });
        (0..100_000).for_each(|_| assert_eq!(clock.now(), Timestamp::UNIX_EPOCH));
    }

    #[tokio::test(start_paused = true)]
    async fn random_fractions_lie_between_zero_and_one_and_differ() {
        for clock in [Clock::seeded(Timestamp::UNIX_EPOCH, 1), Clock::system()] {
            let fractions: Vec<_> = (0..100).map(|_| clock.random_fraction()).collect();
            assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)));
            assert!(fractions.iter().any(|fraction| *fraction != fractions[0]));
        }
    }
}
