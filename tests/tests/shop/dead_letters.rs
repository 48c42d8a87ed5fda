//! A thousand dead letters are replayed in order, and nothing happens twice.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde_json::{Value, json};
use shop_tests::{Mail, Order, PATIENCE, Plan, Request, Shop};
use testkit::until;

use crate::repairs::outcomes;

/// The `create-delivery` of every second order dies, and so do two mails about each order.
const ORDERS: usize = 400;
const MAILS: usize = 2 * ORDERS;
const DEAD_LETTERS_COUNT: usize = MAILS + ORDERS / 2;
/// How many orders are open at the same time.
const AT_ONCE: usize = 32;
/// More than there are dead letters, so that no circuit opens.
const CIRCUIT_THRESHOLD: usize = 10 * DEAD_LETTERS_COUNT;

/// Opens a shop in which deliveries to Poison Lane panic, and each mail is tried once.
async fn shop_with_failures() -> Shop {
    let plan = Plan::new().smtp().set("notify", "EFFECT_TIME_MAX", "1ms");
    let plan = plan.set("delivery", "FAULT", "panic:create-delivery:13 Poison Lane");
    Shop::open_with(plan.set_all("CIRCUIT_THRESHOLD", CIRCUIT_THRESHOLD.to_string())).await
}

async fn place(shop: &Shop, number: usize) -> Order {
    let mut request = Request::new("tea", 1, ["north", "south"][number / 2 % 2]).automatic();
    if number % 2 == 1 {
        request.body["address"]["line"] = json!("13 Poison Lane");
    }
    shop.place(request).await
}

/// Replays all dead letters.
async fn replay(shop: &Shop, more: &[&str]) -> (i32, Value) {
    shop.dead_letters(&[&["replay", "--since", "1h", "--rate", "500", "--wait", "60s"], more].concat()).await
}

/// Returns the mails about these orders; a mail that came twice is there twice.
fn mails(shop: &Shop, orders: &[Order]) -> Vec<Mail> {
    let to: BTreeSet<&str> = orders.iter().map(|order| order.email.as_str()).collect();
    shop.all_mails().into_iter().filter(|mail| to.contains(mail.to.as_str())).collect()
}

async fn look(shop: &Shop, orders: &[Order]) -> Vec<Value> {
    futures::stream::iter(orders).map(|order| shop.look(order)).buffered(AT_ONCE).collect().await
}

#[tokio::test]
async fn thousand_dead_letters_are_replayed_in_order_and_a_second_replay_changes_nothing() {
    let shop = shop_with_failures().await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let orders = futures::stream::iter(0..ORDERS).map(|number| place(&shop, number)).buffered(AT_ONCE);
    let orders: Vec<Order> = orders.collect().await;
    until(format_args!("{DEAD_LETTERS_COUNT} dead letters"), PATIENCE * 2, async || {
        let (_, listed) = shop.dead_letters(&["list", "--limit", "1"]).await;
        if listed["matched"] == DEAD_LETTERS_COUNT { Ok(()) } else { Err(listed["matched"].to_string()) }
    })
    .await;
    smtp.restart().unwrap();
    shop.premises.process("delivery").restart_without("FAULT").unwrap();
    shop.premises.ready(shop.premises.service("delivery")).await;

    let (code, replayed) = replay(&shop, &[]).await;
    // The orders without delivery are cancelled by now: their replays do nothing, but their mails are sent.
    assert_eq!((code, &replayed["counts"]), (4, &json!({"done": MAILS, "nothing": ORDERS / 2})));
    expect_replays_in_order(&shop).await;
    shop.expect_invariants().await;
    let (before, mails_before) = (look(&shop, &orders).await, mails(&shop, &orders));
    let ids: BTreeSet<&str> = mails_before.iter().map(|mail| mail.message_id.as_str()).collect();
    assert_eq!((mails_before.len(), ids.len()), (MAILS, MAILS));

    let (code, nothing) = replay(&shop, &[]).await;
    assert_eq!((code, outcomes(&nothing).len()), (3, 0), "{nothing}");
    let (code, again) = replay(&shop, &["--again"]).await;
    // Delivery was killed and may have published its dead letters once more.
    let outcomes = outcomes(&again);
    assert!(code == 4 && outcomes.len() >= DEAD_LETTERS_COUNT && outcomes.iter().all(|it| *it == "refused"), "{again}");
    shop.expect_invariants().await;
    assert_eq!(look(&shop, &orders).await, before);
    assert_eq!(mails(&shop, &orders).len(), MAILS);
}

/// Checks that the messages were published again in the order of their dead letters, and that each customer was
/// notified in the order of the events.
async fn expect_replays_in_order(shop: &Shop) {
    let dead_letters = shop.published(">").await.into_iter().filter_map(|message| {
        let mark = message.headers.get("dead-replay")?.as_str().to_owned();
        mark.rsplit('/').next()?.parse::<u64>().ok()
    });
    let dead_letters: Vec<u64> = dead_letters.collect();
    assert!(dead_letters.len() == DEAD_LETTERS_COUNT && dead_letters.is_sorted(), "{dead_letters:?}");
    let mut notified: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for message in shop.published("notify.customer-notified.*").await {
        notified.entry(message.key).or_default().push(message.payload["status"].clone());
    }
    let in_order = |seen: &&Vec<Value>| **seen == ["paid", "completed"] || **seen == ["paid", "cancelled"];
    assert_eq!(notified.values().filter(in_order).count(), ORDERS, "{notified:?}");
}
