//! The checkpoint: how far this instance has read, and the position from which it reads again after a failure. The
//! server can't have lost what is before that position.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::earlier;

/// How far this instance has read.
pub(crate) struct Checkpoint {
    pub epoch: i64,
    pub position: u64,
    /// The position from which reading starts again after a failure.
    pub restart_position: u64,
    /// When the server was last known to be alive.
    pub alive: Timestamp,
    /// Up to here the stream has nothing for this instance that was not delivered; some of it may not be processed yet.
    pub passed: u64,
    /// The checkpoint history: since when reading has been at which position, oldest first.
    history: VecDeque<(Timestamp, u64)>,
}

impl Checkpoint {
    /// Returns the checkpoint of an instance that begins to read after its restart position.
    pub(crate) fn begin(epoch: i64, position: u64, now: Timestamp) -> Self {
        Self { epoch, position, restart_position: position, alive: now, passed: position, history: VecDeque::new() }
    }

    /// Adds the current position to the history, and moves the restart position to where reading was `durable_after`
    /// before the server was last alive: a server that crashes may lose what it sent shortly before, however long ago
    /// it was read.
    ///
    /// Passed messages count only while every delivered message has been processed.
    pub(crate) fn remember(&mut self, durable_after: Duration, now: Timestamp, all_is_done: bool) {
        let known = self.history.back().map_or(self.restart_position, |(_, position)| *position);
        let position = if all_is_done { self.position.max(self.passed) } else { self.position };
        if position > known {
            self.history.push_back((now, position));
        }
        let durable = earlier(self.alive, durable_after);
        while let Some((_, position)) = self.history.pop_front_if(|(at, _)| *at <= durable) {
            self.restart_position = position;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;

    #[test]
    fn passed_messages_count_only_while_all_delivered_ones_are_processed_and_nothing_goes_back() {
        let mut now = Timestamp::UNIX_EPOCH;
        let mut checkpoint = Checkpoint::begin(1, 10, now);
        let mut restart_position = |passed, position, all_is_done| {
            (checkpoint.passed, checkpoint.position) = (passed, position);
            checkpoint.remember(Duration::from_secs(10), now, all_is_done);
            now = later(now, Duration::from_secs(20));
            checkpoint.alive = now;
            checkpoint.remember(Duration::from_secs(10), now, all_is_done);
            checkpoint.restart_position
        };
        assert_eq!(restart_position(40, 10, false), 10);
        assert_eq!(restart_position(40, 12, false), 12);
        assert_eq!(restart_position(40, 12, true), 40);
        assert_eq!(restart_position(40, 12, false), 40);
        assert_eq!(restart_position(40, 41, false), 41);
    }
}
