//! The server and the services are killed again and again under a steady load: what is stored already is not published
//! again, so nobody has more to read than what happens, no circuit moves, and all orders end soon after the last one.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use shop_tests::{Order, Request, Shop, length};
use tokio::time::{Instant, sleep};

use crate::repairs::expect_no_dead_letters;
use crate::steady::customers;

/// Forty customers a second.
const CUSTOMER_EVERY: Duration = Duration::from_millis(25);
/// The processes that are killed in turn, the pause between two kills, and how many there are. `KILLS=57` takes two and a
/// half minutes.
const KILLED: [&str; 7] = ["nats-server", "order", "payment", "wallet", "inventory", "delivery", "notify"];
const PAUSE: Duration = Duration::from_millis(2_000);
const KILLS: u64 = 14;
/// How long after the load an order that is looked at ends at the latest.
const ENDED_AFTER: Duration = Duration::from_secs(10);
/// How many orders are looked at at the same time.
const ASKED_AT_ONCE: usize = 16;
/// An order has 12 messages. A process that is killed may have sent some that are stored after it was started again.
const MESSAGES_MAX: usize = 14;

async fn customer(shop: &Shop, orders: &Mutex<Vec<Order>>) {
    let order = shop.place(Request::new("tea", 1, "north").automatic()).await;
    orders.lock().unwrap().push(order);
}

async fn kill_in_turn(shop: &Shop) {
    let kills = usize::try_from(length("KILLS", KILLS)).unwrap();
    for name in KILLED.into_iter().cycle().take(kills) {
        sleep(PAUSE).await;
        shop.kill_and_restart(name).await;
    }
}

#[tokio::test]
async fn kills_under_load_publish_nothing_twice_move_no_circuit_and_delay_no_order() {
    let shop = Shop::open().await;
    let orders = Mutex::default();
    customers(CUSTOMER_EVERY, |_| customer(&shop, &orders), kill_in_turn(&shop)).await;
    let load_ended = Instant::now();
    let orders = orders.into_inner().unwrap();
    let ends = orders.iter().map(|order| shop.expect_within(order, "ended", ENDED_AFTER));
    futures::stream::iter(ends).buffer_unordered(ASKED_AT_ONCE).map(drop).collect::<()>().await;
    let last_ended = load_ended.elapsed();
    shop.expect_all_received().await;
    let mut stored = BTreeMap::<String, usize>::new();
    shop.published("*.*.*").await.into_iter().for_each(|message| *stored.entry(message.key).or_default() += 1);
    let counts: Vec<usize> = orders.iter().map(|order| stored[&order.id]).collect();
    let (most, mean) = (counts.iter().max().unwrap(), counts.iter().sum::<usize>() as f64 / counts.len() as f64);
    println!(
        "{} orders, the last ended {last_ended:?} after the load; {mean:.2} messages each, at most {most}",
        counts.len()
    );
    assert!(*most <= MESSAGES_MAX, "an order has {most} messages");
    for service in ["order", "payment", "wallet", "inventory", "delivery", "notify"] {
        let circuits = shop.get(service, "/circuits").await.ok();
        assert_eq!(circuits["circuits"], serde_json::json!([]), "{service}: {circuits}");
        // Neither did one move and move back.
        let log = shop.premises.process(service).log();
        assert!(!log.contains("a circuit changed"), "{service}: {log}");
    }
    expect_no_dead_letters(&shop).await;
    shop.expect_invariants().await;
}
