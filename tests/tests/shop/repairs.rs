//! What died is found, and repaired without harm.

use serde_json::{Value, json};
use shop_tests::{Order, PATIENCE, Shop, headers};
use testkit::until;

use crate::races::a_shop_alone;

/// An order for which delivery was asked too late: its letter's number, once everything is undone.
async fn an_order_that_died_at_delivery(shop: &Shop) -> (Order, String) {
    let order = shop.order("tea", 1, "north").await;
    shop.payment(&order).await;
    let mut late = headers("order", "create-delivery", &order.id);
    late.insert("ce-expirytime", "2026-01-01T00:00:00Z");
    let payload = json!({"order_id": order.id, "address": {"zone": "north", "line": "1 Hill Road"}});
    shop.publish(format!("order.create-delivery.{}", order.id), late, payload.to_string()).await;
    shop.expect(&order, "cancelled").await;
    let letter = until("its letter", PATIENCE, async || {
        let (code, listed) = shop.dead_letters(&["list", "--order", &order.id]).await;
        let letters = listed["letters"].as_array().cloned().unwrap_or_default();
        match letters.as_slice() {
            [letter] if code == 0 => Ok(letter.clone()),
            _ => Err(format!("{code} {listed}")),
        }
    })
    .await;
    assert_eq!((&letter["service"], &letter["message"]), (&json!("delivery"), &json!("create-delivery")));
    assert_eq!((&letter["reason"], &letter["key"]), (&json!("expired"), &json!(order.id)));
    (order, letter["sequence"].to_string())
}

fn outcomes(report: &Value) -> Vec<&str> {
    let letters = report["letters"].as_array().map(Vec::as_slice).unwrap_or_default();
    letters.iter().filter_map(|letter| letter["outcome"].as_str()).collect()
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
    let (code, left) = shop.dead_letters(&["list", "--order", &order.id]).await;
    assert_eq!((code, &left["letters"]), (3, &json!([])), "{left}");
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
