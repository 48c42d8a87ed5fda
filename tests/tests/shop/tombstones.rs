//! A compensation that arrives before its step: the subscriber writes a tombstone, and the step finds it and does
//! nothing.

use serde_json::json;
use shop_tests::Shop;
use uuid::Uuid;

use crate::outcomes::shared_shop;

/// Returns the id of an order that exists only in messages.
fn new_order_id() -> String {
    Uuid::now_v7().to_string()
}

async fn statuses(shop: &Shop, service: &str, path: String) -> Vec<String> {
    let rows = shop.list(service, &path).await;
    rows.iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn create_payment_after_cancel_payment_does_nothing() {
    let shop = shared_shop().await;
    let id = new_order_id();
    shop.publish_as("order", "cancel-payment", &id, &json!({"order_id": id, "reason": "customer-cancelled"})).await;
    shop.expect_published("payment", "cancel-order", &id).await;
    let create = json!({"order_id": id, "customer_id": Uuid::now_v7(), "confirmation": "automatic",
        "amount": {"amount_minor": 100, "currency": "EUR"}});
    shop.publish_as("inventory", "create-payment", &id, &create).await;
    shop.expect_all_received().await;
    let active = statuses(&shop, "payment", format!("/payments?order_id={id}")).await;
    assert!(active.iter().all(|status| status == "cancelled"), "{active:?}");
    assert_eq!(shop.count_published("payment", "payment-created", &id).await, 0);
    assert_eq!(shop.count_published("payment", "order-confirmed", &id).await, 0);
    assert_eq!(shop.count_published("payment", "cancel-order", &id).await, 1);
}

#[tokio::test]
async fn reserve_stock_after_cancel_order_does_nothing() {
    let shop = shared_shop().await;
    let (id, tea) = (new_order_id(), shop.product(10).await);
    shop.publish_as("payment", "cancel-order", &id, &json!({"order_id": id, "reason": "customer-cancelled"})).await;
    let reserve = json!({"order_id": id, "customer_id": Uuid::now_v7(), "confirmation": "automatic",
        "lines": [{"sku": tea, "quantity": 2}]});
    shop.publish_as("order", "reserve-stock", &id, &reserve).await;
    shop.expect_all_received().await;
    assert_eq!(shop.count_published("inventory", "create-payment", &id).await, 0);
    shop.expect_invariants().await;
}

#[tokio::test]
async fn create_delivery_after_cancel_delivery_does_nothing() {
    let shop = shared_shop().await;
    let (id, zone) = (new_order_id(), shop.zone(1).await);
    shop.publish_as("order", "cancel-delivery", &id, &json!({"order_id": id, "reason": "customer-cancelled"})).await;
    shop.expect_published("delivery", "cancel-payment", &id).await;
    let create = json!({"order_id": id, "address": {"zone": zone, "line": "1 Hill Road"}});
    shop.publish_as("order", "create-delivery", &id, &create).await;
    shop.expect_all_received().await;
    assert_eq!(shop.count_published("delivery", "delivery-assigned", &id).await, 0);
    assert_eq!(shop.count_published("delivery", "cancel-payment", &id).await, 1);
    let active = statuses(&shop, "delivery", format!("/deliveries?order_id={id}")).await;
    assert!(active.iter().all(|status| status == "cancelled"), "{active:?}");
    let order = shop.order_automatic("tea", 1, &zone).await;
    shop.expect(&order, "completed").await;
}
