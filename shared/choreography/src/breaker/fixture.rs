//! Fixtures for the tests of the circuits: dead letters from a drawing, and generated ones.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::failure::FailureKind;
use super::{Circuits, Failure};
use crate::wire::role::Role;

pub(crate) const THRESHOLD: u32 = 3;
pub(crate) const KINDS: [&str; 2] = ["pay", "ship"];
/// Seconds after which every circuit is closed again, whatever [`any_failures`] generates.
pub(crate) const SECONDS_MAX: i64 = 95;

/// Returns the moment this many milliseconds after noon. At noon a cycle begins.
pub(crate) fn moment(milliseconds: i64) -> Timestamp {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_millis(milliseconds)
}

pub(crate) fn failure(message: &str, milliseconds: i64, sequence: u64, kind: FailureKind) -> Failure {
    let detail = if kind == FailureKind::Overdue { "delivery is 12 behind" } else { "" };
    let (at, message, detail) = (moment(milliseconds), message.to_owned(), detail.to_owned());
    Failure { at, sequence, kind, message, role: Role::Step, death: None, processed: 0, detail }
}

/// Returns these dead letters as those of a service that had processed so many messages in the five seconds before.
pub(crate) fn of_processed(failures: Vec<Failure>, processed: u64) -> Vec<Failure> {
    failures.into_iter().map(|failure| Failure { processed, ..failure }).collect()
}

/// Returns circuits that have read these dead letters and no others.
pub(crate) fn circuits<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Circuits {
    let mut circuits = Circuits::new(THRESHOLD, moment(0));
    failures.into_iter().for_each(|failure| circuits.note(failure.clone()));
    circuits.catch_up();
    circuits
}

/// Returns the dead letters of `pay` from one character for each cycle: a digit for so many exhausted ones, `o` for one
/// that is overdue, `.` for none.
pub(crate) fn drawn(cycles: &str) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (cycle, character) in (0..).zip(cycles.chars()) {
        let (count, kind) = match character {
            'o' => (1, FailureKind::Overdue),
            digit => (digit.to_digit(10).unwrap_or_default(), FailureKind::Exhausted),
        };
        for index in 0..count {
            let sequence = u64::try_from(failures.len()).unwrap() + 1;
            failures.push(failure("pay", cycle * 5_000 + 1_000 + i64::from(index), sequence, kind));
        }
    }
    failures
}

/// Generates the dead letters of one cycle: in which of its seconds, why, and of how many processed messages. So some
/// arrive together, and some at the very beginning of the cycle.
fn cycle() -> impl Strategy<Value = Vec<(i64, FailureKind, u64)>> {
    let kind = || prop_oneof![Just(FailureKind::Exhausted), Just(FailureKind::Expired)];
    let failure = move || (0_i64..5, kind(), prop_oneof![3 => Just(0), 1 => 20_u64..60]);
    let overdue = (0_i64..5).prop_map(|second| vec![(second, FailureKind::Overdue, 0)]);
    prop_oneof![4 => vec(failure(), 0..3), 5 => vec(failure(), 3..6), 1 => overdue]
}

/// Generates dead letters of both messages, in the order in which the server stored them.
pub(crate) fn any_failures() -> impl Strategy<Value = Vec<Failure>> {
    let kind = || vec(cycle(), 0..16);
    [kind(), kind()].prop_map(|kinds| {
        let mut failures = Vec::new();
        for (message, cycles) in KINDS.iter().zip(kinds) {
            for (number, cycle) in (0_i64..).zip(cycles) {
                let placed = |(second, kind, processed)| {
                    let failure = failure(message, (number * 5 + second) * 1_000, 0, kind);
                    Failure { processed, ..failure }
                };
                failures.extend(cycle.into_iter().map(placed));
            }
        }
        failures.sort();
        (1..).zip(&mut failures).for_each(|(sequence, failure)| failure.sequence = sequence);
        failures
    })
}

/// Generates dead letters as the server stored them, and as one instance may receive them: in any order, some twice.
pub(crate) fn any_arrivals() -> impl Strategy<Value = (Vec<Failure>, Vec<Failure>)> {
    any_failures().prop_flat_map(|stored| {
        let twice = subsequence(stored.clone(), 0..=stored.len());
        let incoming = (Just(stored.clone()), twice).prop_map(|(once, twice)| [once, twice].concat());
        (Just(stored), incoming.prop_shuffle())
    })
}

/// Returns the moments at which a state may change, and the last one of each cycle.
pub(crate) fn moments() -> impl Iterator<Item = Timestamp> {
    let last = |second| (second % 5 == 0).then(|| moment(second * 1_000) - SignedDuration::from_nanos(1));
    (0..=SECONDS_MAX).flat_map(move |second| last(second).into_iter().chain([moment(second * 1_000)]))
}
