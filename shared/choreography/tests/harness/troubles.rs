//! Whatever goes wrong while a dinner is cooked, it is served once, and what can't be cooked is cancelled.

use std::collections::BTreeSet;
use std::time::Duration;

use choreography::ExecuteError;
use choreography::testing::{Harness, Trouble};

use crate::restaurant::{Bill, Dinner, OrderDinner, Status, decided, restaurant};

/// How long what is lasting lasts: longer than every pause of the engine.
const A_WHILE: Duration = Duration::from_secs(20);

fn order(harness: &Harness, table: u32, failures: Option<u32>) {
    harness.execute(OrderDinner { table, failures }).unwrap();
}

/// Waits until table 1 is served and table 2 is cancelled, and checks that no message was published under two ids.
fn ends_right(harness: &Harness) {
    assert_eq!(decided(harness, 1), (Status::Served, Some(Bill { drinks: 1 })));
    assert_eq!(decided(harness, 2), (Status::Cancelled, None));
    for name in ["counter.cook-food", "kitchen.food-ready", "counter.dinner-served", "kitchen.cancel-dinner"] {
        for key in ["1", "2"] {
            let published = harness.published();
            let of_key = published.iter().filter(|message| message.to_string() == name && message.key() == key);
            let ids: BTreeSet<_> = of_key.map(|message| message.envelope.header("ce-id")).collect();
            assert!(ids.len() <= 1, "{name}.{key}: {published:#?}");
        }
    }
}

/// Orders two dinners, lets something go wrong at once, and ends it after a while.
fn ends_right_in_spite_of(begin: Trouble, end: Option<Trouble>) {
    let harness = restaurant(0);
    harness.inject(begin);
    order(&harness, 1, Some(2));
    order(&harness, 2, None);
    harness.advance(A_WHILE);
    if let Some(end) = end {
        assert_eq!(harness.get::<Dinner>(&1).unwrap().status, Status::Ordered);
        harness.inject(end);
    }
    ends_right(&harness);
}

#[test]
fn a_server_that_is_down_is_waited_for() {
    ends_right_in_spite_of(Trouble::ServerDown, Some(Trouble::ServerUp));
}

#[test]
fn a_server_that_restarts_is_read_again() {
    ends_right_in_spite_of(Trouble::ServerRestarts, None);
}

#[test]
fn lost_connections_are_opened_again() {
    ends_right_in_spite_of(Trouble::ConnectionsLost, None);
}

#[test]
fn messages_whose_acknowledgements_are_lost_are_not_published_again() {
    let harness = restaurant(0);
    harness.inject(Trouble::AcknowledgementsLost(3));
    order(&harness, 1, Some(2));
    order(&harness, 2, None);
    harness.advance(A_WHILE);
    ends_right(&harness);
    let published = harness.published();
    let ids: BTreeSet<_> = published.iter().map(|message| message.envelope.header("ce-id")).collect();
    assert_eq!(published.len(), ids.len(), "{published:#?}");
}

#[test]
fn messages_that_the_server_refuses_are_published_later() {
    ends_right_in_spite_of(Trouble::PublishesRefused, Some(Trouble::PublishesAccepted));
}

#[test]
fn a_silent_pull_is_left_for_another() {
    ends_right_in_spite_of(Trouble::PullsSilent, Some(Trouble::PullsAnswered));
}

#[test]
fn a_message_that_is_delivered_twice_is_received_once() {
    for service in ["counter", "kitchen", "bar", "till"] {
        ends_right_in_spite_of(Trouble::DeliveredTwice(service), None);
    }
}

#[test]
fn failed_commits_are_tried_again() {
    for service in ["counter", "kitchen", "bar", "till"] {
        ends_right_in_spite_of(Trouble::CommitsFail(service, 3), None);
    }
}

#[test]
fn what_the_server_loses_is_published_again() {
    let harness = restaurant(0);
    order(&harness, 1, Some(2));
    order(&harness, 2, None);
    harness.advance(Duration::from_secs(1));
    let before = harness.published().len();
    harness.inject(Trouble::ServerLoses(3));
    assert_eq!(harness.published().len(), before - 3);
    ends_right(&harness);
    harness.advance(A_WHILE);
    assert!(harness.published().len() >= before);
}

#[test]
fn messages_that_everybody_has_read_may_be_removed() {
    let harness = restaurant(0);
    order(&harness, 1, Some(2));
    order(&harness, 2, None);
    ends_right(&harness);
    harness.advance(A_WHILE);
    let last = harness.published().last().unwrap().sequence;
    harness.inject(Trouble::FirstMessagesRemoved(last));
    assert_eq!(harness.published().len(), 1);
    harness.inject(Trouble::ServerRestarts);
    order(&harness, 3, Some(0));
    assert_eq!(decided(&harness, 3).0, Status::Served);
}

#[test]
fn a_stream_that_was_created_anew_is_read_once_an_operator_accepts_it() {
    let harness = restaurant(0);
    order(&harness, 1, Some(2));
    order(&harness, 2, None);
    ends_right(&harness);
    harness.inject(Trouble::StreamRecreated);
    order(&harness, 3, Some(0));
    harness.advance(A_WHILE);
    assert!(harness.service("kitchen").health().reading.is_err());
    assert_eq!(harness.get::<Dinner>(&3).unwrap().status, Status::Ordered);
    for service in ["counter", "kitchen", "bar", "till"] {
        harness.inject(Trouble::StreamAccepted(service));
    }
    assert_eq!(decided(&harness, 3).0, Status::Served);
}

#[test]
fn a_service_that_crashed_goes_on_where_its_database_is() {
    for service in ["counter", "kitchen", "bar", "till"] {
        for moment_ms in [0, 1, 2, 3, 600, 1_300] {
            let mut harness = restaurant(0);
            order(&harness, 1, Some(2));
            order(&harness, 2, None);
            harness.advance(Duration::from_millis(moment_ms));
            harness.crash(service);
            harness.advance(A_WHILE);
            harness.start_instance(service);
            ends_right(&harness);
        }
    }
}

#[test]
fn a_service_that_crashed_executes_nothing() {
    let mut harness = restaurant(0);
    harness.crash("counter");
    let refused = harness.execute(OrderDinner { table: 1, failures: Some(0) });
    assert_eq!(refused, Err(ExecuteError::Stopped));
    assert_eq!(harness.get::<Dinner>(&1), None);
    harness.start_instance("counter");
    order(&harness, 1, Some(0));
    assert_eq!(decided(&harness, 1).0, Status::Served);
}

#[test]
fn a_second_instance_takes_over_when_the_first_crashes() {
    for service in ["counter", "kitchen", "bar", "till"] {
        let mut harness = restaurant(0);
        harness.start_instance(service);
        order(&harness, 1, Some(2));
        order(&harness, 2, None);
        harness.crash(service);
        ends_right(&harness);
    }
}

#[test]
#[should_panic(expected = "cook is not part of the application")]
fn a_service_that_does_not_exist_is_named() {
    restaurant(0).crash("cook");
}

#[test]
#[should_panic(expected = "dinner 9 is still None")]
fn what_never_happens_ends_the_test_with_what_happened() {
    restaurant(0).until::<Dinner>(&9, |_| true);
}
