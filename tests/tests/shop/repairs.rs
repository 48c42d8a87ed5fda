//! Dead letters are found and repaired, and a repair does no harm.

use reqwest::Method;
use serde_json::{Value, json};
use shop_tests::{Order, PATIENCE, Plan, Request, Shop, headers};
use testkit::until;

use crate::races::exclusive_shop;

/// Returns the only dead letter in an order's story, or what is there instead.
pub(crate) async fn dead_letter_of(shop: &Shop, order: &Order) -> Result<Value, String> {
    let (code, listed) = shop.dead_letters(&["list", "--key", &order.id]).await;
    match listed["dead_letters"].as_array().map(Vec::as_slice) {
        Some([dead_letter]) if code == 0 => Ok(dead_letter.clone()),
        _ => Err(format!("{code} {listed}")),
    }
}

pub(crate) async fn expect_dead_letter_of(shop: &Shop, order: &Order) -> Value {
    until("its dead letter", PATIENCE, async || dead_letter_of(shop, order).await).await
}

/// Checks that there is no dead letter. Notices about overdue messages don't count.
pub(crate) async fn expect_no_dead_letters(shop: &Shop) {
    let (code, left) = shop.dead_letters(&["list"]).await;
    assert_eq!((code, &left["dead_letters"]), (3, &json!([])), "{left}");
}

/// Waits until a service reports this compensation as its only dead one; with `None`, until it reports none.
async fn expect_dead_compensations(shop: &Shop, service: &str, wanted: Option<&str>) {
    until(format_args!("{service} to report {wanted:?}"), PATIENCE, async || {
        let (ready, count) =
            (shop.get(service, "/readyz").await, shop.metric(service, "choreography_dead_compensations").await);
        let reported = ready.body["compensations"].as_str();
        let matches = wanted.map_or(reported.is_none() && count == 0.0, |compensation| {
            reported.is_some_and(|reported| reported.contains(compensation)) && count == 1.0
        });
        // It stays ready.
        if ready.status == 200 && matches { Ok(()) } else { Err(format!("{count} {ready:?}")) }
    })
    .await;
}

/// Publishes an expired `create-delivery` for a new order. Returns the order and the sequence of its dead letter, once
/// everything is compensated.
async fn order_that_died_at_delivery(shop: &Shop) -> (Order, String) {
    let order = shop.order("tea", 1, "north").await;
    shop.payment(&order).await;
    let mut late = headers("order", "create-delivery", &order.id);
    late.insert("ce-expirytime", "2026-01-01T00:00:00Z");
    let payload = json!({"order_id": order.id, "address": {"zone": "north", "line": "1 Hill Road"}});
    shop.publish(format!("order.create-delivery.{}", order.id), late, payload.to_string()).await;
    shop.expect(&order, "cancelled").await;
    let dead_letter = expect_dead_letter_of(shop, &order).await;
    assert_eq!((&dead_letter["service"], &dead_letter["message"]), (&json!("delivery"), &json!("create-delivery")));
    assert_eq!((&dead_letter["reason"], &dead_letter["key"]), (&json!("expired"), &json!(order.id)));
    (order, dead_letter["sequence"].to_string())
}

pub(crate) fn outcomes(report: &Value) -> Vec<&str> {
    let dead_letters = report["dead_letters"].as_array().map(Vec::as_slice).unwrap_or_default();
    dead_letters.iter().filter_map(|dead_letter| dead_letter["outcome"].as_str()).collect()
}

#[tokio::test]
async fn order_whose_step_died_is_compensated_and_a_replay_reports_that_it_changes_nothing() {
    let shop = exclusive_shop().await;
    let (order, dead_letter) = order_that_died_at_delivery(&shop).await;
    shop.expect_invariants().await;
    let (code, planned) = shop.dead_letters(&["replay", &dead_letter, "--dry-run"]).await;
    assert_eq!((code, outcomes(&planned)), (0, vec!["planned"]), "{planned}");
    let (code, replayed) = shop.dead_letters(&["replay", &dead_letter]).await;
    assert_eq!((code, outcomes(&replayed)), (4, vec!["nothing"]), "{replayed}");
    let (code, again) = shop.dead_letters(&["replay", &dead_letter, "--again"]).await;
    assert_eq!((code, outcomes(&again)), (4, vec!["refused"]), "{again}");
    let (code, left) = shop.dead_letters(&["list", "--key", &order.id]).await;
    assert_eq!((code, &left["dead_letters"]), (3, &json!([])), "{left}");
    shop.expect_all_received().await;
    assert_eq!(shop.look(&order).await["status"], "cancelled");
    assert_eq!(shop.deliveries(&order).await.iter().filter(|delivery| delivery["status"] == "assigned").count(), 0);
    shop.expect_invariants().await;
}

#[tokio::test]
async fn dropped_dead_letter_is_recorded_as_done() {
    let shop = exclusive_shop().await;
    let (order, dead_letter) = order_that_died_at_delivery(&shop).await;
    let (code, dropped) = shop.dead_letters(&["drop", &dead_letter, "--reason", "the customer was called"]).await;
    assert_eq!((code, outcomes(&dropped)), (0, vec!["done"]), "{dropped}");
    let (code, replayed) = shop.dead_letters(&["replay", &dead_letter]).await;
    assert_eq!((code, outcomes(&replayed)), (4, vec!["skipped"]), "{replayed}");
    let (_, shown) = shop.dead_letters(&["show", &dead_letter]).await;
    assert!(shown.to_string().contains("the customer was called"), "{shown}");
    shop.forget(&order);
}

#[tokio::test]
async fn panicking_reaction_harms_only_its_own_order() {
    let plan = Plan::new().set("order", "FAULT", "panic:order-confirmed:4242");
    let shop = Shop::open_with(plan).await;
    // The amount is in the confirmation: tea for 42.42, of which there is one piece.
    let cursed = json!({"name": "Cursed tea", "price": {"amount_minor": 4242, "currency": "EUR"}, "stock": 9});
    shop.send(shop.request(Method::PUT, "inventory", "/products/cursed").json(&cursed)).await.ok();
    let (doomed, well) =
        (shop.order_automatic("cursed", 1, "north").await, shop.order_automatic("tea", 1, "north").await);
    shop.expect(&doomed, "cancelled").await;
    shop.expect(&well, "completed").await;
    shop.expect_payment(&doomed, "refunded").await;
    let dead_letter = expect_dead_letter_of(&shop, &doomed).await;
    assert_eq!((&dead_letter["service"], &dead_letter["reason"]), (&json!("order"), &json!("poison")));
    // The same reaction panics again, and again harms nothing else.
    let (code, replayed) = shop.dead_letters(&["replay", &dead_letter["sequence"].to_string()]).await;
    assert_eq!((code, outcomes(&replayed)), (4, vec!["died"]), "{replayed}");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_message_that_kills_the_process_dies_alone() {
    let plan = Plan::new().set("delivery", "FAULT", "abort:create-delivery:13 Poison Lane");
    let shop = Shop::open_with(plan).await;
    let mut request = Request::new("tea", 1, "north").automatic();
    request.body["address"]["line"] = json!("13 Poison Lane");
    let doomed = shop.place(request).await;
    let delivery = shop.premises.process("delivery");
    let starts = std::cell::Cell::new(0);
    let dead_letter = until("its dead letter", PATIENCE * 2, async || {
        if delivery.ended().is_some() {
            starts.set(starts.get() + 1);
            assert!(starts.get() < 10, "it crashes again and again");
            delivery.restart().unwrap();
        }
        dead_letter_of(&shop, &doomed).await
    })
    .await;
    assert!(starts.get() >= 2, "{starts:?}");
    assert_eq!((&dead_letter["service"], &dead_letter["reason"]), (&json!("delivery"), &json!("poison")));
    shop.premises.ready(shop.premises.service("delivery")).await;
    let well = shop.order_automatic("tea", 1, "south").await;
    shop.expect(&well, "completed").await;
    shop.expect(&doomed, "cancelled").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn dead_compensation_is_reported_until_its_dead_letter_is_replayed() {
    let shop = Shop::open_with(Plan::new().set("payment", "FAULT", "panic:cancel-payment:no-dealer")).await;
    let order = shop.order_automatic("tea", 2, "nowhere").await;
    let dead_letter = expect_dead_letter_of(&shop, &order).await;
    assert_eq!((&dead_letter["service"], &dead_letter["message"]), (&json!("payment"), &json!("cancel-payment")));
    let compensation = format!("delivery.cancel-payment.{}", order.id);
    expect_dead_compensations(&shop, "payment", Some(&compensation)).await;
    let (payment, errors) =
        (shop.premises.process("payment"), ["a message died", "a compensation or a fallback has failed"]);
    let log = payment.log();
    let logged =
        |words: &str| log.lines().any(|line| [" ERROR ", words, &compensation].iter().all(|it| line.contains(it)));
    assert!(errors.into_iter().all(logged), "{log}");
    // The payment stays confirmed, and so does the order, until the cause is fixed.
    shop.expect_payment(&order, "confirmed").await;
    assert_eq!(shop.look(&order).await["status"], "confirmed");
    payment.restart_without("FAULT").unwrap();
    shop.premises.ready(shop.premises.service("payment")).await;
    expect_dead_compensations(&shop, "payment", Some(&compensation)).await;
    let (code, replayed) = shop.dead_letters(&["replay", &dead_letter["sequence"].to_string()]).await;
    assert_eq!((code, outcomes(&replayed)), (0, vec!["done"]), "{replayed}");
    expect_dead_compensations(&shop, "payment", None).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "no-dealer");
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
}
