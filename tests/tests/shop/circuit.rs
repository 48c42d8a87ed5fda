//! The circuit breaker on real processes: a subscriber is down for two minutes, the intake slows down and stops, and
//! everything recovers by itself.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shop_tests::{Order, Request, Shop};
use testkit::until;

use crate::repairs::expect_no_dead_letters;
use crate::steady::{Tally, customers};

/// How long delivery is down.
const DOWN: Duration = Duration::from_secs(120);
/// Longer than a circuit takes to change its state: the time until a message is overdue, and four cycles.
const CIRCUIT_PATIENCE: Duration = Duration::from_secs(90);
/// Eight customers a second.
const CUSTOMER_EVERY: Duration = Duration::from_millis(125);
/// One in this many customers also pays or cancels an older order: fewer than leave their order unpaid, so that some
/// older orders are left also when no new order has been accepted for a minute.
const PAYS_ONE_IN: u32 = 6;

/// Returns the state of a message's circuit as a service reports it. Closed circuits are not listed.
async fn state(shop: &Shop, service: &str, message: &str) -> Value {
    let shown = shop.get(service, "/circuits").await.ok();
    assert_eq!(shown["caught_up"], true, "{shown}");
    let circuits = shown["circuits"].as_array().cloned().unwrap_or_default();
    let circuit = circuits.iter().find(|circuit| circuit["message"] == message);
    circuit.map_or(json!("closed"), |circuit| circuit["state"].clone())
}

/// Waits until a circuit has gone through these states at a service, and fails on any other one.
pub(crate) async fn expect_states(shop: &Shop, service: &str, message: &str, states: &[&str]) {
    for (before, after) in states.iter().zip(&states[1..]) {
        until(format_args!("{message}, {before}, to be {after}"), CIRCUIT_PATIENCE, async || {
            let state = state(shop, service, message).await;
            assert!(state == *before || state == *after, "from {before} to {state}, not to {after}");
            if state == *after { Ok(()) } else { Err(state) }
        })
        .await;
    }
}

/// Places an order, every second one to be paid later; sometimes pays or cancels the oldest unpaid one.
async fn customer(shop: &Shop, number: u32, tally: &Tally, unpaid: &Mutex<VecDeque<Order>>) {
    let request = Request::new("tea", 1, ["north", "south"][number as usize / 2 % 2]);
    let pays_later = number % 2 == 1;
    let request = if pays_later { request } else { request.automatic() };
    let order = tally.order(shop, request, "circuit-open").await;
    let oldest = {
        let mut unpaid = unpaid.lock().unwrap();
        unpaid.extend(order.filter(|_| pays_later));
        if number.is_multiple_of(PAYS_ONE_IN) { unpaid.pop_front() } else { None }
    };
    match oldest {
        Some(order) if number.is_multiple_of(2 * PAYS_ONE_IN) => shop.confirm(&order).await,
        Some(order) => drop(shop.cancel(&order).await),
        None => {}
    }
}

#[tokio::test]
async fn while_delivery_is_down_new_orders_are_refused_and_all_accepted_ones_end_when_it_is_back() {
    let shop = Shop::open().await;
    let (tally, unpaid) = (Tally::default(), Mutex::default());
    let first = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&first, "completed").await;
    let (paid_late, cancelled_late) = (shop.order("tea", 1, "north").await, shop.order("tea", 1, "south").await);
    shop.payment(&cancelled_late).await;
    customers(CUSTOMER_EVERY, async |number| customer(&shop, number, &tally, &unpaid).await, async {
        shop.premises.process("delivery").kill();
        let back_at = Instant::now() + DOWN;
        expect_states(&shop, "order", "create-delivery", &["closed", "half-open", "open"]).await;
        tally.expect_refused(1).await;
        expect_compensations_pass(&shop, &paid_late, &cancelled_late).await;
        until("the two minutes to be over", DOWN, async || {
            assert_eq!(state(&shop, "order", "create-delivery").await, "open");
            if Instant::now() >= back_at { Ok(()) } else { Err("delivery is still down") }
        })
        .await;
        let published = shop.count_published("order", "create-delivery", &paid_late.id).await;
        assert_eq!(published, 0, "it was not held, or its compensation did not overtake it");
        shop.premises.process("delivery").restart().unwrap();
        expect_states(&shop, "order", "create-delivery", &["open", "half-open", "closed"]).await;
        tally.expect_accepted(1).await;
    })
    .await;
    for order in unpaid.into_inner().unwrap() {
        shop.confirm(&order).await;
    }
    shop.expect_invariants().await;
    expect_no_dead_letters(&shop).await;
}

/// Checks that orders under way go on while steps are held: one is paid, then it and another one are cancelled, and the
/// compensations of both pass.
async fn expect_compensations_pass(shop: &Shop, paid: &Order, unpaid: &Order) {
    // Another service reports the same.
    expect_states(shop, "payment", "create-delivery", &["half-open", "open"]).await;
    shop.confirm(paid).await;
    shop.expect(paid, "confirmed").await;
    shop.cancel(paid).await;
    shop.expect_published("order", "cancel-delivery", &paid.id).await;
    shop.cancel(unpaid).await;
    shop.expect_payment(unpaid, "cancelled").await;
}
