//! Payments that nobody confirms in time, in shared premises with a short deadline.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use shop_tests::{Plan, Premises, Shop};
use tokio::sync::OnceCell;

/// Long enough to confirm a payment before it, and short enough for a test.
const DEADLINE: Duration = Duration::from_secs(2);

async fn shop_with_short_deadline() -> Shop {
    static PREMISES: OnceCell<Arc<Premises>> = OnceCell::const_new();
    Shop::shared(&PREMISES, Plan::new().set("payment", "PAYMENT_DEADLINE", format!("{}s", DEADLINE.as_secs()))).await
}

#[tokio::test]
async fn unconfirmed_payment_expires_and_cancels_the_order() {
    let shop = shop_with_short_deadline().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "payment-expired");
    shop.expect_payment(&order, "expired").await;
    shop.try_confirm(&order).await.problem(&[409]);
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn deadline_after_the_confirmation_does_nothing() {
    let shop = shop_with_short_deadline().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    shop.confirm(&order).await;
    shop.expect(&order, "completed").await;
    shop.publish_as("payment", "expire-payment", &order.id, &json!({"order_id": order.id})).await;
    shop.expect_all_received().await;
    shop.expect_payment(&order, "confirmed").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn whichever_of_deadline_and_confirmation_comes_first_wins() {
    let shop = shop_with_short_deadline().await;
    let tea = shop.product(100).await;
    let race = async |step: u32| {
        let order = shop.order(&tea, 1, "north").await;
        shop.payment(&order).await;
        // From well before the deadline to after it.
        tokio::time::sleep(DEADLINE - Duration::from_millis(300) + step * Duration::from_millis(40)).await;
        let reply = shop.try_confirm(&order).await;
        let (status, payment) = if reply.status == 200 { ("completed", "confirmed") } else { ("cancelled", "expired") };
        assert!([200, 409].contains(&reply.status), "{reply:?}");
        shop.expect(&order, status).await;
        shop.expect_payment(&order, payment).await;
    };
    join_all((0..12).map(race)).await;
    shop.expect_invariants().await;
}
