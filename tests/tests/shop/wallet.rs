//! Payment and wallet as real processes: the wallet is down, slow, and back, and each time the money is where it belongs.

use reqwest::Method;
use serde_json::{Value, json};
use shop_tests::{Order, Plan, Request, Shop};
use testkit::until;
use uuid::Uuid;

use crate::outcomes::shared_shop;

/// What a demonstration's wallet has at first, in cents.
const OPENING: i64 = 100_000;

/// Opens a shop whose payment requests the money every second, and gives up after this many requests.
async fn impatient_shop(attempts_max: u32) -> Shop {
    let plan = Plan::new().set("payment", "DEBIT_BACKOFF", "500ms");
    Shop::open_with(plan.set("payment", "DEBIT_ATTEMPTS_MAX", attempts_max.to_string())).await
}

/// Returns how much a customer has, in cents.
async fn balance(shop: &Shop, customer_id: &str) -> i64 {
    let wallet = shop.get("wallet", &format!("/wallets/{customer_id}")).await.ok();
    wallet["balances"][0]["amount_minor"].as_i64().unwrap_or_else(|| panic!("no balance: {wallet}"))
}

async fn expect_balance(shop: &Shop, order: &Order, cents: i64) {
    until(format_args!("the customer of {} to have {cents} cents", order.id), shop_tests::PATIENCE, async || {
        let balance = balance(shop, &order.customer_id).await;
        if balance == cents { Ok(()) } else { Err(balance) }
    })
    .await;
}

#[tokio::test]
async fn operation_that_pays_is_on_payment_order_and_wallet() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let order = shop.order(&tea, 2, "north").await;
    shop.confirm(&order).await;
    let completed = shop.expect(&order, "completed").await;
    let operations = shop.operations(&order).await;
    let kinds: Vec<&Value> = operations.iter().map(|operation| &operation["kind"]).collect();
    assert_eq!(kinds, ["debit"], "{operations:?}");
    assert_eq!(completed["operation_id"], operations[0]["id"]);
    assert_eq!(shop.payment(&order).await["operation_id"], operations[0]["id"]);
    assert_eq!(balance(&shop, &order.customer_id).await, OPENING - 500);
    shop.expect_invariants().await;
}

#[tokio::test]
async fn customer_with_too_little_money_deposits_and_orders_again() {
    let shop = shared_shop().await;
    let tea = shop.product(10).await;
    let customer = Uuid::now_v7().to_string();
    let deposit = async |cents: i64| {
        let amount = json!({"amount": {"amount_minor": cents, "currency": "EUR"}});
        shop.post("wallet", &format!("/wallets/{customer}/deposits"), &amount).await.ok()
    };
    deposit(400).await;
    let order = async || shop.place(Request::new(&tea, 2, "north").by(&customer).automatic()).await;
    let refused = order().await;
    assert_eq!(shop.expect(&refused, "cancelled").await["reason"], "insufficient-funds");
    shop.expect_payment(&refused, "refused").await;
    assert_eq!(balance(&shop, &customer).await, 400);
    assert_eq!(deposit(100).await["balance_after"]["amount_minor"], 500);
    shop.expect(&order().await, "completed").await;
    assert_eq!(balance(&shop, &customer).await, 0);
    shop.expect_invariants().await;
}

#[tokio::test]
async fn deposit_needs_an_idempotency_key() {
    let shop = shared_shop().await;
    let path = format!("/wallets/{}/deposits", Uuid::now_v7());
    let body = json!({"amount": {"amount_minor": 1, "currency": "EUR"}});
    let problem = shop.send(shop.request(Method::POST, "wallet", &path).json(&body)).await.problem(&[400]);
    assert_eq!(problem["type"], "urn:problem:idempotency-key-missing");
}

#[tokio::test]
async fn while_the_wallet_is_slow_the_payment_is_processing_and_then_taken_once() {
    let shop = impatient_shop(100).await;
    shop.premises.process("wallet").pause().unwrap();
    let order = shop.order("tea", 2, "north").await;
    shop.confirm(&order).await;
    shop.confirm(&order).await;
    shop.expect_payment(&order, "processing").await;
    until("the money to be requested again", shop_tests::PATIENCE, async || {
        let requests = shop.count_published("payment", "debit-wallet", &order.id).await;
        if requests > 2 { Ok(()) } else { Err(requests) }
    })
    .await;
    shop.premises.process("wallet").resume().unwrap();
    shop.expect(&order, "completed").await;
    expect_balance(&shop, &order, OPENING - 900).await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn while_the_wallet_is_down_orders_fail_at_the_limit_and_nothing_is_taken_when_it_is_back() {
    let shop = impatient_shop(4).await;
    shop.premises.process("wallet").kill();
    let (unreachable, withdrawn) =
        (shop.order_automatic("tea", 2, "north").await, shop.order_automatic("tea", 2, "south").await);
    shop.expect_payment(&withdrawn, "processing").await;
    shop.cancel_payment(&withdrawn).await;
    assert_eq!(shop.expect(&withdrawn, "cancelled").await["reason"], "payment-cancelled");
    assert_eq!(shop.expect(&unreachable, "cancelled").await["reason"], "wallet-unreachable");
    shop.expect_payment(&unreachable, "cancelled").await;
    shop.premises.process("wallet").restart().unwrap();
    shop.premises.ready(shop.premises.service("wallet")).await;
    shop.expect_invariants().await;
    for order in [&unreachable, &withdrawn] {
        expect_balance(&shop, order, OPENING).await;
    }
    let well = shop.order_automatic("tea", 2, "north").await;
    shop.expect(&well, "completed").await;
    expect_balance(&shop, &well, OPENING - 900).await;
}

#[tokio::test]
async fn orders_of_one_customer_spend_the_balance_once_though_the_wallet_is_killed() {
    let shop = Shop::open().await;
    let customer = Uuid::now_v7().to_string();
    // 25 mugs cost 300 euros: the wallet can pay three of the orders.
    let place = async |_| shop.place(Request::new("mug", 25, "north").by(&customer).automatic()).await;
    let orders = futures::future::join_all((0..60).map(place));
    let kill = async {
        for _ in 0..3 {
            shop.kill_and_restart("wallet").await;
        }
    };
    let (orders, ()) = tokio::join!(orders, kill);
    let mut completed = 0;
    for order in &orders {
        completed += i64::from(shop.expect(order, "ended").await["status"] == "completed");
    }
    assert_eq!((completed, balance(&shop, &customer).await), (3, OPENING - 3 * 30_000));
    shop.expect_invariants().await;
}
