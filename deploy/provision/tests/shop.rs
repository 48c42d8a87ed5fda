//! The choreography as a whole, as the services' own types declare it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{read_to_string, write};

use choreography::Map;
use choreography::provision::Plan;
use gateway::shop;
use provision::users;

/// The file with the picture of the choreography, and what is around it there.
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
const PICTURE: (&str, &str) = ("```mermaid\n", "```\n");

/// The server's configuration, of which the users are generated.
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nats.conf");

/// The lines around the generated part of the server's configuration.
const USERS: (&str, &str) =
    ("    # generated from here: UPDATE=1 cargo test -p provision\n", "    # generated up to here\n");

/// Asserts that a file has its generated part between these lines. After a change that is meant:
/// `UPDATE=1 cargo test -p provision`.
fn assert_generated(path: &str, (begin, end): (&str, &str), generated: &str) {
    let file = read_to_string(path).unwrap();
    let (before, rest) = file.split_once(begin).unwrap();
    let (part, after) = rest.split_once(end).unwrap();
    if std::env::var_os("UPDATE").is_some() && part != generated {
        return write(path, format!("{before}{begin}{generated}{end}{after}")).unwrap();
    }
    assert_eq!(part, generated, "generate it again: UPDATE=1 cargo test -p provision");
}

#[test]
fn choreography_is_complete() {
    let problems = Map::of(&shop()).problems();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn picture_shows_the_choreography() {
    assert_generated(README, PICTURE, &Map::of(&shop()).to_mermaid());
}

#[test]
fn server_lets_each_service_publish_and_read_what_it_needs_and_nothing_else() {
    let lines = users().to_string();
    let lines = lines.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") });
    assert_generated(SERVER, USERS, &lines.collect::<String>());
}

#[test]
fn each_service_receives_what_it_has_a_function_for() {
    let expected: [(&str, &[&str]); 7] = [
        ("gateway", &["inventory.cancel-order.*", "order.cancel-order.*", "payment.cancel-order.*"]),
        (
            "order",
            &[
                "delivery.delivery-assigned.*",
                "gateway.create-order.*",
                "inventory.cancel-order.*",
                "notify.customer-notified.*",
                "order.cancel-order.*",
                "payment.cancel-order.*",
                "payment.order-confirmed.*",
                "payment.payment-created.*",
            ],
        ),
        (
            "inventory",
            &[
                "delivery.delivery-assigned.*",
                "inventory.cancel-order.*",
                "order.cancel-order.*",
                "order.reserve-stock.*",
                "payment.cancel-order.*",
            ],
        ),
        (
            "payment",
            &[
                "delivery.cancel-payment.*",
                "inventory.create-payment.*",
                "order.cancel-payment.*",
                "payment.expire-payment.*",
                "payment.retry-debit.*",
                "wallet.debit-refused.*",
                "wallet.wallet-debited.*",
            ],
        ),
        ("wallet", &["payment.debit-wallet.*", "payment.refund-wallet.*"]),
        ("delivery", &["order.cancel-delivery.*", "order.create-delivery.*"]),
        ("notify", &["gateway.order-updated.*", "order.order-updated.*"]),
    ];
    let consumers = |(service, subjects): &(&str, &[&str])| {
        let subjects: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        [0, 1].map(|slot| (format!("{service}-{slot}"), subjects.clone()))
    };
    let expected: Vec<_> = expected.iter().flat_map(consumers).collect();
    let planned = Plan::of(&shop()).consumers.into_iter();
    let planned: Vec<_> = planned.map(|consumer| (consumer.name(), consumer.filter_subjects)).collect();
    assert_eq!(planned, expected);
}
