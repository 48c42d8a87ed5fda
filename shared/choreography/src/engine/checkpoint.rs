//! How far this instance has read, and to where it goes back after any trouble: what lies before that, the server can't
//! have forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::earlier;

/// How far this instance has read.
pub(crate) struct Checkpoint {
    pub epoch: i64,
    pub position: u64,
    pub safe: u64,
    /// When the server was last seen alive.
    pub alive: Timestamp,
    /// Up to here the stream has nothing for this instance but what it was sent; some of that may be still to be done.
    pub passed: u64,
    /// Since when reading is where it is, and where it was before, oldest first.
    past: VecDeque<(Timestamp, u64)>,
}

impl Checkpoint {
    /// Reading begins after a position that is safe, with an answer of the server.
    pub(crate) fn begin(epoch: i64, position: u64, now: Timestamp) -> Self {
        Self { epoch, position, safe: position, alive: now, passed: position, past: VecDeque::new() }
    }

    /// Notes where reading is, and moves the safe position to where it was long enough before the server was last seen
    /// alive: of what it sent shortly before it died it may have forgotten everything, however long ago that is.
    ///
    /// What was passed counts where all that was sent is done.
    pub(crate) fn remember(&mut self, safe_after: Duration, now: Timestamp, all_is_done: bool) {
        let known = self.past.back().map_or(self.safe, |(_, position)| *position);
        let position = if all_is_done { self.position.max(self.passed) } else { self.position };
        if position > known {
            self.past.push_back((now, position));
        }
        let safe = earlier(self.alive, safe_after);
        while let Some((_, position)) = self.past.pop_front_if(|(at, _)| *at <= safe) {
            self.safe = position;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;

    #[test]
    fn what_was_passed_is_safe_only_where_all_that_was_sent_is_done_and_never_goes_back() {
        let mut now = Timestamp::UNIX_EPOCH;
        let mut reading = Checkpoint::begin(1, 10, now);
        let mut safe_after = |passed, position, all_is_done| {
            (reading.passed, reading.position) = (passed, position);
            reading.remember(Duration::from_secs(10), now, all_is_done);
            now = later(now, Duration::from_secs(20));
            reading.alive = now;
            reading.remember(Duration::from_secs(10), now, all_is_done);
            reading.safe
        };
        assert_eq!(safe_after(40, 10, false), 10);
        assert_eq!(safe_after(40, 12, false), 12);
        assert_eq!(safe_after(40, 12, true), 40);
        assert_eq!(safe_after(40, 12, false), 40);
        assert_eq!(safe_after(40, 41, false), 41);
    }
}
