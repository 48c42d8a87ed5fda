//! How far the outbox relay has published, and which rows the server can't lose any more.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::numbers::NumberSet;
use crate::clock::earlier;
use crate::settings::ALIVE_CHECKED_EVERY;

/// Acknowledgements closer together than this are remembered as one, which bounds the memory for them.
const REMEMBER_EVERY: Duration = Duration::from_millis(200);

/// How far the outbox relay has published.
#[derive(Default)]
pub(crate) struct RelayProgress {
    /// The server that acknowledged; it has a new id after each of its starts.
    server_id: String,
    /// The number up to which the current server has acknowledged every row.
    acknowledged: i64,
    /// The rows above that which it has acknowledged: they passed a held one.
    beyond: NumberSet,
    /// When the current server had acknowledged everything up to which number, oldest first.
    acknowledged_at: VecDeque<(Timestamp, i64)>,
    /// When the last request was sent to which the current server has replied: it was alive then.
    alive: Option<Timestamp>,
}

impl RelayProgress {
    /// Records which server the relay is connected to. A server that was started since may have lost its last messages:
    /// every row that is kept has to be published again.
    pub(super) fn connected_to(&mut self, server_id: String) {
        if self.server_id != server_id {
            *self = Self { server_id, ..Self::default() };
        }
    }

    /// Returns the first number that is not acknowledged.
    pub(super) fn next(&self) -> i64 {
        self.acknowledged + 1
    }

    /// Records that no row has a lower number than this one.
    pub(super) fn begin_at(&mut self, first: i64) {
        self.acknowledged = self.beyond.take_following(self.acknowledged.max(first - 1));
    }

    pub(super) fn is_acknowledged(&self, number: i64) -> bool {
        number <= self.acknowledged || self.beyond.contains(number)
    }

    /// Returns how many rows are acknowledged since the first row of this database.
    pub(super) fn count(&self) -> i64 {
        self.acknowledged + self.beyond.count()
    }

    /// Records the rows that were acknowledged.
    pub(super) fn note(&mut self, numbers: impl Iterator<Item = i64>, now: Timestamp) {
        let before = self.acknowledged;
        for number in numbers {
            if number == self.acknowledged + 1 {
                self.acknowledged = number;
            } else {
                self.beyond.insert(number);
            }
        }
        self.acknowledged = self.beyond.take_following(self.acknowledged);
        let number = self.acknowledged;
        if number == before {
            return;
        }
        match self.acknowledged_at.back_mut() {
            Some((at, last)) if *at > earlier(now, REMEMBER_EVERY) => *last = number,
            _ => self.acknowledged_at.push_back((now, number)),
        }
    }

    /// Records that the server has replied to a request of this moment.
    pub(super) fn alive_at(&mut self, requested_at: Timestamp) {
        self.alive = Some(requested_at);
    }

    /// Removes and returns the number up to which rows need not be kept: they were acknowledged so long before the same
    /// server was last alive that it has written them to disk.
    pub(super) fn forgettable(&mut self, durable_after: Duration) -> Option<i64> {
        let safe = earlier(self.alive?, durable_after + REMEMBER_EVERY);
        let mut forgettable = None;
        while let Some((_, number)) = self.acknowledged_at.pop_front_if(|(at, _)| *at <= safe) {
            forgettable = Some(number);
        }
        forgettable
    }

    /// Whether it is time to check that the server is alive.
    pub(super) fn must_check(&self, now: Timestamp) -> bool {
        !self.acknowledged_at.is_empty() && self.alive.is_none_or(|alive| alive <= earlier(now, ALIVE_CHECKED_EVERY))
    }
}
