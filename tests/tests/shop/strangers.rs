//! Messages that are not ours, under subjects that are: each subscriber ignores and counts them.

use async_nats::{ConnectOptions, HeaderMap};
use serde_json::json;
use shop_tests::{PATIENCE, Shop, headers};
use testkit::until;
use uuid::Uuid;

use crate::sentences::a_shop;

const IGNORED: &str = "choreography_ignored_total";

/// A subscriber, and something that it receives: publisher and name.
const HEARD: [(&str, &str, &str); 5] = [
    ("order", "payment", "order-confirmed"),
    ("inventory", "order", "reserve-stock"),
    ("payment", "delivery", "cancel-payment"),
    ("delivery", "order", "create-delivery"),
    ("notify", "order", "order-updated"),
];

async fn expect_ignored(shop: &Shop, hearer: &str, count: f64) {
    until(format_args!("{hearer} to have ignored {count}"), PATIENCE, async || {
        let ignored = shop.metric(hearer, IGNORED).await;
        if ignored >= count { Ok(()) } else { Err(ignored) }
    })
    .await;
}

#[tokio::test]
async fn a_message_without_headers_is_ignored_and_counted() {
    let shop = a_shop().await;
    for (hearer, publisher, name) in HEARD {
        let id = Uuid::now_v7().to_string();
        let before = shop.metric(hearer, IGNORED).await;
        let payload = json!({"order_id": id, "reason": "failed"}).to_string();
        shop.publish(format!("{publisher}.{name}.{id}"), HeaderMap::new(), payload).await;
        expect_ignored(&shop, hearer, before + 1.0).await;
        shop.expect_heard().await;
        assert_eq!(shop.story(&id).await.len(), 1, "somebody answered");
    }
}

#[tokio::test]
async fn a_message_that_lacks_one_header_or_has_it_wrong_is_ignored_and_counted() {
    let shop = a_shop().await;
    let before = shop.metric("payment", IGNORED).await;
    let id = Uuid::now_v7().to_string();
    let good = headers("order", "cancel-payment", &id);
    let names = ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-subject", "ce-datacontenttype"];
    let wrong = [("ce-id", "17"), ("ce-specversion", "0.3"), ("ce-time", "yesterday"), ("ce-subject", "another")];
    let without = names.map(|missing| {
        let kept = good.iter().filter(|(name, _)| name.as_ref() as &str != missing);
        kept.map(|(name, values)| (name.clone(), values[0].clone())).collect::<HeaderMap>()
    });
    let altered = wrong.map(|(name, value)| {
        let mut headers = good.clone();
        headers.insert(name, value);
        headers
    });
    let mut count = before;
    for headers in without.into_iter().chain(altered) {
        let payload = json!({"order_id": id, "reason": "failed"}).to_string();
        shop.publish(format!("order.cancel-payment.{id}"), headers, payload).await;
        count += 1.0;
        expect_ignored(&shop, "payment", count).await;
    }
    shop.expect_heard().await;
    assert_eq!(shop.count_said("payment", "cancel-order", &id).await, 0);
}

/// The server does not check the subject that it is told to answer on. So whoever may ask anything can have the answer
/// stored under a foreign subject: it has no headers, whatever it says. A message that is pulled that way is stored
/// again under its own subject, as a repetition of itself.
#[tokio::test]
async fn an_answer_that_is_stored_under_a_foreign_subject_is_ignored_by_its_hearer() {
    let shop = Shop::open().await;
    let before = shop.metric("delivery", IGNORED).await;
    let intruder = shop.connect("payment", ConnectOptions::new()).await;
    let (victim, nothing_left) = (Uuid::now_v7(), r#"{"batch": 1, "no_wait": true}"#);
    let foreign = format!("order.create-delivery.{victim}");
    for (asked, payload) in [("INFO", ""), ("RESET", r#"{"seq": 1}"#), ("MSG.NEXT", nothing_left)] {
        let subject = format!("$JS.API.CONSUMER.{asked}.EVENTS.payment-1");
        intruder.publish_with_reply(subject, foreign.clone(), payload.into()).await.unwrap();
    }
    intruder.flush().await.unwrap();
    until("three answers to be stored", PATIENCE, async || {
        let stored = shop.outgoing(&foreign).await;
        if stored.len() == 3 { Ok(()) } else { Err(format!("{stored:?}")) }
    })
    .await;
    expect_ignored(&shop, "delivery", before + 3.0).await;
    shop.expect_heard().await;
    assert!(shop.list("delivery", &format!("/deliveries?order_id={victim}")).await.is_empty());
    assert_eq!(shop.story(&victim.to_string()).await.len(), 3, "somebody answered");
}

#[tokio::test]
async fn a_thief_who_pulls_what_another_waits_for_delays_orders_and_changes_none() {
    let shop = Shop::open().await;
    let thief = shop.connect("payment", ConnectOptions::new()).await;
    let foreign = format!("order.create-delivery.{}", Uuid::now_v7());
    let steal = async || {
        let request = r#"{"batch": 5, "expires": 2000000000}"#.into();
        let pull = "$JS.API.CONSUMER.MSG.NEXT.EVENTS.payment-0";
        thief.publish_with_reply(pull, foreign.clone(), request).await.unwrap();
        thief.flush().await.unwrap();
    };
    for _ in 0..5 {
        steal().await;
        let order = shop.order_automatic("tea", 1, "north").await;
        shop.expect(&order, "completed").await;
    }
    shop.expect_invariants().await;
    let repeated = shop.outgoing("inventory.create-payment.*").await;
    let different: std::collections::BTreeSet<_> = repeated.iter().map(|outgoing| &outgoing.id).collect();
    assert!(different.len() < repeated.len(), "nothing was stolen, so nothing was shown");
}
