//! Messages that may overtake each other, and the only right outcome. The tests share premises and run one at a time,
//! because they pause services.

use std::sync::Arc;

use serde_json::{Value, json};
use shop_tests::{Order, Plan, Premises, Shop};
use testkit::until;
use tokio::sync::{Mutex, OnceCell};

/// Returns a shop that no other test uses at the same time, so that its services can be paused.
pub(crate) async fn exclusive_shop() -> Shop {
    static PREMISES: OnceCell<(Arc<Premises>, Arc<Mutex<()>>)> = OnceCell::const_new();
    Shop::alone(&PREMISES, Plan::new()).await
}

/// Pauses delivery and returns an order that is paid and waits for a dealer.
async fn confirmed_order(shop: &Shop, zone: &str) -> Order {
    shop.premises.process("delivery").pause().unwrap();
    let order = shop.order_automatic("tea", 2, zone).await;
    shop.expect(&order, "confirmed").await;
    order
}

async fn resume(shop: &Shop, service: &str) {
    shop.premises.process(service).resume().unwrap();
    shop.premises.ready(shop.premises.service(service)).await;
}

#[tokio::test]
async fn customer_can_cancel_a_pending_order() {
    let shop = exclusive_shop().await;
    let order = shop.order("tea", 2, "north").await;
    shop.payment(&order).await;
    shop.cancel(&order).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "customer-cancelled");
    shop.expect_published("order", "cancel-payment", &order.id).await;
    shop.expect_payment(&order, "cancelled").await;
    shop.try_confirm(&order).await.problem(&[409]);
    shop.expect_invariants().await;
    assert_eq!(shop.count_published("order", "cancel-delivery", &order.id).await, 0);
}

#[tokio::test]
async fn customer_can_cancel_a_confirmed_order() {
    let shop = exclusive_shop().await;
    let order = confirmed_order(&shop, "north").await;
    shop.cancel(&order).await;
    resume(&shop, "delivery").await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "customer-cancelled");
    shop.expect_published("order", "cancel-delivery", &order.id).await;
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
    assert_eq!(shop.count_published("order", "cancel-payment", &order.id).await, 0);
}

#[tokio::test]
async fn completed_order_cannot_be_cancelled() {
    let shop = exclusive_shop().await;
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    shop.try_cancel(&order).await.problem(&[409]);
    shop.expect_invariants().await;
    assert_eq!(shop.look(&order).await["status"], "completed");
}

#[tokio::test]
async fn cancelling_a_cancelled_order_again_changes_nothing() {
    let shop = exclusive_shop().await;
    let order = shop.order("tea", 1, "north").await;
    shop.cancel(&order).await;
    shop.expect_invariants().await;
    shop.expect_published("notify", "customer-notified", &order.id).await;
    shop.expect_all_received().await;
    let before = shop.look(&order).await;
    assert_eq!(shop.cancel(&order).await, before);
    shop.expect_mails(&order, 1).await;
    assert_eq!(shop.count_published("order", "cancel-payment", &order.id).await, 1);
}

#[tokio::test]
async fn order_out_of_stock_that_the_customer_cancels_is_cancelled_once_with_one_mail() {
    let shop = exclusive_shop().await;
    shop.premises.process("inventory").pause().unwrap();
    let order = shop.order("unicorn", 1, "north").await;
    shop.cancel(&order).await;
    resume(&shop, "inventory").await;
    shop.expect(&order, "cancelled").await;
    shop.expect_published("inventory", "cancel-order", &order.id).await;
    shop.expect_published("payment", "cancel-order", &order.id).await;
    shop.expect_invariants().await;
    shop.expect_mails(&order, 1).await;
}

#[tokio::test]
async fn confirmation_of_a_cancelled_order_does_nothing() {
    let shop = exclusive_shop().await;
    let order = shop.order("tea", 1, "north").await;
    let payment = shop.payment(&order).await;
    shop.cancel(&order).await;
    shop.expect(&order, "cancelled").await;
    let confirmed = json!({"order_id": order.id, "payment_id": payment["id"], "amount": payment["amount"]});
    shop.publish_as("payment", "order-confirmed", &order.id, &confirmed).await;
    shop.expect_all_received().await;
    shop.expect_invariants().await;
    assert_eq!(shop.look(&order).await["status"], "cancelled");
    assert_eq!(shop.count_published("order", "create-delivery", &order.id).await, 0);
}

#[tokio::test]
async fn order_without_dealer_that_the_customer_cancels_has_two_compensations_and_one_refund() {
    let shop = exclusive_shop().await;
    let order = confirmed_order(&shop, "nowhere").await;
    shop.cancel(&order).await;
    resume(&shop, "delivery").await;
    shop.expect(&order, "cancelled").await;
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
    assert_eq!(shop.count_published("delivery", "cancel-payment", &order.id).await, 2);
    assert_eq!(shop.count_published("payment", "cancel-order", &order.id).await, 1);
}

#[tokio::test]
async fn delivered_pieces_go_back_to_stock_when_the_order_is_cancelled() {
    let shop = exclusive_shop().await;
    let tea = shop.product(10).await;
    shop.premises.process("delivery").pause().unwrap();
    let order = shop.order_automatic(&tea, 2, "north").await;
    shop.expect(&order, "confirmed").await;
    shop.cancel(&order).await;
    resume(&shop, "delivery").await;
    // Delivery receives the order first and then its cancellation, so inventory receives both outcomes.
    shop.expect_published("delivery", "delivery-assigned", &order.id).await;
    shop.expect(&order, "cancelled").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn dealer_assigned_after_the_cancellation_is_ignored() {
    let shop = exclusive_shop().await;
    let order = shop.order("tea", 2, "north").await;
    shop.cancel_payment(&order).await;
    shop.expect(&order, "cancelled").await;
    let assigned = json!({"order_id": order.id, "delivery_id": uuid::Uuid::now_v7(), "dealer": "nobody"});
    shop.publish_as("delivery", "delivery-assigned", &order.id, &assigned).await;
    shop.expect_all_received().await;
    shop.expect_invariants().await;
    assert_eq!(shop.look(&order).await["status"], "cancelled");
}

#[tokio::test]
async fn completed_delivery_stays_completed_its_pieces_stay_gone_and_the_money_goes_back() {
    let shop = exclusive_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order_automatic(&tea, 2, "north").await;
    shop.expect(&order, "completed").await;
    let delivery = shop.deliveries(&order).await[0].clone();
    let path = format!("/deliveries/{}/complete", delivery["id"].as_str().unwrap());
    shop.post("delivery", &path, &json!({})).await.ok();
    let compensation = json!({"order_id": order.id, "reason": "customer-cancelled"});
    shop.publish_as("order", "cancel-delivery", &order.id, &compensation).await;
    shop.expect_payment(&order, "refunded").await;
    assert_eq!(shop.deliveries(&order).await[0]["status"], "completed");
    until("the loss to be logged", shop_tests::PATIENCE, async || {
        let log = shop.premises.process("delivery").last_lines(50);
        if log.contains("lost") && log.contains(&order.id) { Ok(()) } else { Err(log) }
    })
    .await;
    assert_eq!(shop.expect_published("payment", "cancel-order", &order.id).await.payload["goods_gone"], true);
    shop.expect_all_received().await;
    let product = shop.get("inventory", &format!("/products/{tea}")).await.ok();
    assert_eq!((&product["stock"], &product["held"]), (&json!(8), &json!(0)), "sold pieces are back: {product}");
    assert_eq!(shop.look(&order).await["status"], "completed");
    shop.forget(&order);
}

/// Publishes a message that cannot be decoded: it dies at once, and the fallback of its reaction runs.
async fn publish_poison(shop: &Shop, publisher: &str, name: &str, order: &Order) {
    shop.publish_as(publisher, name, &order.id, &json!({"order_id": order.id, "poison": true})).await;
}

#[tokio::test]
async fn dead_confirmation_cancels_order_and_payment() {
    let shop = exclusive_shop().await;
    let order = shop.order("tea", 2, "north").await;
    shop.payment(&order).await;
    publish_poison(&shop, "payment", "order-confirmed", &order).await;
    shop.expect_published("order", "cancel-payment", &order.id).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "failed");
    shop.expect_payment(&order, "cancelled").await;
    shop.expect_invariants().await;
    expect_dead_letter(&shop, &format!("dead.order.order-confirmed.{}", order.id)).await;
}

#[tokio::test]
async fn dead_assignment_frees_the_dealer() {
    let shop = exclusive_shop().await;
    let order = confirmed_order(&shop, "north").await;
    publish_poison(&shop, "delivery", "delivery-assigned", &order).await;
    shop.expect_published("order", "cancel-delivery", &order.id).await;
    resume(&shop, "delivery").await;
    shop.expect(&order, "cancelled").await;
    shop.expect_payment(&order, "refunded").await;
    shop.expect_invariants().await;
    expect_dead_letter(&shop, &format!("dead.order.delivery-assigned.{}", order.id)).await;
}

async fn expect_dead_letter(shop: &Shop, subject: &str) {
    let stream = shop.jetstream().await.get_stream("DEAD_LETTERS").await.unwrap();
    let dead_letter = until(format_args!("the dead letter {subject}"), shop_tests::PATIENCE, async || {
        stream.get_last_raw_message_by_subject(subject).await.map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(dead_letter.headers.get("dead-reason").map(|reason| reason.as_str()), Some("poison"), "{dead_letter:?}");
    let payload: Value = serde_json::from_slice(&dead_letter.payload).unwrap();
    assert_eq!(payload["poison"], true, "the dead letter has the payload of the message");
}
