//! The outcomes of orders. The tests share premises; each has orders, products and zones of its own.

use std::sync::Arc;

use serde_json::json;
use shop_tests::{Plan, Premises, Request, Shop};
use tokio::sync::OnceCell;

/// Returns the shared shop, with a real mail server.
pub async fn shared_shop() -> Shop {
    static PREMISES: OnceCell<Arc<Premises>> = OnceCell::const_new();
    Shop::shared(&PREMISES, Plan::new().smtp()).await
}

#[tokio::test]
async fn paid_order_is_delivered_and_the_customer_is_notified() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    assert_eq!(shop.payment(&order).await["amount"], json!({"amount_minor": 500, "currency": "EUR"}));
    assert_eq!(shop.look(&order).await["status"], "pending");
    shop.confirm(&order).await;
    let completed = shop.expect(&order, "completed").await;
    assert_eq!(completed["total"], json!({"amount_minor": 500, "currency": "EUR"}));
    assert_eq!(completed["payment_id"], shop.payment(&order).await["id"]);
    assert_eq!(completed["delivery_id"], shop.deliveries(&order).await[0]["id"]);
    let mails = shop.expect_mails(&order, 2).await;
    assert!(mails.iter().all(|mail| mail.text.contains(&order.id) || mail.subject.contains(&order.id)), "{mails:?}");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn story_of_an_order_lists_its_messages_in_order() {
    let shop = shared_shop().await;
    let order = shop.order("tea", 1, "north").await;
    shop.confirm(&order).await;
    shop.expect(&order, "completed").await;
    shop.expect_published("notify", "customer-notified", &order.id).await;
    let story = shop.list("order", &format!("/orders/{}/story", order.id)).await;
    let lines: Vec<String> = story.iter().map(ToString::to_string).collect();
    for name in ["reserve-stock", "create-payment", "order-confirmed", "create-delivery", "delivery-assigned"] {
        assert_eq!(lines.iter().filter(|line| line.contains(name)).count(), 1, "{name} in {lines:#?}");
    }
    let index = |name: &str| lines.iter().position(|line| line.contains(name));
    assert!(index("reserve-stock") < index("create-payment"), "{lines:#?}");
    assert!(index("order-confirmed") < index("create-delivery"), "{lines:#?}");
}

#[tokio::test]
async fn automatic_payment_needs_no_confirmation_by_the_customer() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order_automatic(&tea, 3, "south").await;
    shop.expect(&order, "completed").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn cancelled_payment_cancels_the_order() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    shop.cancel_payment(&order).await;
    let cancelled = shop.expect(&order, "cancelled").await;
    assert_eq!(cancelled["reason"], "payment-cancelled");
    shop.expect_payment(&order, "cancelled").await;
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn cancelled_payment_cannot_be_confirmed() {
    let shop = shared_shop().await;
    let order = shop.order("tea", 2, "north").await;
    shop.cancel_payment(&order).await;
    shop.try_confirm(&order).await.problem(&[409]);
    shop.expect(&order, "cancelled").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn unknown_product_cancels_the_order() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let order = shop.place(Request::lines(&[(&tea, 1), ("no-such-thing", 1)], "north")).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "unknown-product");
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn product_out_of_stock_cancels_the_order_and_holds_no_other_stock() {
    let shop = shared_shop().await;
    let (tea, scarce) = (shop.product(10).await, shop.product(1).await);
    let order = shop.place(Request::lines(&[(&tea, 1), (&scarce, 2)], "north")).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "out-of-stock");
    let unicorn = shop.order("unicorn", 1, "north").await;
    assert_eq!(shop.expect(&unicorn, "cancelled").await["reason"], "out-of-stock");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn without_a_dealer_money_and_stock_go_back_and_the_customer_is_notified() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order_automatic(&tea, 2, "nowhere").await;
    let cancelled = shop.expect(&order, "cancelled").await;
    assert_eq!(cancelled["reason"], "no-dealer");
    shop.expect_payment(&order, "refunded").await;
    shop.expect_mails(&order, 2).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn last_pieces_go_to_one_order_only() {
    let shop = shared_shop().await;
    let last = shop.product(2).await;
    let (one, other) = tokio::join!(shop.order_automatic(&last, 2, "north"), shop.order_automatic(&last, 2, "north"));
    let ends = [shop.expect(&one, "ended").await, shop.expect(&other, "ended").await];
    let completed = ends.iter().filter(|order| order["status"] == "completed").count();
    assert_eq!(completed, 1, "{ends:?}");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn dealer_takes_orders_up_to_its_capacity_and_is_free_again_after_the_delivery() {
    let shop = shared_shop().await;
    let zone = shop.zone(1).await;
    let first = shop.order_automatic("tea", 1, &zone).await;
    shop.expect(&first, "completed").await;
    let second = shop.order_automatic("tea", 1, &zone).await;
    assert_eq!(shop.expect(&second, "cancelled").await["reason"], "no-dealer");
    let id = shop.deliveries(&first).await[0]["id"].as_str().unwrap().to_owned();
    shop.post("delivery", &format!("/deliveries/{id}/complete"), &json!({})).await.ok();
    let third = shop.order_automatic("tea", 1, &zone).await;
    shop.expect(&third, "completed").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn repeated_messages_change_nothing() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let (kept, lost) = (shop.order_automatic(&tea, 2, "north").await, shop.order_automatic(&tea, 2, "nowhere").await);
    shop.expect(&kept, "completed").await;
    shop.expect(&lost, "cancelled").await;
    shop.expect_invariants().await;
    let before = (shop.expect_saga_over(&kept).await, shop.expect_saga_over(&lost).await);
    for order in [&kept, &lost] {
        for message in shop.story(&order.id).await {
            shop.publish_again(&message).await;
        }
    }
    shop.expect_all_received().await;
    shop.expect_invariants().await;
    assert_eq!(before, (shop.look(&kept).await, shop.look(&lost).await));
}
