//! Updates in a simulated world: instances of two releases work side by side, and every sale is booked once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreography::testing::{Event, Harness, Losses, Random, Release, Services, Size, Story, World};
use choreography::{Choreography, Message, nothing};
use serde::{Deserialize, Serialize};

use crate::versions::{Booked, Sell, books, books_v1, till, till_v1};

/// A till and its books, which are updated while sales are made.
#[derive(Default)]
struct Market {
    sales: Mutex<Vec<u32>>,
}

impl World for Market {
    type Action = u32;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, u32)> {
        let sales = 0..u32::try_from(size).unwrap();
        sales.map(|sale| (random.within(Duration::from_secs(60)), sale)).collect()
    }

    fn services(&self) -> Vec<Choreography> {
        vec![till(), books()]
    }

    fn earlier_services(&self) -> Vec<Choreography> {
        vec![till_v1(), books_v1()]
    }

    async fn act(self: Arc<Self>, sale: u32, services: Services) {
        if services.insist(Sell { sale }, Some(&sale.to_string())).await.is_ok() {
            self.sales.lock().unwrap().push(sale);
        }
    }

    fn check(&self, harness: &Harness, _: &Losses) -> Result<(), String> {
        check(harness, &self.sales.lock().unwrap())
    }
}

fn check(harness: &Harness, sales: &[u32]) -> Result<(), String> {
    let dead = harness.dead_letters();
    if !dead.is_empty() {
        return Err(format!("messages died: {dead:?}"));
    }
    let wrong = sales.iter().find_map(|sale| match harness.get::<Booked>(sale) {
        Some(booked) if booked.amount == "5 EUR" => None,
        other => Some(format!("sale {sale} is booked as {other:?}")),
    });
    wrong.map_or(Ok(()), Err)
}

const SIZE: Size = Size { actions: 30, troubles: 3 };

#[test]
fn every_sale_is_booked_whenever_which_service_is_updated() {
    let (mut side_by_side, mut earlier) = (0, 0);
    for seed in 0..20 {
        let story = Story::draw::<Market>(seed, SIZE);
        if let Err(broken) = story.run::<Market>() {
            panic!("seed {seed}: {broken}\n{story}");
        }
        let events = || story.steps.iter().map(|step| &step.event);
        earlier += events().filter(|event| matches!(event, Event::Release(_, Release::Earlier))).count();
        side_by_side += events().filter(|event| matches!(event, Event::Start(_))).count();
    }
    assert!(earlier > 10 && side_by_side > 10, "{earlier} services began with an earlier release");
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "book-sale", key = sale, role = event, version = 3)]
struct BookSaleOnly {
    sale: u32,
    cents: i64,
    currency: String,
}

/// A market in which the new books have forgotten how the first till wrote.
#[derive(Default)]
struct Forgetful(Market);

impl World for Forgetful {
    type Action = u32;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, u32)> {
        Market::draw(random, size)
    }

    fn services(&self) -> Vec<Choreography> {
        fn book(message: &BookSaleOnly, booked: &mut Option<Booked>) {
            *booked = Some(Booked { amount: format!("{} {}", message.cents / 100, message.currency) });
        }
        vec![till(), Choreography::new("books").on(book).fallback(nothing::<BookSaleOnly>)]
    }

    fn earlier_services(&self) -> Vec<Choreography> {
        self.0.earlier_services()
    }

    async fn act(self: Arc<Self>, sale: u32, services: Services) {
        let _ = services.insist(Sell { sale }, Some(&sale.to_string())).await;
    }

    fn check(&self, harness: &Harness, _: &Losses) -> Result<(), String> {
        check(harness, &[])
    }
}

#[test]
fn a_release_that_can_not_read_what_the_earlier_one_published_is_noticed() {
    let noticed = |seed| Story::draw::<Forgetful>(seed, SIZE).run::<Forgetful>().is_err();
    assert!((0..20).any(noticed));
}
