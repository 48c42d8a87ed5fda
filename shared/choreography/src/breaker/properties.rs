//! What holds for the circuits with any dead letters, in any order of arrival.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::CircuitState::{Closed, HalfOpen, Open};
use super::failure::FailureKind;
use super::fixture::{KINDS, SECONDS_MAX, any_arrivals, any_failures, circuits, moment, moments};
use super::history::History;
use super::{CYCLE, CircuitState, Circuits, Cycle, Failure, LATE_MAX, ServerTime};

/// Returns a circuit's state by the rule in its simplest form: cycle by cycle from noon on, each counted from all dead
/// letters.
fn stepwise_state(failures: &[Failure], message: &str, now: Timestamp) -> CircuitState {
    let is_dirty = |cycle: Timestamp| {
        let end = cycle + SignedDuration::from_secs(5);
        let of_cycle = |failure: &&Failure| failure.message == message && failure.at >= cycle && failure.at < end;
        let known: Vec<&Failure> = failures.iter().filter(of_cycle).filter(|failure| failure.at <= now).collect();
        let tenth = known.iter().map(|failure| failure.processed.div_ceil(10)).max().unwrap_or(0);
        known.len() as u64 >= tenth.max(3) || known.iter().any(|failure| failure.kind == FailureKind::Overdue)
    };
    let (mut state, mut dirty, mut cycle) = (Closed, 0, moment(0));
    while cycle + SignedDuration::from_secs(5) <= now {
        dirty = if is_dirty(cycle) { dirty + 1 } else { 0 };
        (state, dirty) = match (state, dirty) {
            (Open, 0) => (HalfOpen, 0),
            (Open, _) => (Open, 0),
            (_, 0) => (Closed, 0),
            (_, 3) => (Open, 0),
            _ => (HalfOpen, dirty),
        };
        cycle += SignedDuration::from_secs(5);
    }
    if state == Closed && is_dirty(cycle) { HalfOpen } else { state }
}

fn since(failures: &[Failure], from: Timestamp) -> Circuits {
    circuits(failures.iter().filter(|failure| failure.at >= from))
}

proptest! {
    #[test]
    fn states_are_those_of_the_simplest_rule(failures in any_failures()) {
        let circuits = circuits(&failures);
        for now in moments() {
            for message in KINDS {
                prop_assert_eq!(circuits.state(message, now), stepwise_state(&failures, message, now), "{} at {}", message, now);
            }
        }
    }

    #[test]
    fn order_and_repetition_of_dead_letters_change_no_state((stored, incoming) in any_arrivals()) {
        let (in_order, as_received) = (circuits(&stored), circuits(&incoming));
        for now in moments() {
            prop_assert_eq!(in_order.all(now), as_received.all(now));
        }
    }

    #[test]
    fn later_dead_letters_change_no_earlier_state(failures in any_failures()) {
        let (all, mut so_far) = (circuits(&failures), circuits([]));
        let mut failures = failures.into_iter().peekable();
        for now in moments() {
            while let Some(failure) = failures.next_if(|failure| failure.at <= now) {
                so_far.note(failure);
            }
            prop_assert_eq!(all.all(now), so_far.all(now));
        }
    }

    #[test]
    fn no_circuit_skips_half_open(failures in any_failures()) {
        let circuits = circuits(&failures);
        for message in KINDS {
            let mut before = Closed;
            for now in moments() {
                let state = circuits.state(message, now);
                let skipped = matches!((before, state), (Closed, Open) | (Open, Closed));
                prop_assert!(!skipped, "{message} was {before:?} and is {state:?} at {now}");
                before = state;
            }
        }
    }

    #[test]
    fn two_clean_cycles_close_every_circuit(failures in any_failures()) {
        let clean = failures.last().map_or(Cycle::of(moment(0)), |failure| Cycle::of(failure.at).next());
        let circuits = circuits(&failures);
        for now in moments().filter(|now| *now >= clean.end()) {
            let left = circuits.all(now);
            prop_assert!(left.iter().all(|circuit| circuit.state == HalfOpen), "{left:?} at {now}");
            prop_assert!(now < clean.next().end() || left.is_empty(), "{left:?} at {now}");
        }
    }

    #[test]
    fn an_instance_that_reads_back_until_determined_agrees_for_ever(failures in any_failures(), from in 0..SECONDS_MAX * 2) {
        let from = moment(from * 500);
        let known = |now| circuits(failures.iter().filter(|failure| failure.at >= from && failure.at <= now));
        let mut ends = Cycle::of(from).until(Cycle::of(moment(SECONDS_MAX * 1_000))).map(Cycle::end);
        let determined = ends.find(|now| known(*now).determined_since(from, *now));
        let (everything, restarted) = (circuits(&failures), since(&failures, from));
        for now in moments().filter(|now| determined.is_some_and(|determined| *now >= determined)) {
            prop_assert_eq!(everything.all(now), restarted.all(now), "read from {}, as of {}", from, now);
        }
    }

    #[test]
    fn four_whole_cycles_determine_every_state(failures in any_failures(), from in 0..SECONDS_MAX * 2) {
        let from = moment(from * 500);
        let (everything, restarted) = (circuits(&failures), since(&failures, from));
        let determined = Cycle::since(from).start() + CYCLE * 4;
        for now in moments().filter(|now| *now >= determined) {
            for message in KINDS {
                prop_assert_eq!(everything.state(message, now), restarted.state(message, now));
            }
        }
    }

    #[test]
    fn forgetting_changes_no_state(failures in any_failures(), delays in vec(0..=60_000_i64, 160)) {
        prop_assert_eq!(LATE_MAX, SignedDuration::from_millis(60_000).unsigned_abs());
        let delayed = failures.into_iter().zip(delays);
        let mut arrivals: Vec<(Timestamp, Failure)> =
            delayed.map(|(failure, delay)| (failure.at + SignedDuration::from_millis(delay), failure)).collect();
        arrivals.sort();
        let (mut remembering, mut forgetting) = (circuits([]), circuits([]));
        for (now, failure) in arrivals {
            remembering.note(failure.clone());
            forgetting.note(failure);
            forgetting.forget(now);
            for later in [0, 3, 5, 12, 60].map(|seconds| now + SignedDuration::from_secs(seconds)) {
                prop_assert_eq!(remembering.all(later), forgetting.all(later), "forgotten at {}", now);
            }
        }
    }

    #[test]
    fn folding_changes_no_later_state(failures in any_failures(), late in vec(any::<bool>(), 160), begin in 0..20_i64) {
        let begin = Cycle::of(moment(begin * 5_000));
        let (mut whole, mut folded) = (History::default(), History::default());
        let known = failures.iter().zip(late).filter(|(failure, late)| Cycle::of(failure.at) < begin || !late);
        known.for_each(|(failure, _)| folded.note(failure.clone(), 3));
        folded.fold(begin, 3);
        folded.fold(Cycle::of(moment(0)), 3);
        for failure in failures {
            whole.note(failure.clone(), 3);
            folded.note(failure, 3);
        }
        for now in moments().filter(|now| *now >= begin.start()) {
            prop_assert_eq!(whole.status(3, now), folded.status(3, now), "folded until {:?}, as of {}", begin, now);
        }
    }

    #[test]
    fn skewed_clocks_change_no_state(failures in any_failures(), skews in [-7_200_000..7_200_000_i64, -90_000..90_000_i64]) {
        let local = |skew: i64, server: Timestamp| server + SignedDuration::from_millis(skew);
        // Each instance has seen one reply of the server, at a moment of its own; since then it has only its own clock.
        let clocks = skews.map(|skew| ServerTime { local: local(skew, moment(skew % 1_000)), server: moment(skew % 1_000) });
        let [one, other] = [circuits(&failures), circuits(&failures)];
        for now in moments() {
            let [here, there] = [0, 1].map(|index| clocks[index].at(local(skews[index], now)));
            prop_assert_eq!((here, one.all(here)), (there, other.all(there)));
            prop_assert_eq!(one.state(KINDS[0], here), stepwise_state(&failures, KINDS[0], now));
        }
    }
}

#[test]
fn one_clean_cycle_does_not_determine_the_states() {
    let failures = super::fixture::drawn("333.3");
    let [everything, restarted] = [moment(0), moment(15_000)].map(|from| since(&failures, from).all(moment(20_000)));
    assert_eq!((everything[0].state, restarted.len()), (HalfOpen, 0));
}
