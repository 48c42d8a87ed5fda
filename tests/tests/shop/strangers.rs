//! Messages that are not ours, under subjects that are: each hearer ignores and counts them.

use async_nats::{ConnectOptions, HeaderMap};
use serde_json::json;
use shop_tests::{PATIENCE, Shop, headers};
use testkit::until;
use uuid::Uuid;

use crate::sentences::a_shop;

const IGNORED: &str = "choreography_ignored_total";

/// A hearer, and something that it hears: sayer and name.
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
    for (hearer, sayer, name) in HEARD {
        let id = Uuid::now_v7().to_string();
        let before = shop.metric(hearer, IGNORED).await;
        let payload = json!({"order_id": id, "reason": "failed"}).to_string();
        shop.publish(format!("{sayer}.{name}.{id}"), HeaderMap::new(), payload).await;
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

/// The server does not check the subject that a pull is answered on. So whoever may pull can have a message stored
/// under a foreign subject: with the headers that it has, which are not those of that subject.
#[tokio::test]
async fn a_pull_that_is_answered_under_a_foreign_subject_is_ignored_by_its_hearer() {
    let shop = Shop::open().await;
    shop.premises.process("payment").kill();
    let order = shop.order("tea", 1, "north").await;
    shop.expect_said("inventory", "create-payment", &order.id).await;
    let before = shop.metric("delivery", IGNORED).await;
    let intruder = shop.connect("payment", ConnectOptions::new()).await;
    let (victim, pull) = (Uuid::now_v7(), "$JS.API.CONSUMER.MSG.NEXT.EVENTS.payment-0");
    let foreign = format!("order.create-delivery.{victim}");
    // A message, and then the news that there is none.
    for _ in 0..2 {
        let request = r#"{"batch": 1, "no_wait": true}"#.into();
        intruder.publish_with_reply(pull, foreign.clone(), request).await.unwrap();
        intruder.flush().await.unwrap();
    }
    let stored = until("the copies to be stored", PATIENCE, async || {
        let stored = shop.said(&foreign).await;
        if stored.len() >= 2 { Ok(stored) } else { Err(format!("{stored:?}")) }
    })
    .await;
    assert_eq!(stored[0].payload["order_id"], order.id.as_str(), "{stored:?}");
    expect_ignored(&shop, "delivery", before + 2.0).await;
    assert!(shop.list("delivery", &format!("/deliveries?order_id={victim}")).await.is_empty());
    shop.premises.process("payment").again().unwrap();
    shop.premises.ready(shop.premises.service("payment")).await;
    shop.confirm(&order).await;
    shop.expect(&order, "completed").await;
    shop.expect_invariants().await;
}
