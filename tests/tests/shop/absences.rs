//! A service is away for longer than anything lasts that ends by itself: steps and kept messages. When it is back, what
//! it has missed is done, and nothing is published again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use shop_tests::{PATIENCE, Plan, Request, Shop, length};
use testkit::until;

use crate::repairs::expect_no_dead_letters;

/// Returns how long published messages are kept here. Services keep them for 10 minutes: `KEPT_SECONDS=600`.
pub(crate) fn kept() -> Duration {
    Duration::from_secs(length("KEPT_SECONDS", 3))
}

/// Returns a plan in which messages are kept as long as [`kept`] says, and nothing else ends meanwhile.
fn plan() -> Plan {
    let plan = Plan::new().set_all("OUTBOX_KEPT", format!("{}s", kept().as_secs()));
    plan.set_all("MESSAGE_DEADLINE", "1h").set_all("OVERDUE_AFTER", "1h").set("payment", "PAYMENT_DEADLINE", "1h")
}

/// Waits until a service keeps none of the messages that it has published: none can be published again.
pub(crate) async fn expect_forgotten(shop: &Shop, service: &str) {
    until(format_args!("{service} to keep no message"), kept() + PATIENCE, async || {
        let kept = shop.premises.service(service).kept().await.map_err(|error| format!("{error:#}"))?;
        if kept == 0 { Ok(()) } else { Err(format!("{kept} are kept")) }
    })
    .await;
}

/// Checks that no message of the stream was published twice.
pub(crate) async fn expect_each_stored_once(shop: &Shop) {
    let mut seen = BTreeSet::new();
    for message in shop.published(">").await {
        assert!(seen.insert(message.id.clone()), "stored twice: {message:?}");
    }
}

/// Waits until each of these messages is published.
async fn expect_all_published(shop: &Shop, publisher: &str, name: &str, count: usize) {
    until(format_args!("{count} {name} to be published"), PATIENCE, async || {
        let published = shop.published(&format!("{publisher}.{name}.*")).await.len();
        if published == count { Ok(()) } else { Err(published) }
    })
    .await;
}

#[tokio::test]
async fn facts_never_expire_so_orders_go_on_late_when_the_order_service_is_back() {
    const DEADLINE: Duration = Duration::from_secs(8);
    let plan = Plan::new().set_all("MESSAGE_DEADLINE", "8s").set_all("OVERDUE_AFTER", "5s");
    let shop = Shop::open_with(plan).await;
    let (order, delivery) = (shop.premises.process("order"), shop.premises.process("delivery"));
    let paid = shop.order("tea", 1, "north").await;
    shop.payment(&paid).await;
    delivery.pause().unwrap();
    let assigned = shop.order_automatic("tea", 1, "south").await;
    shop.expect_published("order", "create-delivery", &assigned.id).await;
    order.kill();
    delivery.resume().unwrap();
    shop.confirm(&paid).await;
    shop.expect_published("delivery", "delivery-assigned", &assigned.id).await;
    shop.expect_published("payment", "order-confirmed", &paid.id).await;
    let back_at = Instant::now() + DEADLINE + DEADLINE / 4;
    until("the order service to be away for longer than any step lasts", PATIENCE, async || {
        if Instant::now() >= back_at { Ok(()) } else { Err("it is away") }
    })
    .await;
    for service in ["payment", "delivery"] {
        let circuits = shop.get(service, "/circuits").await.ok();
        assert_eq!(circuits["circuits"], json!([]), "{service}: {circuits}");
    }
    order.restart().unwrap();
    shop.premises.ready(shop.premises.service("order")).await;
    shop.try_place(Request::new("tea", 1, "north").automatic()).await.expect("no event closes the intake");
    shop.expect(&assigned, "completed").await;
    shop.expect(&paid, "completed").await;
    shop.expect_invariants().await;
    expect_no_dead_letters(&shop).await;
}

#[tokio::test]
async fn service_that_is_stopped_for_longer_than_messages_are_kept_publishes_nothing_again() {
    const ORDERS: usize = 20;
    let shop = Shop::open_with(plan()).await;
    let payment = shop.premises.process("payment");
    let before = join_all((0..ORDERS).map(|_| shop.order_automatic("tea", 1, "north"))).await;
    shop.expect(&before[ORDERS / 2], "completed").await;
    payment.stop().unwrap();
    join_all((0..ORDERS).map(|_| shop.order_automatic("tea", 1, "south"))).await;
    expect_all_published(&shop, "inventory", "create-payment", 2 * ORDERS).await;
    for neighbour in ["order", "inventory", "delivery", "notify"] {
        expect_forgotten(&shop, neighbour).await;
    }
    payment.restart().unwrap();
    shop.expect_invariants().await;
    expect_each_stored_once(&shop).await;
    expect_no_dead_letters(&shop).await;
}

#[tokio::test]
async fn message_whose_acknowledgement_was_lost_before_its_publisher_went_away_that_long_is_stored_once() {
    let shop = Shop::open_with(plan().through_proxy("payment")).await;
    let (payment, proxy) = (shop.premises.process("payment"), shop.premises.proxy("payment"));
    let order = shop.order("tea", 1, "north").await;
    shop.payment(&order).await;
    proxy.mute();
    shop.confirm(&order).await;
    // What payment publishes arrives, and what the server says does not.
    shop.expect_published("wallet", "wallet-debited", &order.id).await;
    payment.kill();
    assert!(shop.premises.service("payment").kept().await.unwrap() > 0, "its database has forgotten the message");
    for neighbour in ["order", "inventory", "delivery", "notify"] {
        expect_forgotten(&shop, neighbour).await;
    }
    proxy.cut();
    payment.restart().unwrap();
    shop.expect_invariants().await;
    expect_each_stored_once(&shop).await;
    expect_no_dead_letters(&shop).await;
}
