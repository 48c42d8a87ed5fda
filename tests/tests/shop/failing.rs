//! Parts of the shop fail, and it fails well: it slows its intake down, loses nothing, and goes on by itself.

use std::time::Duration;

use serde_json::json;
use shop_tests::{Order, PATIENCE, Plan, Reply, Request, Shop};
use testkit::until;

use crate::repairs::{outcomes, the_letter_of};

/// Longer than a circuit takes to open, or to close: four cycles, and what is overdue before them.
const CIRCUIT_PATIENCE: Duration = Duration::from_secs(90);

/// Waits until a service sees a message's circuit in a state; closed ones are not listed.
async fn expect_circuit(shop: &Shop, service: &str, message: &str, state: &str) {
    until(format_args!("{message} to be {state} at {service}"), CIRCUIT_PATIENCE, async || {
        let shown = shop.get(service, "/circuits").await.ok();
        let circuits = shown["circuits"].as_array().cloned().unwrap_or_default();
        let circuit = circuits.iter().find(|circuit| circuit["message"] == message);
        let is = circuit.map_or(json!("closed"), |circuit| circuit["state"].clone());
        if is == state { Ok(()) } else { Err(shown.to_string()) }
    })
    .await;
}

async fn try_order(shop: &Shop) -> Result<Order, Reply> {
    shop.try_place(Request::new("tea", 1, "south").automatic()).await
}

#[tokio::test]
async fn while_delivery_is_down_new_orders_are_refused_and_the_accepted_ones_end_when_it_is_back() {
    let shop = Shop::open_with(Plan::new().set("order", "OVERDUE_AFTER", "10s")).await;
    let early = shop.order("tea", 1, "north").await;
    shop.payment(&early).await;
    shop.premises.process("delivery").kill();
    let mut accepted = vec![shop.order_automatic("tea", 1, "north").await];
    for state in ["half-open", "open"] {
        expect_circuit(&shop, "order", "create-delivery", state).await;
        // Another service sees the same.
        expect_circuit(&shop, "payment", "create-delivery", state).await;
        accepted.extend(try_order(&shop).await.ok().filter(|_| state == "half-open"));
    }
    let refused = try_order(&shop).await.unwrap_err().problem(&[503]);
    assert_eq!(refused["type"], "urn:problem:circuit-open", "{refused}");
    // What is under way goes on, and undos pass.
    shop.confirm(&early).await;
    shop.expect(&early, "confirmed").await;
    shop.cancel(&early).await;
    shop.expect(&early, "cancelled").await;
    shop.premises.process("delivery").again().unwrap();
    expect_circuit(&shop, "order", "create-delivery", "closed").await;
    for order in &accepted {
        shop.expect_within(order, "completed", CIRCUIT_PATIENCE).await;
    }
    let late = try_order(&shop).await.unwrap();
    shop.expect(&late, "completed").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn mails_wait_for_their_server_and_arrive_once_when_it_is_back() {
    let shop = Shop::open_with(Plan::new().smtp()).await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    until("notify to have tried", PATIENCE, async || {
        let log = shop.premises.process("notify").log();
        if log.contains("is tried again") { Ok(()) } else { Err("not yet") }
    })
    .await;
    smtp.process.again().unwrap();
    shop.expect_mails(&order, 2).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_mail_that_was_given_up_is_sent_when_its_letter_is_replayed() {
    let plan = Plan::new().smtp().set("notify", "EFFECT_TRIES_MAX", "2").set("notify", "EFFECT_BACKOFF", "100ms");
    let shop = Shop::open_with(plan).await;
    let smtp = shop.premises.smtp.as_ref().unwrap();
    smtp.process.kill();
    let order = shop.order("tea", 1, "north").await;
    shop.cancel(&order).await;
    let letter = the_letter_of(&shop, &order).await;
    assert_eq!((&letter["service"], &letter["reason"]), (&json!("notify"), &json!("exhausted")));
    smtp.process.again().unwrap();
    let fingerprint = letter["fingerprint"].as_str().unwrap();
    until("the mail server to take mails again", PATIENCE, async || {
        let (_, replayed) = shop.dead_letters(&["replay", "--fingerprint", fingerprint]).await;
        if outcomes(&replayed) == ["done"] { Ok(()) } else { Err(replayed.to_string()) }
    })
    .await;
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}
