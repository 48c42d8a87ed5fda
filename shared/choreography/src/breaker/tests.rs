//! Examples of circuits.

use bytes::Bytes;
use uuid::Uuid;

use super::CircuitState::{Closed, HalfOpen, Open};
use super::failure::{FAILURES_KEPT_MAX, FailureKind};
use super::fixture::{circuits, drawn, failure, moment, of_processed};
use super::history::{CYCLES_KEPT_MAX, History};
use super::{BreakerSnapshot, Circuit, Circuits, Cycle, Failure, ServerTime};
use crate::wire::envelope::Envelope;
use crate::wire::role::Role;

#[test]
fn cycles_move_a_circuit_step_by_step() {
    for (claim, cycles, wanted) in [
        ("one dirty cycle is not enough", "3..", "hcc"),
        ("two dead letters leave a cycle clean", "2222", "cccc"),
        ("one overdue dead letter makes it dirty", "o.", "hc"),
        ("three dirty cycles in a row open it", "3o9", "hho"),
        ("a clean one begins anew", "33.33.", "hhchhc"),
        ("clean cycles lead back one step each", "333...", "hhohcc"),
        ("too few dead letters are clean there too", "333212", "hhohcc"),
        ("a dirty cycle keeps it open", "33333.3.", "hhooohhc"),
        ("from half-open it takes three again", "333.333", "hhohhho"),
        ("clean cycles keep it closed", "333.........3", "hhohcccccccch"),
    ] {
        let circuits = circuits(&drawn(cycles));
        let ends = (1..).map(|cycle| moment(cycle * 5_000));
        let states = ends.take(wanted.len()).map(|end| match circuits.state("pay", end) {
            Closed => 'c',
            HalfOpen => 'h',
            Open => 'o',
        });
        assert_eq!(states.collect::<String>(), wanted, "{claim}: {cycles}");
    }
}

#[test]
fn the_third_dead_letter_trips_a_circuit_in_the_middle_of_its_cycle() {
    let circuits = circuits(&drawn(".3"));
    assert_eq!(circuits.state("pay", moment(6_001)), Closed);
    assert_eq!(circuits.state("pay", moment(6_002)), HalfOpen);
    assert_eq!(circuits.all(moment(9_999))[0].since, moment(6_002));
}

#[test]
fn a_message_has_a_circuit_of_its_own() {
    let failures =
        (1..).zip(["pay", "ship", "pay"]).map(|(sequence, kind)| failure(kind, 0, sequence, FailureKind::Expired));
    assert_eq!(circuits(&failures.collect::<Vec<_>>()).all(moment(0)), []);
}

#[test]
fn a_circuit_shows_since_when_and_why() {
    let mut failures = drawn("233.");
    failures.push(failure("pay", 4_500, 10, FailureKind::Expired));
    let circuits = circuits(&failures);
    for (milliseconds, state, since, why) in [
        (4_600, HalfOpen, 4_500, "3 dead letters in the cycle from 12:00:00Z: exhausted ×2, expired ×1"),
        (14_999, HalfOpen, 4_500, "3 dead letters in the cycle from 12:00:00Z: exhausted ×2, expired ×1"),
        (
            15_000,
            Open,
            15_000,
            "3 dirty cycles in a row, at last 3 dead letters in the cycle from 12:00:10Z: exhausted ×3",
        ),
        (20_000, HalfOpen, 20_000, "the cycle from 12:00:15Z was clean"),
    ] {
        let (message, why) = ("pay".to_owned(), why.to_owned());
        let wanted = Circuit { message, role: Role::Step, state, since: moment(since), why };
        assert_eq!(circuits.all(moment(milliseconds)), [wanted]);
        assert_eq!(circuits.any_open(moment(milliseconds)), state == Open);
    }
    let overdue = &super::fixture::circuits(&drawn(".o")).all(moment(10_000))[0];
    assert_eq!(overdue.why, "overdue in the cycle from 12:00:05Z: delivery is 12 behind");
    assert_eq!(serde_json::to_value(overdue).unwrap()["state"], "half-open");
}

#[test]
fn a_cycle_ends_where_the_next_one_begins() {
    for (milliseconds, end) in [(0, 5_000), (1, 5_000), (4_999, 5_000), (5_000, 10_000), (-1, 0)] {
        assert_eq!(Cycle::of(moment(milliseconds)).end(), moment(end));
    }
}

#[test]
fn only_what_a_subscriber_could_not_process_in_time_counts() {
    let read = |subject: &str, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let stored = Envelope { subject: subject.into(), headers, payload: Bytes::new() };
        Failure::read(&stored, moment(0), 7).map(|failure| (failure.message, failure.kind, failure.detail))
    };
    let counts = |kind, detail: &str| Some(("pay".to_owned(), kind, detail.to_owned()));
    let (subject, expired, held) =
        ("dead.payment.pay.order-1", ("dead-reason", "expired"), (crate::wire::dead_letter::HELD, "true"));
    assert_eq!(read(subject, &[expired]), counts(FailureKind::Expired, ""));
    assert_eq!(
        read(subject, &[("dead-reason", "exhausted"), ("dead-detail", "x")]),
        counts(FailureKind::Exhausted, "")
    );
    assert_eq!(read(subject, &[("dead-reason", "poison")]), None);
    assert_eq!(read(subject, &[expired, held]), None);
    assert_eq!(read(subject, &[]), None);
    assert_eq!(read(subject, &[expired, ("dead-replayed", "true")]), None);
    assert_eq!(read(subject, &[expired, ("dead-role", "compensation")]), None);
    assert_eq!(read("handled.payment.17", &[expired]), None);
    assert_eq!(read("handled.payment.pay.17", &[expired]), None);
    let overdue = [("dead-reason", "overdue"), ("dead-detail", "delivery is 12 behind")];
    assert_eq!(read("dead.order.pay.overdue", &overdue), counts(FailureKind::Overdue, "delivery is 12 behind"));
}

#[test]
fn a_dead_letter_names_the_role_the_death_and_what_was_processed() {
    let read = |service: &str, role: &str, tries: &str, processed: &str| {
        let headers = [
            ("ce-id", "01920000-0000-7000-8000-000000000001"),
            ("dead-reason", "expired"),
            ("dead-role", role),
            ("dead-tries", tries),
            ("dead-processed", processed),
        ];
        let subject = format!("dead.{service}.pay.order-1").into();
        let stored = Envelope { subject, headers: headers.into(), payload: Bytes::new() };
        Failure::read(&stored, moment(0), 7).unwrap()
    };
    let of_event = read("payment", "event", "2", "40");
    assert_eq!((of_event.role, of_event.processed), (Role::Event, 40));
    let earlier = read("payment", "", "2", "many");
    assert_eq!(
        (earlier.role, earlier.processed),
        (Role::Step, 0),
        "what can't be read is taken as an earlier version's"
    );
    assert_eq!(of_event.death, earlier.death);
    assert_ne!(of_event.death, read("payment", "event", "3", "40").death, "a replay that dies is another death");
    assert_ne!(of_event.death, read("delivery", "event", "2", "40").death);
}

#[test]
fn a_cycle_is_dirty_from_a_tenth_of_what_was_processed_on() {
    for (claim, died, processed, wanted) in [
        ("three of thirty", 3, 30, HalfOpen),
        ("three of thirty-one", 3, 31, Closed),
        ("nine of ninety", 9, 90, HalfOpen),
        ("three of ten thousand", 3, 10_000, Closed),
    ] {
        let failures = of_processed(drawn(&died.to_string()), processed);
        assert_eq!(circuits(&failures).state("pay", moment(4_999)), wanted, "{claim}");
    }
    let mut mixed = drawn("333333");
    mixed.iter_mut().filter(|failure| failure.sequence % 3 == 2).for_each(|failure| failure.processed = 10_000);
    assert_eq!(circuits(&mixed).all(moment(30_000)), [], "the largest count of a cycle decides");
    assert_eq!(
        circuits(&of_processed(drawn("ooo"), 10_000)).state("pay", moment(15_000)),
        Open,
        "overdue, however few"
    );
}

#[test]
fn a_dead_letter_that_is_published_again_counts_once() {
    let copy = |of: &Failure, milliseconds, sequence| Failure { at: moment(milliseconds), sequence, ..of.clone() };
    let first = Failure { death: Some(Uuid::from_u128(1)), ..failure("pay", 1_000, 1, FailureKind::Expired) };
    let copies = [copy(&first, 1_500, 2), copy(&first, 7_000, 3), copy(&first, 7_500, 4)];
    let mut all = vec![first.clone()];
    all.extend(copies.clone());
    all.push(failure("pay", 2_000, 5, FailureKind::Exhausted));
    for order in [all.clone(), all.iter().rev().cloned().collect()] {
        let circuits = circuits(&order);
        assert_eq!(circuits.histories["pay"].kept(), 2);
        assert_eq!(circuits.all(moment(9_000)), []);
    }
}

#[test]
fn the_circuit_of_an_event_is_no_circuit_of_a_step() {
    let of_event = drawn("333").into_iter().map(|failure| Failure { role: Role::Event, ..failure });
    let circuits = circuits(&of_event.collect::<Vec<_>>());
    let [circuit] = &circuits.all(moment(15_000))[..] else { panic!("one circuit") };
    assert_eq!((circuit.state, circuit.role), (Open, Role::Event));
    let time = ServerTime { local: moment(15_000), server: moment(15_000) };
    let snapshot = BreakerSnapshot { caught_up: true, time, circuits: circuits.all(moment(15_000)) };
    assert!(!snapshot.status(moment(15_000)).intake_closed);
    assert_eq!(snapshot.state("pay"), Open, "the event itself is held");
}

#[test]
fn every_circuit_is_half_open_until_all_dead_letters_are_read() {
    let mut circuits = Circuits::new(3, moment(0));
    drawn("333").into_iter().for_each(|failure| circuits.note(failure));
    assert_eq!(circuits.state("ship", moment(15_000)), HalfOpen);
    assert!(!circuits.any_open(moment(15_000)));
    let [circuit] = &circuits.all(moment(15_000))[..] else { panic!("one circuit for every message") };
    assert_eq!((circuit.message.as_str(), circuit.state, circuit.since), ("*", HalfOpen, moment(0)));
    circuits.forget(moment(900_000));

    circuits.catch_up();
    assert_eq!(circuits.state("ship", moment(15_000)), Closed);
    assert!(circuits.any_open(moment(15_000)));

    circuits.fall_behind(moment(16_000));
    circuits.fall_behind(moment(17_000));
    assert_eq!(circuits.all(moment(17_000))[0].since, moment(16_000));
    assert!(!circuits.any_open(moment(17_000)));
}

#[test]
fn only_two_whole_clean_cycles_in_a_row_determine_every_circuit() {
    for (claim, cycles, from, now, wanted) in [
        ("nothing died", "", 0, 10_000, true),
        ("the second cycle is not over", "", 0, 9_999, false),
        ("the first cycle is not known whole", "", 1, 10_000, false),
        ("they are the first ones", "..333", 0, 25_000, true),
        ("they are the last ones", "333..", 1, 25_000, true),
        ("too few dead letters are clean", "3123", 0, 20_000, true),
        ("one at a time is not enough", "3.3.3.3", 0, 35_000, false),
        ("they lie before", "..333", 1, 25_000, false),
        ("they lie behind", "333..", 0, 24_999, false),
    ] {
        assert_eq!(circuits(&drawn(cycles)).determined_since(moment(from), moment(now)), wanted, "{claim}");
    }
    let mut both = drawn("3..3");
    both.extend((21..24).map(|sequence| failure("ship", 7_000, sequence, FailureKind::Expired)));
    assert!(!circuits(&both).determined_since(moment(0), moment(15_000)), "each kind must be determined");
    assert!(circuits(&both).determined_since(moment(0), moment(20_000)));
}

#[test]
fn a_history_is_bounded_however_much_dies() {
    let mut history = History::default();
    for sequence in 1..=FAILURES_KEPT_MAX as u64 + 500 {
        let expired = failure("pay", 1_000 + i64::try_from(sequence / 2).unwrap(), sequence, FailureKind::Expired);
        history.note(Failure { processed: 1_000_000, death: Some(Uuid::from_u128(sequence.into())), ..expired }, 3);
    }
    assert_eq!((history.kept(), history.deaths()), (FAILURES_KEPT_MAX, FAILURES_KEPT_MAX));
    let status = history.status(3, moment(4_000));
    assert_eq!(status.since, moment(3_048), "the first ones are kept, and so many are dirty in any case");
    assert!(status.why.starts_with("4096 or more dead letters of 1000000 processed"), "{}", status.why);

    for cycle in 1..=1_000 {
        history.note(failure("pay", cycle * 5_000, 1_000, FailureKind::Overdue), 3);
    }
    assert_eq!((history.kept(), history.deaths()), (CYCLES_KEPT_MAX, 0));
    let status = history.status(3, moment(5_005_000));
    assert_eq!((status.state, status.since), (Open, moment(15_000)));
    let determined = |from| history.is_determined(Cycle::of(moment(from)), Cycle::of(moment(5_005_000)), 3);
    assert!(determined(880 * 5_000), "reading back ends somewhere");
    assert!(!determined(881 * 5_000), "nothing is folded since");
}

#[test]
fn failures_that_no_longer_matter_are_deleted() {
    let mut circuits = circuits(&drawn("333"));
    circuits.forget(moment(74_999));
    assert_eq!(circuits.histories["pay"].kept(), 3, "a late dead letter may still change what followed from them");
    circuits.forget(moment(75_000));
    assert_eq!(circuits.histories["pay"].kept(), 0);
    circuits.forget(moment(85_000));
    assert!(circuits.histories.is_empty());
}

#[test]
fn a_clock_that_jumped_ahead_hides_no_dead_letter() {
    let mut circuits = circuits(&drawn("333"));
    circuits.forget(moment(3_600_000));
    for failure in drawn("......3") {
        circuits.note(failure);
    }
    assert_eq!(circuits.state("pay", moment(34_000)), HalfOpen);
}
