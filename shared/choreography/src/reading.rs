//! How far this instance has read, and to where it goes back after any trouble: what lies before that, the server can't
//! have forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::earlier;

/// How far this instance has read.
pub(crate) struct Reading {
    pub epoch: i64,
    pub position: u64,
    pub safe: u64,
    /// When the server was last seen alive.
    pub alive: Timestamp,
    /// Since when reading is where it is, and where it was before, oldest first.
    past: VecDeque<(Timestamp, u64)>,
}

impl Reading {
    /// Reading begins after a position that is safe, with an answer of the server.
    pub(crate) fn begin(epoch: i64, position: u64, now: Timestamp) -> Self {
        let past = VecDeque::from([(now, position)]);
        Self { epoch, position, safe: position, alive: now, past }
    }

    /// Notes where reading is, and moves the safe position to where it was long enough before the server was last seen
    /// alive: of what it sent shortly before it died it may have forgotten everything, however long ago that is.
    pub(crate) fn remember(&mut self, safe_after: Duration, now: Timestamp) {
        if self.past.back().is_none_or(|(_, position)| *position != self.position) {
            self.past.push_back((now, self.position));
        }
        let safe = earlier(self.alive, safe_after);
        while let Some((_, position)) = self.past.pop_front_if(|(at, _)| *at <= safe) {
            self.safe = position;
        }
    }
}
