//! What died is found, and repaired without harm.

use reqwest::Method;
use serde_json::{Value, json};
use shop_tests::{Order, PATIENCE, Plan, Request, Shop, headers};
use testkit::until;

use crate::races::a_shop_alone;

/// The one letter in an order's story, if it is there by now.
async fn letter_of(shop: &Shop, order: &Order) -> Result<Value, String> {
    let (code, listed) = shop.dead_letters(&["list", "--key", &order.id]).await;
    match listed["dead_letters"].as_array().map(Vec::as_slice) {
        Some([letter]) if code == 0 => Ok(letter.clone()),
        _ => Err(format!("{code} {listed}")),
    }
}

pub(crate) async fn the_letter_of(shop: &Shop, order: &Order) -> Value {
    until("its letter", PATIENCE, async || letter_of(shop, order).await).await
}

/// Checks that nothing has died. The notices that a message was late don't count.
pub(crate) async fn expect_no_letters(shop: &Shop) {
    let (code, left) = shop.dead_letters(&["list"]).await;
    assert_eq!((code, &left["dead_letters"]), (3, &json!([])), "{left}");
}

/// Checks what a service says of compensations that died: how many there are, and the first of them.
async fn expect_dead_undos(shop: &Shop, service: &str, wanted: Option<&str>) {
    until(format_args!("{service} to report {wanted:?}"), PATIENCE, async || {
        let (ready, count) =
            (shop.get(service, "/readyz").await, shop.metric(service, "choreography_dead_compensations").await);
        let told = ready.body["compensations"].as_str();
        let tells = wanted.map_or(told.is_none() && count == 0.0, |compensation| {
            told.is_some_and(|told| told.contains(compensation)) && count == 1.0
        });
        // It does its work all the same.
        if ready.status == 200 && tells { Ok(()) } else { Err(format!("{count} {ready:?}")) }
    })
    .await;
}

/// An order for which delivery was asked too late: its letter's number, once everything is undone.
async fn an_order_that_died_at_delivery(shop: &Shop) -> (Order, String) {
    let order = shop.order("tea", 1, "north").await;
    shop.payment(&order).await;
    let mut late = headers("order", "create-delivery", &order.id);
    late.insert("ce-expirytime", "2026-01-01T00:00:00Z");
    let payload = json!({"order_id": order.id, "address": {"zone": "north", "line": "1 Hill Road"}});
    shop.publish(format!("order.create-delivery.{}", order.id), late, payload.to_string()).await;
    shop.expect(&order, "cancelled").await;
    let letter = the_letter_of(shop, &order).await;
    assert_eq!((&letter["service"], &letter["message"]), (&json!("delivery"), &json!("create-delivery")));
    assert_eq!((&letter["reason"], &letter["key"]), (&json!("expired"), &json!(order.id)));
    (order, letter["sequence"].to_string())
}

pub(crate) fn outcomes(report: &Value) -> Vec<&str> {
    let dead_letters = report["dead_letters"].as_array().map(Vec::as_slice).unwrap_or_default();
    dead_letters.iter().filter_map(|letter| letter["outcome"].as_str()).collect()
}

#[tokio::test]
async fn an_order_whose_step_died_is_undone_and_a_replay_says_that_it_changes_nothing() {
    let shop = a_shop_alone().await;
    let (order, letter) = an_order_that_died_at_delivery(&shop).await;
    shop.expect_invariants().await;
    let (code, planned) = shop.dead_letters(&["replay", &letter, "--dry-run"]).await;
    assert_eq!((code, outcomes(&planned)), (0, vec!["planned"]), "{planned}");
    let (code, replayed) = shop.dead_letters(&["replay", &letter]).await;
    assert_eq!((code, outcomes(&replayed)), (4, vec!["nothing"]), "{replayed}");
    let (code, again) = shop.dead_letters(&["replay", &letter, "--again"]).await;
    assert_eq!((code, outcomes(&again)), (4, vec!["refused"]), "{again}");
    let (code, left) = shop.dead_letters(&["list", "--key", &order.id]).await;
    assert_eq!((code, &left["dead_letters"]), (3, &json!([])), "{left}");
    shop.expect_heard().await;
    assert_eq!(shop.look(&order).await["status"], "cancelled");
    assert_eq!(shop.deliveries(&order).await.iter().filter(|delivery| delivery["status"] == "assigned").count(), 0);
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_letter_that_is_dropped_is_seen_to() {
    let shop = a_shop_alone().await;
    let (order, letter) = an_order_that_died_at_delivery(&shop).await;
    let (code, dropped) = shop.dead_letters(&["drop", &letter, "--reason", "the customer was called"]).await;
    assert_eq!((code, outcomes(&dropped)), (0, vec!["done"]), "{dropped}");
    let (code, replayed) = shop.dead_letters(&["replay", &letter]).await;
    assert_eq!((code, outcomes(&replayed)), (4, vec!["skipped"]), "{replayed}");
    let (_, shown) = shop.dead_letters(&["show", &letter]).await;
    assert!(shown.to_string().contains("the customer was called"), "{shown}");
    shop.forget(&order);
}

#[tokio::test]
async fn a_reaction_that_panics_harms_its_own_order_only() {
    let plan = Plan::new().set("order", "FAULT", "panic:order-confirmed:4242");
    let shop = Shop::open_with(plan).await;
    // The amount is in the confirmation: tea for 42.42, of which there is one piece.
    let cursed = json!({"name": "Cursed tea", "price": {"amount_cents": 4242, "currency": "EUR"}, "stock": 9});
    shop.send(shop.request(Method::PUT, "inventory", "/products/cursed").json(&cursed)).await.ok();
    let (doomed, well) =
        (shop.order_automatic("cursed", 1, "north").await, shop.order_automatic("tea", 1, "north").await);
    shop.expect(&doomed, "cancelled").await;
    shop.expect(&well, "completed").await;
    shop.expect_payment(&doomed, "refunded").await;
    let letter = the_letter_of(&shop, &doomed).await;
    assert_eq!((&letter["service"], &letter["reason"]), (&json!("order"), &json!("poison")));
    // The same reaction panics again, which does no harm either.
    let (code, replayed) = shop.dead_letters(&["replay", &letter["sequence"].to_string()]).await;
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
    let letter = until("its letter", PATIENCE * 2, async || {
        if delivery.ended().is_some() {
            starts.set(starts.get() + 1);
            assert!(starts.get() < 10, "it dies for ever");
            delivery.again().unwrap();
        }
        letter_of(&shop, &doomed).await
    })
    .await;
    assert!(starts.get() >= 2, "{starts:?}");
    assert_eq!((&letter["service"], &letter["reason"]), (&json!("delivery"), &json!("poison")));
    shop.premises.ready(shop.premises.service("delivery")).await;
    let well = shop.order_automatic("tea", 1, "south").await;
    shop.expect(&well, "completed").await;
    shop.expect(&doomed, "cancelled").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn an_undo_that_died_is_reported_until_its_letter_is_replayed() {
    let shop = Shop::open_with(Plan::new().set("payment", "FAULT", "panic:cancel-payment:no-dealer")).await;
    let order = shop.order_automatic("tea", 2, "nowhere").await;
    let letter = the_letter_of(&shop, &order).await;
    assert_eq!((&letter["service"], &letter["message"]), (&json!("payment"), &json!("cancel-payment")));
    let compensation = format!("delivery.cancel-payment.{}", order.id);
    expect_dead_undos(&shop, "payment", Some(&compensation)).await;
    let (payment, errors) = (shop.premises.process("payment"), ["a message died", "a story is half undone"]);
    let log = payment.log();
    let logged =
        |words: &str| log.lines().any(|line| [" ERROR ", words, &compensation].iter().all(|it| line.contains(it)));
    assert!(errors.into_iter().all(logged), "{log}");
    // The money is kept, and the order does not know what to become, until the cause is mended.
    shop.expect_payment(&order, "confirmed").await;
    assert_eq!(shop.look(&order).await["status"], "confirmed");
    payment.again_without("FAULT").unwrap();
    shop.premises.ready(shop.premises.service("payment")).await;
    expect_dead_undos(&shop, "payment", Some(&compensation)).await;
    let (code, replayed) = shop.dead_letters(&["replay", &letter["sequence"].to_string()]).await;
    assert_eq!((code, outcomes(&replayed)), (0, vec!["done"]), "{replayed}");
    expect_dead_undos(&shop, "payment", None).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "no-dealer");
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
}
