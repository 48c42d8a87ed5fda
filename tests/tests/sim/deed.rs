//! What customers, dealers and the shop's people do, as data.

use std::time::Duration;

use choreography::testing::Random;
use contracts::Confirmation;
use serde::{Deserialize, Serialize};

/// What somebody does. Orders, customers, deposits and deliveries of goods are known by their numbers in the story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    /// The shop offers a product, with pieces on the shelf.
    Offer { product: &'static str, cents: i64, pieces: u64 },
    /// The shop gets more pieces of a product.
    Refill { number: u32, product: &'static str, pieces: u32 },
    /// A dealer offers to deliver in a zone.
    Hire { zone: &'static str, name: &'static str, capacity: u32 },
    /// A customer puts money into the wallet.
    Deposit { number: u32, customer: u32, cents: i64 },
    /// A customer orders; the same order again has the same idempotency key.
    Order(NewOrder),
    /// The customer pays.
    Confirm { order: u32 },
    /// The customer does not pay.
    Decline { order: u32 },
    /// The customer cancels the order.
    Withdraw { order: u32 },
    /// The customer wants the order to go to another zone.
    Move { order: u32, zone: &'static str },
    /// The dealer has delivered the order.
    Deliver { order: u32 },
}

/// An order, as its customer places it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewOrder {
    pub(crate) order: u32,
    pub(crate) customer: u32,
    #[serde(borrow)]
    pub(crate) lines: Vec<(&'static str, u32)>,
    pub(crate) zone: &'static str,
    pub(crate) confirmation: Confirmation,
    pub(crate) has_email: bool,
    /// Whether it is placed at the gateway; else at order itself.
    pub(crate) at_gateway: bool,
}

/// How long customers, dealers and the shop's people go on at most, after an order is placed.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(60);

/// Draws what is done about so many orders.
pub(crate) fn draw(random: &mut Random, orders: usize) -> Vec<(Duration, Deed)> {
    let orders = u32::try_from(orders).expect("a story has less than a milliard orders");
    let mut deeds = opening(u64::from(orders));
    let (mut at, mut placed) = (Duration::from_secs(1), 0);
    while placed < orders {
        // Many at the same moment make large batches.
        let together = (random.of(1..u64::from(orders / 8 + 2)) as u32).min(orders - placed);
        for order in placed..placed + together {
            draw_order(random, at, order, orders, &mut deeds);
        }
        placed += together;
        at += random.within(Duration::from_secs(4));
        draw_others(random, at, placed, orders, &mut deeds);
    }
    deeds
}

/// The products and dealers that there are when the shop opens.
fn opening(orders: u64) -> Vec<(Duration, Deed)> {
    let plenty = orders * 4 + 10;
    let offer = |product, cents, pieces| Deed::Offer { product, cents, pieces };
    let room = u32::try_from(orders / 4 + 1).unwrap_or(u32::MAX);
    let hire = |zone, name, capacity| Deed::Hire { zone, name, capacity };
    let opening = [
        offer("tea", 450, plenty),
        offer("mug", 1_200, orders / 8 + 1), // the last pieces of it are wanted by many
        offer("watch", 60_000, plenty),      // the second one is too dear for most
        hire("north", "Nora", room * 2),
        hire("north", "Nils", room),
        hire("south", "Suri", room / 4 + 1),
    ];
    opening.into_iter().map(|deed| (Duration::ZERO, deed)).collect()
}

fn draw_order(random: &mut Random, at: Duration, order: u32, orders: u32, deeds: &mut Vec<(Duration, Deed)>) {
    let products = ["tea", "tea", "tea", "tea", "tea", "mug", "mug", "watch"];
    let mut lines = vec![(random.pick(&products), random.of(1..4) as u32)];
    if random.chance(20) {
        lines.push((random.pick(&["tea", "mug", "unicorn"]), 1));
    }
    let confirmation = if random.chance(30) { Confirmation::Automatic } else { Confirmation::Manual };
    let new = NewOrder {
        order,
        customer: random.of(0..u64::from(orders / 4 + 1)) as u32,
        lines,
        zone: random.pick(&["north", "north", "north", "north", "south", "nowhere"]),
        confirmation,
        has_email: random.chance(80),
        at_gateway: random.chance(50),
    };
    deeds.push((at, Deed::Order(new.clone())));
    if random.chance(5) {
        deeds.push((at + soon(random), Deed::Order(new)));
    }
    if random.chance(5) {
        deeds.push((at + soon(random), Deed::Move { order, zone: random.pick(&["south", "nowhere"]) }));
    }
    if confirmation == Confirmation::Manual {
        match random.of(0..100) {
            0..80 => deeds.push((at + soon(random), Deed::Confirm { order })),
            80..90 => deeds.push((at + soon(random), Deed::Decline { order })),
            _ => {} // forgets it: the payment expires
        }
    }
    if random.chance(12) {
        deeds.push((at + soon(random), Deed::Withdraw { order }));
    }
    if random.chance(60) {
        deeds.push((at + Duration::from_secs(random.of(5..FOLLOWS_WITHIN.as_secs())), Deed::Deliver { order }));
    }
}

/// Draws a moment soon after an order: often the same as that of other orders, at times before anything is done.
fn soon(random: &mut Random) -> Duration {
    random.pick(&[0, 1, 1_000, 5_000, 20_000].map(Duration::from_millis))
}

fn draw_others(random: &mut Random, at: Duration, number: u32, orders: u32, deeds: &mut Vec<(Duration, Deed)>) {
    if random.chance(20) {
        let product = random.pick(&["tea", "mug"]);
        deeds.push((at, Deed::Refill { number, product, pieces: random.of(1..6) as u32 }));
    }
    if random.chance(30) {
        let (customer, cents) = (random.of(0..u64::from(orders / 4 + 1)) as u32, random.of(1..100_000) as i64);
        deeds.push((at, Deed::Deposit { number, customer, cents }));
    }
}
