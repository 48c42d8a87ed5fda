//! When a message dies, here because its reaction panics, it becomes a dead letter, and its fallback publishes a
//! compensation. Both are in one commit.

use choreography::testing::Harness;
use choreography::{Choreography, Command, Dead, Message, Row};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "order-cake", key = order, row = Order)]
struct OrderCake {
    order: u32,
    layers: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "bake-cake", key = order, role = step)]
struct BakeCake {
    order: u32,
    layers: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "cancel-order", key = order, role = compensation)]
struct CancelOrder {
    order: u32,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "cake_order", key = u32)]
struct Order {
    cancelled: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "cake", key = u32)]
struct Cake {
    layers: Vec<u32>,
}

fn order_cake(command: &OrderCake, order: &mut Option<Order>) -> Option<BakeCake> {
    if order.is_some() {
        return None;
    }
    *order = Some(Order { cancelled: None });
    Some(BakeCake { order: command.order, layers: command.layers })
}

/// Has a bug: a cake without layers has no first one.
fn bake_cake(message: &BakeCake, cake: &mut Option<Cake>) {
    if cake.is_some() {
        return;
    }
    let layers: Vec<u32> = (1..=message.layers).collect();
    assert_eq!(layers[0], 1);
    *cake = Some(Cake { layers });
}

/// Leaves a tombstone, so that a replay of the dead letter does nothing, and cancels the order.
fn give_up(dead: &Dead<BakeCake>, cake: &mut Option<Cake>) -> Option<CancelOrder> {
    if cake.is_some() {
        return None;
    }
    *cake = Some(Cake { layers: Vec::new() });
    Some(CancelOrder { order: *dead.key(), reason: dead.reason().to_string() })
}

fn cancel_order(message: &CancelOrder, order: &mut Option<Order>) {
    *order = Some(Order { cancelled: Some(message.reason.clone()) });
}

fn main() {
    std::panic::set_hook(Box::new(|_| ())); // prints nothing about the panic
    let shop = Choreography::new("shop").command(order_cake).compensate(cancel_order);
    let bakery = Choreography::new("bakery").on(bake_cake).fallback(give_up);
    let harness = Harness::of([shop, bakery]);
    harness.execute(OrderCake { order: 1, layers: 0 }).expect("a cake can be ordered");
    let order = harness.until::<Order>(&1, |order| order.cancelled.is_some());
    println!("{order:?}");
    harness.advance(std::time::Duration::from_secs(1));
    for dead in harness.dead_letters() {
        println!("{}", dead.envelope.subject);
        for header in ["dead-reason", "dead-detail", "dead-fingerprint"] {
            println!("  {header}: {}", dead.envelope.header(header).unwrap_or_default());
        }
    }
}

// Output:
// Order { cancelled: Some("poison") }
// dead.bakery.bake-cake.1
//   dead-reason: poison
//   dead-detail: panicked: index out of bounds: the len is 0 but the index is 0
//   dead-fingerprint: bakery/bake-cake/poison/panicked-index-out-of-bounds-the-len-is-but-the-index-is
