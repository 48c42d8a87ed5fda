//! The file of a service's database is moved while the service runs, or another one is put in its place.

use std::fs;

use shop_tests::{PATIENCE, Shop};
use testkit::until;

use crate::storage::expect_unready;

#[tokio::test]
async fn service_whose_database_is_moved_takes_nothing_until_it_is_back_and_ends_if_another_one_is_in_its_place() {
    let shop = Shop::open().await;
    let payment = shop.premises.service("payment");
    let moved = payment.database.with_extension("moved");
    fs::rename(&payment.database, &moved).unwrap();
    expect_unready(&shop, "payment", &["database", "was moved or deleted"]).await;
    let waits = shop.order_automatic("tea", 1, "north").await;
    fs::rename(&moved, &payment.database).unwrap();
    shop.premises.ready(payment).await;
    shop.expect(&waits, "completed").await;

    fs::copy(&payment.database, &moved).unwrap();
    fs::rename(&moved, &payment.database).unwrap();
    until("payment to end", PATIENCE, async || payment.process.ended().ok_or("it runs")).await;
    assert!(payment.process.last_lines(1).contains("is another file than before"), "{}", payment.process.log());
    payment.process.restart().unwrap();
    shop.premises.ready(payment).await;
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    shop.expect_invariants().await;
}
