//! A compensation that comes before its do: whoever receives it writes a tombstone, and the do finds it and does nothing.

use serde_json::json;
use shop_tests::Shop;
use uuid::Uuid;

use crate::sentences::a_shop;

/// An order that only messages know.
fn an_order() -> String {
    Uuid::now_v7().to_string()
}

async fn statuses(shop: &Shop, service: &str, path: String) -> Vec<String> {
    let rows = shop.list(service, &path).await;
    rows.iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn cancel_payment_before_create_payment() {
    let shop = a_shop().await;
    let id = an_order();
    shop.say("order", "cancel-payment", &id, &json!({"order_id": id, "reason": "customer-cancelled"})).await;
    shop.expect_said("payment", "cancel-order", &id).await;
    let create = json!({"order_id": id, "customer_id": Uuid::now_v7(), "confirmation": "automatic",
        "amount": {"amount_cents": 100, "currency": "EUR"}});
    shop.say("inventory", "create-payment", &id, &create).await;
    shop.expect_heard().await;
    let active = statuses(&shop, "payment", format!("/payments?order_id={id}")).await;
    assert!(active.iter().all(|status| status == "cancelled"), "{active:?}");
    assert_eq!(shop.count_said("payment", "payment-created", &id).await, 0);
    assert_eq!(shop.count_said("payment", "order-confirmed", &id).await, 0);
    assert_eq!(shop.count_said("payment", "cancel-order", &id).await, 1);
}

#[tokio::test]
async fn cancel_order_before_reserve_stock() {
    let shop = a_shop().await;
    let (id, tea) = (an_order(), shop.product(10).await);
    shop.say("payment", "cancel-order", &id, &json!({"order_id": id, "reason": "customer-cancelled"})).await;
    let reserve = json!({"order_id": id, "customer_id": Uuid::now_v7(), "confirmation": "automatic",
        "lines": [{"sku": tea, "quantity": 2}]});
    shop.say("order", "reserve-stock", &id, &reserve).await;
    shop.expect_heard().await;
    assert_eq!(shop.count_said("inventory", "create-payment", &id).await, 0);
    shop.expect_invariants().await;
}

#[tokio::test]
async fn cancel_delivery_before_create_delivery() {
    let shop = a_shop().await;
    let (id, zone) = (an_order(), shop.zone(1).await);
    shop.say("order", "cancel-delivery", &id, &json!({"order_id": id, "reason": "customer-cancelled"})).await;
    shop.expect_said("delivery", "cancel-payment", &id).await;
    let create = json!({"order_id": id, "address": {"zone": zone, "line": "1 Hill Road"}});
    shop.say("order", "create-delivery", &id, &create).await;
    shop.expect_heard().await;
    assert_eq!(shop.count_said("delivery", "delivery-assigned", &id).await, 0);
    assert_eq!(shop.count_said("delivery", "cancel-payment", &id).await, 1);
    let active = statuses(&shop, "delivery", format!("/deliveries?order_id={id}")).await;
    assert!(active.iter().all(|status| status == "cancelled"), "{active:?}");
    let order = shop.order_automatic("tea", 1, &zone).await;
    shop.expect(&order, "completed").await;
}
