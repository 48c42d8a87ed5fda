//! Messages of other programs under the subjects of the shop: each subscriber lets them die with a dead letter, and does
//! nothing else.

use async_nats::{ConnectOptions, HeaderMap};
use serde_json::json;
use shop_tests::{PATIENCE, Shop, headers};
use testkit::until;
use uuid::Uuid;

use crate::outcomes::shared_shop;

const UNREADABLE: &str = "choreography_messages_unreadable_total";

/// Each subscriber with a message that it receives: publisher and name.
const SUBSCRIPTIONS: [(&str, &str, &str); 5] = [
    ("order", "payment", "order-confirmed"),
    ("inventory", "order", "reserve-stock"),
    ("payment", "delivery", "cancel-payment"),
    ("delivery", "order", "create-delivery"),
    ("notify", "order", "order-updated"),
];

async fn expect_unreadable(shop: &Shop, subscriber: &str, count: f64) {
    until(format_args!("{subscriber} to have found {count} unreadable"), PATIENCE, async || {
        let unreadable = shop.metric(subscriber, UNREADABLE).await;
        if unreadable >= count { Ok(()) } else { Err(unreadable) }
    })
    .await;
}

#[tokio::test]
async fn message_without_headers_dies_with_a_dead_letter_and_is_counted() {
    let shop = shared_shop().await;
    for (subscriber, publisher, name) in SUBSCRIPTIONS {
        let id = Uuid::now_v7().to_string();
        let before = shop.metric(subscriber, UNREADABLE).await;
        let payload = json!({"order_id": id, "reason": "failed"}).to_string();
        shop.publish(format!("{publisher}.{name}.{id}"), HeaderMap::new(), payload).await;
        expect_unreadable(&shop, subscriber, before + 1.0).await;
        shop.expect_all_received().await;
        assert_eq!(shop.story(&id).await.len(), 1, "a subscriber reacted");
    }
}

#[tokio::test]
async fn message_with_a_missing_or_wrong_header_dies_and_is_counted() {
    let shop = shared_shop().await;
    let before = shop.metric("payment", UNREADABLE).await;
    let id = Uuid::now_v7().to_string();
    // Each has a number of its own: the second copy of a number would be skipped.
    let good = || headers("order", "cancel-payment", &id);
    let names = ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time", "ce-subject", "ce-datacontenttype"];
    let wrong = [("ce-id", "17"), ("ce-specversion", "0.3"), ("ce-time", "yesterday"), ("ce-subject", "another")];
    let without = names.map(|missing| {
        let good = good();
        let kept = good.iter().filter(|(name, _)| name.as_ref() as &str != missing);
        kept.map(|(name, values)| (name.clone(), values[0].clone())).collect::<HeaderMap>()
    });
    let altered = wrong.map(|(name, value)| {
        let mut headers = good();
        headers.insert(name, value);
        headers
    });
    let mut count = before;
    for headers in without.into_iter().chain(altered) {
        let payload = json!({"order_id": id, "reason": "failed"}).to_string();
        shop.publish(format!("order.cancel-payment.{id}"), headers, payload).await;
        count += 1.0;
        expect_unreadable(&shop, "payment", count).await;
    }
    shop.expect_all_received().await;
    assert_eq!(shop.count_published("payment", "cancel-order", &id).await, 0);
}

/// Shows a limit of permissions: the server does not check the reply subject of a request. Whoever may send a request
/// can have the reply stored under the subject of another service: it has none of our headers, whatever its payload. A
/// message that is pulled that way is stored again with its own headers, as a repetition of itself.
#[tokio::test]
async fn reply_stored_under_a_subject_of_another_service_dies_at_its_subscriber() {
    let shop = Shop::open().await;
    let before = shop.metric("delivery", UNREADABLE).await;
    let intruder = shop.connect("payment", ConnectOptions::new()).await;
    let (victim, nothing_left) = (Uuid::now_v7(), r#"{"batch": 1, "no_wait": true}"#);
    let subject_of_order = format!("order.create-delivery.{victim}");
    for (request, payload) in [("INFO", ""), ("RESET", r#"{"seq": 1}"#), ("MSG.NEXT", nothing_left)] {
        let subject = format!("$JS.API.CONSUMER.{request}.EVENTS.payment-1");
        intruder.publish_with_reply(subject, subject_of_order.clone(), payload.into()).await.unwrap();
    }
    intruder.flush().await.unwrap();
    until("three replies to be stored", PATIENCE, async || {
        let stored = shop.published(&subject_of_order).await;
        if stored.len() == 3 { Ok(()) } else { Err(format!("{stored:?}")) }
    })
    .await;
    expect_unreadable(&shop, "delivery", before + 3.0).await;
    shop.expect_all_received().await;
    assert!(shop.list("delivery", &format!("/deliveries?order_id={victim}")).await.is_empty());
    assert_eq!(shop.story(&victim.to_string()).await.len(), 3, "a subscriber reacted");
}

#[tokio::test]
async fn client_that_pulls_messages_of_another_service_delays_orders_and_changes_none() {
    let shop = Shop::open().await;
    let intruder = shop.connect("payment", ConnectOptions::new()).await;
    let subject_of_order = format!("order.create-delivery.{}", Uuid::now_v7());
    let pull = async || {
        let request = r#"{"batch": 5, "expires": 2000000000}"#.into();
        let subject = "$JS.API.CONSUMER.MSG.NEXT.EVENTS.payment-0";
        intruder.publish_with_reply(subject, subject_of_order.clone(), request).await.unwrap();
        intruder.flush().await.unwrap();
    };
    for _ in 0..5 {
        pull().await;
        let order = shop.order_automatic("tea", 1, "north").await;
        shop.expect(&order, "completed").await;
    }
    shop.expect_invariants().await;
    let mut repeated = shop.published("inventory.create-payment.*").await;
    repeated.extend(shop.published("wallet.wallet-debited.*").await);
    let different: std::collections::BTreeSet<_> = repeated.iter().map(|message| &message.id).collect();
    assert!(different.len() < repeated.len(), "no message was pulled by the intruder, so this test has shown nothing");
}
