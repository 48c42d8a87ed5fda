//! What may cross on its way, and the only right outcome. One test at a time in these premises: they pause services.

use std::sync::Arc;

use serde_json::{Value, json};
use shop_tests::{Order, Plan, Premises, Shop};
use testkit::until;
use tokio::sync::{Mutex, OnceCell};

/// A shop in which nobody else is, so that its services can be paused.
pub(crate) async fn a_shop_alone() -> Shop {
    static PREMISES: OnceCell<(Arc<Premises>, Arc<Mutex<()>>)> = OnceCell::const_new();
    Shop::alone(&PREMISES, Plan::new()).await
}

/// An order that is paid and waits for a dealer, because delivery is paused.
async fn a_confirmed_order(shop: &Shop, zone: &str) -> Order {
    shop.premises.process("delivery").pause().unwrap();
    let order = shop.order_automatic("tea", 2, zone).await;
    shop.expect(&order, "confirmed").await;
    order
}

async fn wake(shop: &Shop, service: &str) {
    shop.premises.process(service).wake().unwrap();
    shop.premises.ready(shop.premises.service(service)).await;
}

#[tokio::test]
async fn the_customer_cancels_a_pending_order() {
    let shop = a_shop_alone().await;
    let order = shop.order("tea", 2, "north").await;
    shop.payment(&order).await;
    shop.cancel(&order).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "customer-cancelled");
    shop.expect_said("order", "cancel-payment", &order.id).await;
    shop.expect_payment(&order, "cancelled").await;
    shop.try_confirm(&order).await.problem(&[409]);
    shop.expect_invariants().await;
    assert_eq!(shop.count_said("order", "cancel-delivery", &order.id).await, 0);
}

#[tokio::test]
async fn the_customer_cancels_a_confirmed_order() {
    let shop = a_shop_alone().await;
    let order = a_confirmed_order(&shop, "north").await;
    shop.cancel(&order).await;
    wake(&shop, "delivery").await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "customer-cancelled");
    shop.expect_said("order", "cancel-delivery", &order.id).await;
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
    assert_eq!(shop.count_said("order", "cancel-payment", &order.id).await, 0);
}

#[tokio::test]
async fn a_completed_order_can_not_be_cancelled() {
    let shop = a_shop_alone().await;
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    shop.try_cancel(&order).await.problem(&[409]);
    shop.expect_invariants().await;
    assert_eq!(shop.look(&order).await["status"], "completed");
}

#[tokio::test]
async fn a_cancelled_order_that_is_cancelled_again_is_the_same() {
    let shop = a_shop_alone().await;
    let order = shop.order("tea", 1, "north").await;
    shop.cancel(&order).await;
    shop.expect_invariants().await;
    shop.expect_said("notify", "customer-notified", &order.id).await;
    shop.expect_heard().await;
    let before = shop.look(&order).await;
    assert_eq!(shop.cancel(&order).await, before);
    shop.expect_mails(&order, 1).await;
    assert_eq!(shop.count_said("order", "cancel-payment", &order.id).await, 1);
}

#[tokio::test]
async fn out_of_stock_and_the_customer_cancels_cancelled_once_and_one_mail() {
    let shop = a_shop_alone().await;
    shop.premises.process("inventory").pause().unwrap();
    let order = shop.order("unicorn", 1, "north").await;
    shop.cancel(&order).await;
    wake(&shop, "inventory").await;
    shop.expect(&order, "cancelled").await;
    shop.expect_said("inventory", "cancel-order", &order.id).await;
    shop.expect_said("payment", "cancel-order", &order.id).await;
    shop.expect_invariants().await;
    shop.expect_mails(&order, 1).await;
}

#[tokio::test]
async fn a_confirmation_that_comes_to_a_cancelled_order_does_nothing() {
    let shop = a_shop_alone().await;
    let order = shop.order("tea", 1, "north").await;
    let payment = shop.payment(&order).await;
    shop.cancel(&order).await;
    shop.expect(&order, "cancelled").await;
    let confirmed = json!({"order_id": order.id, "payment_id": payment["id"], "amount": payment["amount"]});
    shop.say("payment", "order-confirmed", &order.id, &confirmed).await;
    shop.expect_heard().await;
    shop.expect_invariants().await;
    assert_eq!(shop.look(&order).await["status"], "cancelled");
    assert_eq!(shop.count_said("order", "create-delivery", &order.id).await, 0);
}

#[tokio::test]
async fn no_dealer_and_the_customer_cancels_two_undos_and_one_refund() {
    let shop = a_shop_alone().await;
    let order = a_confirmed_order(&shop, "nowhere").await;
    shop.cancel(&order).await;
    wake(&shop, "delivery").await;
    shop.expect(&order, "cancelled").await;
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
    assert_eq!(shop.count_said("delivery", "cancel-payment", &order.id).await, 2);
    assert_eq!(shop.count_said("payment", "cancel-order", &order.id).await, 1);
}

#[tokio::test]
async fn pieces_that_have_left_go_back_on_the_shelf_when_the_order_is_cancelled() {
    let shop = a_shop_alone().await;
    let tea = shop.product(10).await;
    shop.premises.process("delivery").pause().unwrap();
    let order = shop.order_automatic(&tea, 2, "north").await;
    shop.expect(&order, "confirmed").await;
    shop.cancel(&order).await;
    wake(&shop, "delivery").await;
    // Delivery receives the order first and then its cancellation, so inventory receives both ends.
    shop.expect_said("delivery", "delivery-assigned", &order.id).await;
    shop.expect(&order, "cancelled").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn an_assigned_dealer_after_the_cancellation_is_ignored() {
    let shop = a_shop_alone().await;
    let order = shop.order("tea", 2, "north").await;
    shop.cancel_payment(&order).await;
    shop.expect(&order, "cancelled").await;
    let assigned = json!({"order_id": order.id, "delivery_id": uuid::Uuid::now_v7(), "dealer": "nobody"});
    shop.say("delivery", "delivery-assigned", &order.id, &assigned).await;
    shop.expect_heard().await;
    shop.expect_invariants().await;
    assert_eq!(shop.look(&order).await["status"], "cancelled");
}

#[tokio::test]
async fn a_delivery_that_is_complete_stays_so_and_the_money_goes_back() {
    let shop = a_shop_alone().await;
    let tea = shop.product(10).await;
    let order = shop.order_automatic(&tea, 2, "north").await;
    shop.expect(&order, "completed").await;
    let delivery = shop.deliveries(&order).await[0].clone();
    let path = format!("/deliveries/{}/complete", delivery["id"].as_str().unwrap());
    shop.post("delivery", &path, &json!({})).await.ok();
    let compensation = json!({"order_id": order.id, "reason": "customer-cancelled"});
    shop.say("order", "cancel-delivery", &order.id, &compensation).await;
    shop.expect_payment(&order, "refunded").await;
    assert_eq!(shop.deliveries(&order).await[0]["status"], "completed");
    until("the loss to be logged", shop_tests::PATIENCE, async || {
        let log = shop.premises.process("delivery").last_words(50);
        if log.contains("lost") && log.contains(&order.id) { Ok(()) } else { Err(log) }
    })
    .await;
    shop.forget(&order);
}

/// What nobody can read: it dies at once, and what its step has for that case happens.
async fn say_poison(shop: &Shop, publisher: &str, name: &str, order: &Order) {
    shop.say(publisher, name, &order.id, &json!({"order_id": order.id, "poison": true})).await;
}

#[tokio::test]
async fn a_confirmation_that_dies_at_order_cancels_order_and_payment() {
    let shop = a_shop_alone().await;
    let order = shop.order("tea", 2, "north").await;
    shop.payment(&order).await;
    say_poison(&shop, "payment", "order-confirmed", &order).await;
    shop.expect_said("order", "cancel-payment", &order.id).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "failed");
    shop.expect_payment(&order, "cancelled").await;
    shop.expect_invariants().await;
    expect_letter(&shop, &format!("dead.order.order-confirmed.{}", order.id)).await;
}

#[tokio::test]
async fn an_assigned_dealer_that_dies_at_order_is_freed() {
    let shop = a_shop_alone().await;
    let order = a_confirmed_order(&shop, "north").await;
    say_poison(&shop, "delivery", "delivery-assigned", &order).await;
    shop.expect_said("order", "cancel-delivery", &order.id).await;
    wake(&shop, "delivery").await;
    shop.expect(&order, "cancelled").await;
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
    expect_letter(&shop, &format!("dead.order.delivery-assigned.{}", order.id)).await;
}

async fn expect_letter(shop: &Shop, subject: &str) {
    let stream = shop.jetstream().await.get_stream("DEAD_LETTERS").await.unwrap();
    let letter = until(format_args!("a letter {subject}"), shop_tests::PATIENCE, async || {
        stream.get_last_raw_message_by_subject(subject).await.map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(letter.headers.get("dead-reason").map(|reason| reason.as_str()), Some("poison"), "{letter:?}");
    let payload: Value = serde_json::from_slice(&letter.payload).unwrap();
    assert_eq!(payload["poison"], true, "the letter carries what died");
}
