//! Payment's database is put back to an older copy, as after a restored backup, while its neighbours run. What it had
//! received since comes again and is done again, with the same ids; what it had published since is recognized.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;
use shop_tests::{Order, Shop};
use testkit::copy_database;

use crate::absences::expect_each_stored_once;
use crate::repairs::expect_no_dead_letters;

/// Orders whose customers paid after the copy was made: these commands are lost, and what followed is not.
const PAID_SINCE: usize = 3;
/// Orders of each other kind.
const ORDERS: usize = 10;

/// Returns the ids of the stored messages of payment, by message and order.
async fn stored_ids(shop: &Shop) -> BTreeMap<(String, String), String> {
    let stored = shop.published("payment.*.*").await.into_iter();
    stored.map(|message| ((message.name, message.key), message.id.unwrap())).collect()
}

async fn payments(shop: &Shop, orders: &[Order]) -> Vec<(Value, Value)> {
    let payments = join_all(orders.iter().map(|order| shop.payment(order))).await;
    payments.into_iter().map(|payment| (payment["id"].clone(), payment["status"].clone())).collect()
}

async fn expect_all(shop: &Shop, orders: &[Order], status: &str) {
    join_all(orders.iter().map(|order| shop.expect(order, status))).await;
}

/// Places orders that complete, and some that are cancelled after they are paid, because nobody delivers them.
async fn automatic(shop: &Shop) -> Vec<Order> {
    join_all((0..2 * ORDERS).map(|number| shop.order_automatic("tea", 1, ["north", "nowhere"][number % 2]))).await
}

#[tokio::test]
async fn payment_whose_database_is_put_back_does_again_what_it_received_since_and_publishes_nothing_twice() {
    let shop = Shop::open().await;
    let payment = shop.premises.service("payment");
    let copy = shop.premises.world.directory().join("older.db");
    let before = automatic(&shop).await;
    let unpaid = join_all((0..PAID_SINCE).map(|_| shop.order("mug", 1, "south"))).await;
    expect_all(&shop, &before, "ended").await;
    payments(&shop, &unpaid).await;
    payment.process.stop().unwrap();
    copy_database(&payment.database, &copy).unwrap();
    payment.process.restart().unwrap();
    let copied = stored_ids(&shop).await;

    let since = automatic(&shop).await;
    let cancelled = join_all((0..ORDERS).map(|_| shop.order("tea", 1, "north"))).await;
    join_all(cancelled.iter().map(|order| shop.cancel(order))).await;
    for order in &unpaid {
        shop.confirm(order).await;
    }
    let done: Vec<Order> = [&since, &cancelled, &unpaid].into_iter().flatten().cloned().collect();
    expect_all(&shop, &done, "ended").await;
    shop.expect_all_received().await;
    let (payments_since, ids_since) =
        (payments(&shop, &[&*since, &*cancelled].concat()).await, stored_ids(&shop).await);

    payment.process.kill();
    let (meanwhile, ()) = tokio::join!(automatic(&shop), async {
        copy_database(&copy, &payment.database).unwrap();
        payment.process.restart().unwrap();
        shop.premises.ready(payment).await;
    });
    expect_all(&shop, &meanwhile, "ended").await;
    shop.expect_all_received().await;
    assert_eq!(payments(&shop, &[&*since, &*cancelled].concat()).await, payments_since);
    let ids = stored_ids(&shop).await;
    assert!(ids_since.iter().all(|(message, id)| ids.get(message) == Some(id)), "{ids_since:#?} {ids:#?}");
    expect_each_stored_once(&shop).await;
    expect_no_dead_letters(&shop).await;

    // That customers have confirmed since the copy is lost, but the wallet's answers came again. The log counts what was
    // published since.
    let paid = join_all(unpaid.iter().map(|order| shop.payment(order))).await;
    assert!(paid.iter().all(|payment| payment["status"] == "confirmed"), "{paid:?}");
    let (adopted, log) = (ids_since.len() - copied.len(), payment.process.log());
    assert!(log.contains(&format!("are adopted, and not published again count={adopted}\n")), "{adopted}: {log}");
    // They pay again, and nothing more is taken.
    for order in &unpaid {
        shop.confirm(order).await;
    }
    shop.expect_all_received().await;
    expect_all(&shop, &unpaid, "completed").await;
    shop.expect_invariants().await;
}
