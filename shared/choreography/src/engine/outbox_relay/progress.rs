//! How far publishing got, and what of it the server can't forget any more.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::lanes::kind;
use super::numbers::Numbers;
use crate::clock::earlier;
use crate::settings::ALIVE_ASKED_EVERY;
use crate::store::OutboxRow;

/// Acknowledgements closer together than this are remembered as one.
const REMEMBER_EVERY: Duration = Duration::from_millis(200);

/// How far publishing got.
#[derive(Default)]
pub(crate) struct RelayProgress {
    /// The server that acknowledged; each start of a server makes another one of it.
    server_id: String,
    /// Everything up to this number is acknowledged by the current server.
    acknowledged: i64,
    /// What it has acknowledged above that: rows that went past a held one.
    beyond: Numbers,
    /// When which number was acknowledged by the current server with all before it, oldest first.
    acknowledged_at: VecDeque<(Timestamp, i64)>,
    /// When the current server was asked something that it answered: by then it still lived.
    alive: Option<Timestamp>,
    /// Up to which number the rows of a kind have been held by its open circuit.
    pub(super) held: BTreeMap<String, i64>,
}

impl RelayProgress {
    /// A server that was started since may have lost its tail: everything that is kept has to be published again.
    pub(super) fn meet(&mut self, server_id: String) {
        if self.server_id != server_id {
            let held = std::mem::take(&mut self.held);
            *self = Self { server_id, held, ..Self::default() };
        }
    }

    /// The first number that is not acknowledged.
    pub(super) fn next(&self) -> i64 {
        self.acknowledged + 1
    }

    /// There is no row before this number any more.
    pub(super) fn begin_at(&mut self, first: i64) {
        self.acknowledged = self.beyond.take_following(self.acknowledged.max(first - 1));
    }

    pub(super) fn is_acknowledged(&self, number: i64) -> bool {
        number <= self.acknowledged || self.beyond.contains(number)
    }

    /// Whether an open circuit has held this row.
    pub(super) fn was_held(&self, row: &OutboxRow) -> bool {
        !self.held.is_empty()
            && kind(&row.envelope.subject)
                .is_some_and(|kind| self.held.get(kind).is_some_and(|held| row.number <= *held))
    }

    /// How many numbers are acknowledged, from the first there ever was.
    pub(super) fn count(&self) -> i64 {
        self.acknowledged + self.beyond.count()
    }

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
        self.held.retain(|_, held| *held > number);
        match self.acknowledged_at.back_mut() {
            Some((at, last)) if *at > earlier(now, REMEMBER_EVERY) => *last = number,
            _ => self.acknowledged_at.push_back((now, number)),
        }
    }

    /// The server was asked something at that moment, and has answered.
    pub(super) fn is_alive(&mut self, asked: Timestamp) {
        self.alive = Some(asked);
    }

    /// The number up to which nothing needs to be kept: acknowledged so long before the same server was last seen alive
    /// that it must have written it to disk since.
    pub(super) fn forgettable(&mut self, safe_after: Duration) -> Option<i64> {
        let safe = earlier(self.alive?, safe_after + REMEMBER_EVERY);
        let mut forgettable = None;
        while let Some((_, number)) = self.acknowledged_at.pop_front_if(|(at, _)| *at <= safe) {
            forgettable = Some(number);
        }
        forgettable
    }

    /// Whether the server has to be asked whether it is still alive.
    pub(super) fn is_curious(&self, now: Timestamp) -> bool {
        !self.acknowledged_at.is_empty() && self.alive.is_none_or(|alive| alive <= earlier(now, ALIVE_ASKED_EVERY))
    }
}
