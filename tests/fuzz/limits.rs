//! How long a target runs, and how large its inputs are.

use std::env;
use std::num::NonZero;
use std::time::Duration;

/// How many seconds a target runs without `FUZZ_SECONDS`: all of them together about 20, two at a time.
const SECONDS_DEFAULT: u64 = 2;
/// How long an input may take: longer than every time-out of what is fuzzed, also on a busy machine.
pub(crate) const INPUT_TIME_MAX: Duration = Duration::from_secs(120);
/// The most bytes that decide an input: a choice takes one or two.
pub(crate) const BYTES_MAX: usize = 192;

/// Returns how long each target runs.
///
/// # Panics
/// When `FUZZ_SECONDS` says no time.
pub(crate) fn time() -> Duration {
    let seconds = env::var("FUZZ_SECONDS").map_or(SECONDS_DEFAULT, |seconds| {
        let read = seconds.parse().map(NonZero::<u64>::get);
        read.unwrap_or_else(|_| panic!("FUZZ_SECONDS is not a number of seconds above 0: {seconds}"))
    });
    Duration::from_secs(seconds)
}
