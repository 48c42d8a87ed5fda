//! A thousand dead letters are replayed in order, and nothing is done twice.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde_json::{Value, json};
use shop_tests::{Mail, Order, PATIENCE, Plan, Request, SERVICES, Shop};
use testkit::until;

use crate::repairs::outcomes;

/// Every second order dies on its way to a dealer. Two mails about each order die, too.
const ORDERS: usize = 400;
const MAILS: usize = 2 * ORDERS;
const LETTERS: usize = MAILS + ORDERS / 2;
/// How many are on their way at the same time.
const AT_ONCE: usize = 32;
/// More than die: here they need not slow each other down.
const CIRCUIT_THRESHOLD: usize = 10 * LETTERS;

/// A shop in which nobody finds Poison Lane, and each mail is tried once.
async fn a_doomed_shop() -> Shop {
    let plan = Plan::new().smtp().set("notify", "EFFECT_TRIES_MAX", "1");
    let plan = plan.set("delivery", "FAULT", "panic:create-delivery:13 Poison Lane");
    let calm = |plan: Plan, service| plan.set(service, "CIRCUIT_THRESHOLD", CIRCUIT_THRESHOLD.to_string());
    Shop::open_with(SERVICES.into_iter().fold(plan, calm)).await
}

async fn place(shop: &Shop, number: usize) -> Order {
    let mut request = Request::new("tea", 1, ["north", "south"][number / 2 % 2]).automatic();
    if number % 2 == 1 {
        request.body["address"]["line"] = json!("13 Poison Lane");
    }
    shop.place(request).await
}

/// Asks for a replay of all letters, or of all again.
async fn replay(shop: &Shop, more: &[&str]) -> (i32, Value) {
    shop.dead_letters(&[&["replay", "--since", "1h", "--rate", "500", "--wait", "60s"], more].concat()).await
}

/// The mails about these orders, those that came twice twice.
fn mails(shop: &Shop, orders: &[Order]) -> Vec<Mail> {
    let to: BTreeSet<&str> = orders.iter().map(|order| order.email.as_str()).collect();
    shop.all_mails().into_iter().filter(|mail| to.contains(mail.to.as_str())).collect()
}

async fn look(shop: &Shop, orders: &[Order]) -> Vec<Value> {
    futures::stream::iter(orders).map(|order| shop.look(order)).buffered(AT_ONCE).collect().await
}

#[tokio::test]
async fn a_thousand_dead_letters_are_replayed_in_order_each_once_and_again_nothing_happens() {
    let shop = a_doomed_shop().await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let orders = futures::stream::iter(0..ORDERS).map(|number| place(&shop, number)).buffered(AT_ONCE);
    let orders: Vec<Order> = orders.collect().await;
    until(format_args!("{LETTERS} letters"), PATIENCE * 2, async || {
        let (_, listed) = shop.dead_letters(&["list", "--limit", "1"]).await;
        if listed["matched"] == LETTERS { Ok(()) } else { Err(listed["matched"].to_string()) }
    })
    .await;
    smtp.again().unwrap();
    shop.premises.process("delivery").again_without("FAULT").unwrap();
    shop.premises.ready(shop.premises.service("delivery")).await;

    let (code, replayed) = replay(&shop, &[]).await;
    // Of the orders that are undone by now nothing more comes than the mail that says so.
    assert_eq!((code, &replayed["counts"]), (4, &json!({"done": MAILS, "nothing": ORDERS / 2})));
    expect_replays_in_order(&shop).await;
    shop.expect_invariants().await;
    let (before, mails_before) = (look(&shop, &orders).await, mails(&shop, &orders));
    let ids: BTreeSet<&str> = mails_before.iter().map(|mail| mail.message_id.as_str()).collect();
    assert_eq!((mails_before.len(), ids.len()), (MAILS, MAILS));

    let (code, nothing) = replay(&shop, &[]).await;
    assert_eq!((code, outcomes(&nothing).len()), (3, 0), "{nothing}");
    let (code, again) = replay(&shop, &["--again"]).await;
    // Delivery was killed, and has given the server its letters once more.
    let outcomes = outcomes(&again);
    assert!(code == 4 && outcomes.len() >= LETTERS && outcomes.iter().all(|it| *it == "refused"), "{again}");
    shop.expect_invariants().await;
    assert_eq!(look(&shop, &orders).await, before);
    assert_eq!(mails(&shop, &orders).len(), MAILS);
}

/// The messages went out again in the order of their letters, and each customer was told first what came first.
async fn expect_replays_in_order(shop: &Shop) {
    let dead_letters = shop.outgoing(">").await.into_iter().filter_map(|outgoing| {
        let mark = outgoing.headers.get("dead-replay")?.as_str().to_owned();
        mark.rsplit('/').next()?.parse::<u64>().ok()
    });
    let dead_letters: Vec<u64> = dead_letters.collect();
    assert!(dead_letters.len() == LETTERS && dead_letters.is_sorted(), "{dead_letters:?}");
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for outgoing in shop.outgoing("notify.customer-notified.*").await {
        told.entry(outgoing.key).or_default().push(outgoing.payload["status"].clone());
    }
    let in_order = |told: &&Vec<Value>| **told == ["paid", "completed"] || **told == ["paid", "cancelled"];
    assert_eq!(told.values().filter(in_order).count(), ORDERS, "{told:?}");
}
