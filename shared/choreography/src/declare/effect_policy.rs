//! How an effect is tried: how long, each try how long, and how many at once.

use std::time::Duration;

/// What an effect's declaration says about its tries; the service's settings say what it leaves open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EffectPolicy {
    /// How long it is tried, from the beginning of its first try.
    pub within: Option<Duration>,
    /// How long one try may take.
    pub try_time_max: Option<Duration>,
    /// How many run at once.
    pub running_max: Option<usize>,
}
