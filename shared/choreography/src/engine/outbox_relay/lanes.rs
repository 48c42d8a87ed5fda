//! The lanes of the outbox: each forward kind whose circuit is not closed has one, in which its rows wait in order.
//!
//! What is not here goes past them: compensations, dead letters, what was handled, and every kind whose circuit is closed. A lane
//! has a window's worth of rows in memory; the rest stays in the database until the lane moves on.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::progress::RelayProgress;
use crate::breaker::{BreakerSnapshot, CircuitState};
use crate::clock::later;
use crate::settings::WINDOW_MAX;
use crate::store::OutboxRow;
use crate::wire::dead_letter::{HELD, is_of_dead_letters};
use crate::wire::envelope::Envelope;

/// The rows of one kind that wait.
pub(super) struct Lane {
    rows: VecDeque<OutboxRow>,
    /// The last row that belongs here, in memory or not.
    last: i64,
    /// From this number on its rows are in the database only.
    rest_from: Option<i64>,
    /// When a half-open circuit lets the next one pass.
    due: Timestamp,
}

#[derive(Default)]
pub(super) struct Lanes(BTreeMap<String, Lane>);

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a row that must wait; gives back one that need not.
    pub(super) fn take(
        &mut self,
        row: OutboxRow,
        kind: &str,
        breaker_snapshot: &BreakerSnapshot,
        due: Timestamp,
    ) -> Option<OutboxRow> {
        let lane = match self.0.get_mut(kind) {
            Some(lane) => lane,
            None if breaker_snapshot.state(kind) == CircuitState::Closed => return Some(row),
            None => {
                self.0.entry(kind.to_owned()).or_insert(Lane { rows: VecDeque::new(), last: 0, rest_from: None, due })
            }
        };
        lane.last = row.number;
        if lane.rest_from.is_none() && lane.rows.len() < WINDOW_MAX {
            lane.rows.push_back(row);
        } else {
            lane.rest_from.get_or_insert(row.number);
        }
        None
    }

    /// Notes what open circuits hold.
    pub(super) fn hold(&self, breaker_snapshot: &BreakerSnapshot, progress: &mut RelayProgress) {
        for (kind, lane) in &self.0 {
            if breaker_snapshot.state(kind) == CircuitState::Open {
                match progress.held.get_mut(kind) {
                    Some(held) => *held = lane.last.max(*held),
                    None => drop(progress.held.insert(kind.clone(), lane.last)),
                }
            }
        }
    }

    /// The next row that may pass, of several the one that was said first; a lane that is empty is gone.
    pub(super) fn pass(
        &mut self,
        breaker_snapshot: &BreakerSnapshot,
        now: Timestamp,
        pace: Duration,
    ) -> Option<OutboxRow> {
        self.0.retain(|_, lane| !lane.rows.is_empty() || lane.rest_from.is_some());
        let passing = self.0.iter_mut().filter(|(kind, lane)| match breaker_snapshot.state(kind) {
            CircuitState::Closed => true,
            CircuitState::HalfOpen => lane.due <= now,
            CircuitState::Open => false,
        });
        let first = passing.filter_map(|(_, lane)| Some((lane.rows.front()?.number, lane))).min_by_key(|(row, _)| *row);
        let (_, lane) = first?;
        lane.due = later(now, pace);
        lane.rows.pop_front()
    }

    /// When the next half-open lane lets something pass.
    pub(super) fn due(&self, breaker_snapshot: &BreakerSnapshot) -> Option<Timestamp> {
        let half_open = self
            .0
            .iter()
            .filter(|(kind, lane)| breaker_snapshot.state(kind) == CircuitState::HalfOpen && !lane.rows.is_empty());
        half_open.map(|(_, lane)| lane.due).min()
    }

    /// A lane that may move on and has nothing more in memory: its kind, and where its rest begins in the database.
    pub(super) fn hungry(&self, breaker_snapshot: &BreakerSnapshot) -> Option<(String, i64)> {
        self.0.iter().find_map(|(kind, lane)| {
            let moves = breaker_snapshot.state(kind) != CircuitState::Open && lane.rows.is_empty();
            lane.rest_from.filter(|_| moves).map(|from| (kind.clone(), from))
        })
    }

    /// Gives a lane what the database had for it, and where it has more.
    pub(super) fn feed(&mut self, kind: &str, rows: impl Iterator<Item = OutboxRow>, rest_from: Option<i64>) {
        if let Some(lane) = self.0.get_mut(kind) {
            lane.rows.extend(rows);
            lane.rest_from = rest_from;
        }
    }
}

/// A message that an open circuit held says so: if it dies of having waited, that must not keep the circuit open.
pub(super) fn marked(envelope: &Envelope) -> Envelope {
    Envelope { headers: envelope.headers.with(HELD, "true"), ..envelope.clone() }
}

/// The kind that a row's message is of; none for dead letters and what was handled, which no circuit holds.
pub(super) fn kind(subject: &str) -> Option<&str> {
    if is_of_dead_letters(subject) { None } else { subject.split('.').nth(1) }
}
