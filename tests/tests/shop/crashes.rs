//! Processes are killed with SIGKILL in the middle of 200 running orders: every order ends, and nothing is charged,
//! held, delivered or mailed twice.

use shop_tests::{Plan, Shop};

use crate::mixed;

async fn every_order_ends_though_killed(name: &str) {
    let shop = Shop::open_with(Plan::new().smtp()).await;
    mixed::orders(&shop, 200, async |placed| {
        for count in [50, 120] {
            mixed::placed(placed, count).await;
            shop.kill_and_restart(name).await;
        }
    })
    .await;
    shop.expect_invariants().await;
}

#[tokio::test]
async fn every_order_ends_though_order_is_killed() {
    every_order_ends_though_killed("order").await;
}

#[tokio::test]
async fn every_order_ends_though_inventory_is_killed() {
    every_order_ends_though_killed("inventory").await;
}

#[tokio::test]
async fn every_order_ends_though_payment_is_killed() {
    every_order_ends_though_killed("payment").await;
}

#[tokio::test]
async fn every_order_ends_though_delivery_is_killed() {
    every_order_ends_though_killed("delivery").await;
}

#[tokio::test]
async fn every_order_ends_though_notify_is_killed() {
    every_order_ends_though_killed("notify").await;
}

#[tokio::test]
async fn every_order_ends_though_the_server_is_killed() {
    every_order_ends_though_killed("nats-server").await;
}

#[tokio::test]
async fn every_order_ends_though_wallet_is_killed() {
    every_order_ends_though_killed("wallet").await;
}
