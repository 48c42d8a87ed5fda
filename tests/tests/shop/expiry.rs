//! Payments that nobody confirms in time, in premises with a short deadline that these tests share.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use shop_tests::{Plan, Premises, Shop};
use tokio::sync::OnceCell;

/// Time enough to confirm something, and short enough to wait for.
const DEADLINE: Duration = Duration::from_secs(2);

async fn a_hasty_shop() -> Shop {
    static PREMISES: OnceCell<Arc<Premises>> = OnceCell::const_new();
    Shop::shared(&PREMISES, Plan::new().set("payment", "PAYMENT_DEADLINE", format!("{}s", DEADLINE.as_secs()))).await
}

#[tokio::test]
async fn a_payment_that_nobody_confirms_expires_and_cancels_the_order() {
    let shop = a_hasty_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    assert_eq!(shop.expect(&order, "cancelled").await["reason"], "payment-expired");
    shop.expect_payment(&order, "expired").await;
    shop.try_confirm(&order).await.problem(&[409]);
    shop.expect_mails(&order, 1).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn a_deadline_that_comes_after_the_confirmation_does_nothing() {
    let shop = a_hasty_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    shop.confirm(&order).await;
    shop.expect(&order, "completed").await;
    shop.say("payment", "expire-payment", &order.id, &json!({"order_id": order.id})).await;
    shop.expect_heard().await;
    shop.expect_payment(&order, "confirmed").await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn of_deadline_and_confirmation_the_first_wins() {
    let shop = a_hasty_shop().await;
    let tea = shop.product(100).await;
    let race = async |step: u32| {
        let order = shop.order(&tea, 1, "north").await;
        shop.payment(&order).await;
        // From well before the deadline to after it.
        tokio::time::sleep(DEADLINE - Duration::from_millis(300) + step * Duration::from_millis(40)).await;
        let answer = shop.try_confirm(&order).await;
        let (status, payment) =
            if answer.status == 200 { ("completed", "confirmed") } else { ("cancelled", "expired") };
        assert!([200, 409].contains(&answer.status), "{answer:?}");
        shop.expect(&order, status).await;
        shop.expect_payment(&order, payment).await;
    };
    join_all((0..12).map(race)).await;
    shop.expect_invariants().await;
}
