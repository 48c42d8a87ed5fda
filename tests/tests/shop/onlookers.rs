//! Whoever looks at the stream of events, and forgets about it, closes no shop.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull, push};
use futures::StreamExt;
use serde_json::{Value, json};
use shop_tests::{PATIENCE, Plan, SERVICES, Shop};
use testkit::until;

use crate::repairs::expect_no_dead_letters;

/// Short, so that it passes in a test, and longer than a busy machine takes for any step.
const OVERDUE_AFTER: &str = "6s";
/// How many cycles of the circuit breaker pass: more than an overdue step takes to open its circuit.
const CYCLES: usize = 7;

/// Waits until the next cycle of the circuit breaker. Returns what is shown of it then.
async fn next_cycle(shop: &Shop, before: &Value) -> Value {
    until("the next cycle", Duration::from_secs(15), async || {
        let shown = shop.get("order", "/circuits").await.ok();
        if shown["cycle_ends_at"] == *before { Err("the same cycle") } else { Ok(shown) }
    })
    .await
}

#[tokio::test]
async fn idle_consumers_of_every_kind_close_no_shop() {
    let plan = SERVICES.iter().fold(Plan::new(), |plan, service| plan.set(service, "OVERDUE_AFTER", OVERDUE_AFTER));
    let shop = Shop::open_with(plan).await;
    let stream = shop.jetstream().await.get_stream("EVENTS").await.unwrap();
    let durable = |name: &str| pull::Config { durable_name: Some(name.to_owned()), ..pull::Config::default() };
    stream.create_consumer(durable("natscli-7")).await.unwrap();
    stream.create_consumer(durable("delivery-7")).await.unwrap();
    stream.create_consumer(pull::Config { inactive_threshold: PATIENCE * 5, ..pull::Config::default() }).await.unwrap();
    let (deliver_subject, durable_name) = ("idle".to_owned(), Some("pushed-7".to_owned()));
    stream.create_consumer(push::Config { deliver_subject, durable_name, ..push::Config::default() }).await.unwrap();
    let unacknowledged = pull::Config { ack_policy: AckPolicy::Explicit, ..durable("unacknowledged-7") };
    let unacknowledged = stream.create_consumer(unacknowledged).await.unwrap();
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    let received = unacknowledged.messages().await.unwrap().next().await;
    assert!(received.is_some_and(|received| received.is_ok()));
    let mut cycle = json!(null);
    for _ in 0..CYCLES {
        let shown = next_cycle(&shop, &cycle).await;
        assert_eq!((&shown["intake_closed"], &shown["circuits"]), (&json!(false), &json!([])), "{shown}");
        cycle = shown["cycle_ends_at"].clone();
    }
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    shop.expect_invariants().await;
    expect_no_dead_letters(&shop).await;
}
