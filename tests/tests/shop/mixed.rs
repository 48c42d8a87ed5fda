//! A mix of orders of every kind, running while something happens.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::StreamExt;
use shop_tests::{PATIENCE, Request, Shop};
use testkit::until;

/// How many customers are active at the same time.
const AT_ONCE: usize = 32;

/// Runs this many customers with orders of every kind, and `meanwhile` beside them, which gets a counter of the orders
/// that have been placed.
pub async fn orders(shop: &Shop, count: u32, meanwhile: impl AsyncFnOnce(&AtomicU32)) {
    let placed = AtomicU32::new(0);
    let customers = futures::stream::iter(0..count).map(|number| customer(shop, number, &placed));
    let customers = customers.buffer_unordered(AT_ONCE).collect::<Vec<()>>();
    tokio::join!(customers, meanwhile(&placed));
}

/// Waits until this many orders have been placed.
pub async fn placed(counter: &AtomicU32, count: u32) {
    until(format_args!("{count} orders to be placed"), PATIENCE, async || {
        let placed = counter.load(Ordering::Relaxed);
        if placed >= count { Ok(()) } else { Err(placed) }
    })
    .await;
}

async fn customer(shop: &Shop, number: u32, placed: &AtomicU32) {
    let zone = ["north", "south"][number as usize % 2];
    let request = match number % 10 {
        0 => Request::new("mug", 1, "nowhere").automatic(),
        1 => Request::lines(&[("tea", 1), ("unicorn", 1)], zone).automatic(),
        2..=4 => Request::lines(&[("tea", 2), ("kettle", 1)], zone),
        _ => Request::new("tea", 1, zone).automatic(),
    };
    let order = shop.place(request).await;
    placed.fetch_add(1, Ordering::Relaxed);
    // After a kill in between, any reply may come; the outcome of the order is what counts.
    let reply = match number % 10 {
        2 => Some(shop.try_confirm(&order).await),
        3 => Some(shop.try_cancel_payment(&order).await),
        4 | 5 => Some(shop.try_cancel(&order).await),
        _ => None,
    };
    assert!(reply.as_ref().is_none_or(|reply| reply.status < 500), "{reply:?}");
}
