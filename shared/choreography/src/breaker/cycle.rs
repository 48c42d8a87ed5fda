//! The server's time, divided into cycles. Two instances find the same cycle for the same moment, whatever their own
//! clocks show.

use std::iter::successors;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{earlier, later};

/// How long a cycle is; the first one began with the Unix epoch.
pub(crate) const CYCLE: Duration = Duration::from_secs(5);

/// A cycle, by its first moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cycle(Timestamp);

impl Cycle {
    /// Returns the cycle of a moment: it begins with its first moment and ends before that of the next one.
    pub(crate) fn of(moment: Timestamp) -> Self {
        let passed = moment.as_nanosecond().rem_euclid(CYCLE.as_nanos().cast_signed());
        let passed = u64::try_from(passed).expect("less than a cycle, and not negative");
        Self(earlier(moment, Duration::from_nanos(passed)))
    }

    /// Returns the first cycle that does not begin before a moment.
    pub(crate) fn since(moment: Timestamp) -> Self {
        let cycle = Self::of(moment);
        if cycle.start() == moment { cycle } else { cycle.next() }
    }

    /// Returns the first moment of the cycle.
    pub(crate) fn start(self) -> Timestamp {
        self.0
    }

    /// Returns the first moment after the cycle.
    pub(crate) fn end(self) -> Timestamp {
        later(self.0, CYCLE)
    }

    pub(crate) fn next(self) -> Self {
        Self(self.end())
    }

    /// Returns this cycle and the following ones, up to but not including another one.
    pub(crate) fn until(self, end: Self) -> impl Iterator<Item = Self> {
        successors(Some(self), |cycle| Some(cycle.next())).take_while(move |cycle| *cycle < end)
    }
}

/// What the server's clock and the local one showed when the server replied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerTime {
    pub local: Timestamp,
    pub server: Timestamp,
}

impl ServerTime {
    /// Returns the server's time at a local moment. Its error is the time that the reply took, plus the drift of the
    /// two clocks since.
    pub(crate) fn at(self, local: Timestamp) -> Timestamp {
        self.server
            .saturating_add(local.duration_since(self.local))
            .expect("only a span of days or more can not be added")
    }
}
