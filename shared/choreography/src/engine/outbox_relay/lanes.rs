//! The lanes of the outbox: each message whose circuit is not closed, or that a subscriber can't read yet, has one, in
//! which its rows wait in order.
//!
//! All others pass them: dead letters, repairs, and messages that may leave. A lane has as many rows in memory as fit
//! into a window; the rest stays in the database until there is room.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::gate::Gate;
use super::held::HeldRows;
use super::pace::Paces;
use crate::breaker::CircuitState;
use crate::clock::{earlier, later};
use crate::settings::WINDOW_MAX;
use crate::store::OutboxRow;

/// How much of the time in which the relay did something else a lane makes up for: a timer is a few milliseconds late.
const LATE_MAX: Duration = Duration::from_millis(100);

/// The waiting rows of one message.
struct Lane {
    rows: VecDeque<OutboxRow>,
    /// The number of the lane's last row, in memory or not.
    last: i64,
    /// The number from which on rows are in the database only.
    rest_from: Option<i64>,
    /// When a half-open circuit lets the next row pass.
    due: Timestamp,
}

impl Lane {
    /// Returns what lets its next row pass.
    fn state(&self, message: &str, gate: &Gate<'_>) -> CircuitState {
        self.rows.front().map_or_else(|| gate.circuit(message), |row| gate.state(row))
    }
}

/// The lanes, by the name of their message.
#[derive(Default)]
pub(super) struct Lanes(BTreeMap<String, Lane>);

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether rows of a message wait.
    pub(super) fn has(&self, message: &str) -> bool {
        self.0.contains_key(message)
    }

    /// Takes a row that must wait. A new lane lets its first row pass at `due`.
    pub(super) fn take(&mut self, row: OutboxRow, message: &str, due: Timestamp) {
        let lane = Lane { rows: VecDeque::new(), last: 0, rest_from: None, due };
        let lane = self.0.entry(message.to_owned()).or_insert(lane);
        lane.last = row.number;
        if lane.rest_from.is_none() && lane.rows.len() < WINDOW_MAX {
            lane.rows.push_back(row);
        } else {
            lane.rest_from.get_or_insert(row.number);
        }
    }

    /// Records which rows are held.
    pub(super) fn note_held(&self, gate: &Gate<'_>, held: &mut HeldRows) {
        for (message, lane) in &self.0 {
            if lane.state(message, gate) == CircuitState::Open {
                held.hold(message, lane.last);
            }
        }
    }

    /// Returns which subscriber can't read what waits, one sentence for each message.
    pub(super) fn unread(&self, gate: &Gate<'_>) -> Vec<String> {
        self.0.values().filter_map(|lane| gate.readers.problem(&lane.rows.front()?.envelope)).collect()
    }

    /// Removes and returns the next row that may pass: of several, the one with the lowest number. Empty lanes are
    /// removed.
    pub(super) fn pass(&mut self, gate: &Gate<'_>, now: Timestamp, paces: &mut Paces) -> Option<OutboxRow> {
        self.0.retain(|_, lane| !lane.rows.is_empty() || lane.rest_from.is_some());
        let passing = self.0.iter_mut().filter(|(message, lane)| match lane.state(message, gate) {
            CircuitState::Closed => true,
            CircuitState::HalfOpen => lane.due <= now,
            CircuitState::Open => false,
        });
        let first = passing.filter_map(|(message, lane)| Some((lane.rows.front()?.number, message, lane)));
        let (_, message, lane) = first.min_by_key(|(row, _, _)| *row)?;
        lane.due = later(lane.due.max(earlier(now, LATE_MAX)), paces.pause(message, now));
        lane.rows.pop_front()
    }

    /// Returns when the next half-open circuit lets a row pass.
    pub(super) fn due(&self, gate: &Gate<'_>) -> Option<Timestamp> {
        let waits =
            |message: &str, lane: &Lane| lane.state(message, gate) == CircuitState::HalfOpen && !lane.rows.is_empty();
        self.0.iter().filter(|(message, lane)| waits(message, lane)).map(|(_, lane)| lane.due).min()
    }

    /// Returns a lane that may publish and has no rows in memory: its message, and the number from which its rows are
    /// in the database.
    pub(super) fn to_refill(&self, gate: &Gate<'_>) -> Option<(String, i64)> {
        self.0.iter().find_map(|(message, lane)| {
            let moves = lane.state(message, gate) != CircuitState::Open && lane.rows.is_empty();
            lane.rest_from.filter(|_| moves).map(|from| (message.clone(), from))
        })
    }

    /// Adds rows from the database to a lane, and sets the number from which it has more there.
    pub(super) fn refill(&mut self, message: &str, rows: impl Iterator<Item = OutboxRow>, rest_from: Option<i64>) {
        if let Some(lane) = self.0.get_mut(message) {
            lane.rows.extend(rows);
            lane.rest_from = rest_from;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::breaker::{BreakerSnapshot, Circuit};
    use crate::store::RowName;
    use crate::wire::envelope::Envelope;
    use crate::wire::role::Role;

    fn row(number: i64, message: &str) -> OutboxRow {
        let name = RowName { outbox: Uuid::nil(), kind: message.into(), number: number.unsigned_abs() };
        let envelope = Envelope { subject: format!("till.{message}.7").into(), ..Envelope::default() };
        OutboxRow { number, name, envelope, placeholder: false, adopted: false }
    }

    /// Returns the moment this many milliseconds after the first one of these tests.
    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + milliseconds).unwrap()
    }

    /// Calls a function with a gate at which the circuit of `pay` has a state, and all others are closed.
    fn at_gate<T>(state: CircuitState, call: impl FnOnce(&Gate<'_>) -> T) -> T {
        let circuit = Circuit { message: "pay".to_owned(), role: Role::Step, state, since: at(0), why: String::new() };
        let snapshot = BreakerSnapshot { caught_up: true, circuits: vec![circuit], ..BreakerSnapshot::unknown(at(0)) };
        call(&Gate::new(Arc::new(snapshot), Arc::default(), &BTreeSet::from(["pay", "ship"])))
    }

    /// Returns the numbers of the rows that pass at once.
    fn passing(lanes: &mut Lanes, state: CircuitState, now: Timestamp) -> Vec<i64> {
        let mut paces = Paces::new(20);
        at_gate(state, |gate| std::iter::from_fn(|| lanes.pass(gate, now, &mut paces)).map(|row| row.number).collect())
    }

    #[test]
    fn a_lane_has_a_window_of_rows_in_memory_and_is_refilled_once_they_have_passed() {
        let (mut lanes, count) = (Lanes::default(), WINDOW_MAX as i64 + 5);
        for number in 1..=count {
            lanes.take(row(number, "pay"), "pay", at(0));
        }
        let to_refill = |lanes: &Lanes, state| at_gate(state, |gate| lanes.to_refill(gate));
        assert_eq!(to_refill(&lanes, CircuitState::Closed), None);
        let first: Vec<_> = (1..=WINDOW_MAX as i64).collect();
        assert_eq!(passing(&mut lanes, CircuitState::Closed, at(0)), first);
        // A later row waits behind those in the database.
        assert!(lanes.has("pay") && !lanes.is_empty());
        lanes.take(row(count + 1, "pay"), "pay", at(0));
        assert_eq!(passing(&mut lanes, CircuitState::Closed, at(0)), [0; 0]);
        assert_eq!(to_refill(&lanes, CircuitState::Open), None);
        let from = WINDOW_MAX as i64 + 1;
        assert_eq!(to_refill(&lanes, CircuitState::HalfOpen), Some(("pay".to_owned(), from)));
        lanes.refill("pay", (from..=count + 1).map(|number| row(number, "pay")), None);
        assert_eq!(passing(&mut lanes, CircuitState::Closed, at(0)), (from..=count + 1).collect::<Vec<_>>());
        assert!(lanes.is_empty() && !lanes.has("pay"));
    }

    #[test]
    fn rows_pass_a_half_open_circuit_at_its_pace_which_makes_up_for_a_moment_and_no_more() {
        let mut lanes = Lanes::default();
        for number in 1..=9 {
            lanes.take(row(number, "pay"), "pay", at(50));
        }
        let due = |lanes: &Lanes, state| at_gate(state, |gate| lanes.due(gate));
        assert_eq!(due(&lanes, CircuitState::HalfOpen), Some(at(50)));
        assert_eq!((due(&lanes, CircuitState::Open), due(&lanes, CircuitState::Closed)), (None, None));
        assert_eq!(passing(&mut lanes, CircuitState::HalfOpen, at(49)), [0; 0]);
        assert_eq!(passing(&mut lanes, CircuitState::HalfOpen, at(50)), [1]);
        assert_eq!(due(&lanes, CircuitState::HalfOpen), Some(at(100)));
        assert_eq!(passing(&mut lanes, CircuitState::HalfOpen, at(10_000)), [2, 3, 4]);
        assert_eq!(passing(&mut lanes, CircuitState::Closed, at(10_000)), [5, 6, 7, 8, 9]);
        assert_eq!(due(&lanes, CircuitState::HalfOpen), None);
    }
}
