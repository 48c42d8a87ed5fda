//! The pause before a new connection.

use std::time::Duration;

/// The pause after a lost connection, and the first one after a refusal.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause after refusals: it is doubled until then. What the server refuses may be accepted again soon, for
/// example when there is space on its disk, or when its streams are provisioned anew.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The pause before a new connection: longer after each refusal in a row.
#[derive(Debug, Default)]
pub(super) struct RetryPause {
    refusals: u32,
}

impl RetryPause {
    /// Records that the server has acknowledged something.
    pub(super) fn reset(&mut self) {
        self.refusals = 0;
    }

    /// Returns the pause after a lost connection.
    pub(super) fn short(&self) -> Duration {
        PAUSE_MIN
    }

    /// Returns the pause after a refusal.
    pub(super) fn longer(&mut self) -> Duration {
        let pause = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.refusals)).min(PAUSE_MAX);
        self.refusals = self.refusals.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_doubled_after_each_refusal_up_to_a_bound() {
        let mut retry = RetryPause::default();
        let pauses: Vec<u128> = (0..5).map(|_| retry.longer().as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1_000, 1_000, 1_000]);
        retry.reset();
        assert_eq!((retry.longer(), retry.short()), (PAUSE_MIN, PAUSE_MIN));
    }
}
