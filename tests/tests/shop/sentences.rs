//! What the shop is for, in premises that these tests share: each has orders, products and zones of its own.

use std::sync::Arc;

use serde_json::json;
use shop_tests::{Plan, Premises, Request, Shop};
use tokio::sync::OnceCell;

/// The shop on a usual day, with a real mail server.
pub async fn a_shop() -> Shop {
    static PREMISES: OnceCell<Arc<Premises>> = OnceCell::const_new();
    Shop::shared(&PREMISES, Plan::new().smtp()).await
}

#[tokio::test]
async fn an_order_that_is_paid_is_delivered_and_the_customer_is_told() {
    let shop = a_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    assert_eq!(shop.payment(&order).await["amount"], json!({"amount_cents": 500, "currency": "EUR"}));
    assert_eq!(shop.look(&order).await["status"], "pending");
    shop.confirm(&order).await;
    let completed = shop.expect(&order, "completed").await;
    assert_eq!(completed["total"], json!({"amount_cents": 500, "currency": "EUR"}));
    assert_eq!(completed["payment_id"], shop.payment(&order).await["id"]);
    assert_eq!(completed["delivery_id"], shop.deliveries(&order).await[0]["id"]);
    let mails = shop.expect_mails(&order, 2).await;
    assert!(mails.iter().all(|mail| mail.text.contains(&order.id) || mail.subject.contains(&order.id)), "{mails:?}");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn the_story_of_an_order_is_told_in_order() {
    let shop = a_shop().await;
    let order = shop.order("tea", 1, "north").await;
    shop.confirm(&order).await;
    shop.expect(&order, "completed").await;
    shop.expect_said("notify", "customer-notified", &order.id).await;
    let story = shop.list("order", &format!("/orders/{}/story", order.id)).await;
    let told: Vec<String> = story.iter().map(ToString::to_string).collect();
    for name in ["reserve-stock", "create-payment", "order-confirmed", "create-delivery", "delivery-assigned"] {
        assert_eq!(told.iter().filter(|line| line.contains(name)).count(), 1, "{name} in {told:#?}");
    }
    let place = |name: &str| told.iter().position(|line| line.contains(name));
    assert!(place("reserve-stock") < place("create-payment"), "{told:#?}");
    assert!(place("order-confirmed") < place("create-delivery"), "{told:#?}");
}

#[tokio::test]
async fn an_automatic_payment_needs_no_click() {
    let shop = a_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order_automatic(&tea, 3, "south").await;
    shop.expect(&order, "completed").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_cancelled_payment_cancels_the_order() {
    let shop = a_shop().await;
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
async fn a_payment_that_was_cancelled_can_not_be_confirmed() {
    let shop = a_shop().await;
    let order = shop.order("tea", 2, "north").await;
    shop.cancel_payment(&order).await;
    shop.try_confirm(&order).await.problem(&[409]);
    shop.expect(&order, "cancelled").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn an_unknown_product_cancels_the_order() {
    let shop = a_shop().await;
    let tea = shop.product(10).await;
    let order = shop.place(Request::lines(&[(&tea, 1), ("no-such-thing", 1)], "north")).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "unknown-product");
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_product_out_of_stock_cancels_the_order_and_holds_nothing_else() {
    let shop = a_shop().await;
    let (tea, scarce) = (shop.product(10).await, shop.product(1).await);
    let order = shop.place(Request::lines(&[(&tea, 1), (&scarce, 2)], "north")).await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "out-of-stock");
    let unicorn = shop.order("unicorn", 1, "north").await;
    assert_eq!(shop.expect(&unicorn, "cancelled").await["reason"], "out-of-stock");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn without_a_dealer_money_and_stock_go_back_and_the_customer_is_told() {
    let shop = a_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order_automatic(&tea, 2, "nowhere").await;
    let cancelled = shop.expect(&order, "cancelled").await;
    assert_eq!(cancelled["reason"], "no-dealer");
    shop.expect_payment(&order, "refunded").await;
    shop.expect_mails(&order, 2).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn the_last_pieces_go_to_one_order_only() {
    let shop = a_shop().await;
    let last = shop.product(2).await;
    let (one, other) = tokio::join!(shop.order_automatic(&last, 2, "north"), shop.order_automatic(&last, 2, "north"));
    let ends = [shop.expect(&one, "ended").await, shop.expect(&other, "ended").await];
    let completed = ends.iter().filter(|order| order["status"] == "completed").count();
    assert_eq!(completed, 1, "{ends:?}");
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_dealer_takes_as_many_as_there_is_room_and_is_free_again_after_the_delivery() {
    let shop = a_shop().await;
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
async fn the_same_message_twice_changes_nothing() {
    let shop = a_shop().await;
    let tea = shop.product(10).await;
    let (kept, lost) = (shop.order_automatic(&tea, 2, "north").await, shop.order_automatic(&tea, 2, "nowhere").await);
    shop.expect(&kept, "completed").await;
    shop.expect(&lost, "cancelled").await;
    shop.expect_invariants().await;
    let before = (shop.expect_over(&kept).await, shop.expect_over(&lost).await);
    for order in [&kept, &lost] {
        for outgoing in shop.story(&order.id).await {
            shop.say_again(&outgoing).await;
        }
    }
    shop.expect_heard().await;
    shop.expect_invariants().await;
    assert_eq!(before, (shop.look(&kept).await, shop.look(&lost).await));
}
