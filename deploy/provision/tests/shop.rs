//! The choreography as a whole, as the services' own types tell it.

use choreography::Map;
use provision::{SLOTS, plan, shop};

/// The picture of the choreography. After a change that is meant: `DRAW=1 cargo test -p provision`.
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dance.mmd");

#[test]
fn nothing_is_unheard_unsaid_unforeseen_or_stranded() {
    let problems = Map::of(&shop()).problems();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_picture_shows_the_dance_as_it_is() {
    let drawn = Map::of(&shop()).to_mermaid();
    if std::env::var_os("DRAW").is_some() {
        std::fs::write(PICTURE, &drawn).unwrap();
    }
    assert_eq!(std::fs::read_to_string(PICTURE).unwrap(), drawn, "draw it again: DRAW=1 cargo test -p provision");
}

#[test]
fn each_service_is_sent_what_it_hears_and_nothing_else() {
    let plan = plan(&shop(), 1, 1);
    let expected: [(&str, &[&str]); 5] = [
        (
            "order",
            &[
                "delivery.delivery-assigned.*",
                "inventory.cancel-order.*",
                "notify.customer-notified.*",
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
            ],
        ),
        ("delivery", &["order.cancel-delivery.*", "order.create-delivery.*"]),
        ("notify", &["order.order-updated.*"]),
    ];
    let expected: Vec<_> = expected
        .iter()
        .flat_map(|(service, subjects)| (0..SLOTS).map(move |slot| (format!("{service}-{slot}"), subjects.to_vec())))
        .collect();
    let consumers = plan.consumers.iter();
    let planned: Vec<_> = consumers
        .map(|consumer| (consumer.name.clone(), consumer.filter_subjects.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(planned, expected);
}

#[test]
fn the_server_lets_each_service_read_what_its_circuits_follow_from() {
    let rights = include_str!("../../../nats.conf");
    let services = shop().len();
    for needed in ["DIRECT.GET.EVENTS", "DIRECT.GET.DEAD_LETTERS", "CONSUMER.LIST.EVENTS"] {
        assert_eq!(rights.matches(&format!("\"$JS.API.{needed}\"")).count(), services, "{needed}");
    }
}

#[test]
fn the_server_lets_each_service_say_and_read_what_is_its_own() {
    let rights = include_str!("../../../nats.conf");
    let plan = plan(&shop(), 1, 1);
    let consumers = plan.consumers.iter().map(|consumer| format!("$JS.API.CONSUMER.MSG.NEXT.EVENTS.{}", consumer.name));
    for needed in plan.streams[0].subjects.iter().cloned().chain(consumers) {
        assert!(rights.contains(&format!("\"{needed}\"")), "nats.conf does not mention {needed}");
    }
}
