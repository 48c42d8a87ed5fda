//! A join: two services work at the same time, and the story goes on when both are done, in whichever order.

use choreography::testing::Harness;
use choreography::{Choreography, Command, Message, Row, nothing};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "order-pizza", key = table, row = Meal)]
struct OrderPizza {
    table: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "bake", key = table, role = step)]
struct Bake {
    table: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "pour", key = table, role = step)]
struct Pour {
    table: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "baked", key = table, role = event)]
struct Baked {
    table: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "poured", key = table, role = event)]
struct Poured {
    table: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "serve", key = table, role = step)]
struct Serve {
    table: u32,
}

/// What is done so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "meal", key = u32)]
struct Meal {
    pizza: bool,
    drink: bool,
    served: bool,
}

impl Meal {
    /// Returns what follows as soon as both are there, and only once.
    fn join(&mut self, table: u32) -> Option<Serve> {
        let complete = self.pizza && self.drink && !self.served;
        complete.then(|| {
            self.served = true;
            Serve { table }
        })
    }
}

fn order_pizza(command: &OrderPizza, meal: &mut Option<Meal>) -> Option<(Bake, Pour)> {
    if meal.is_some() {
        return None;
    }
    *meal = Some(Meal::default());
    Some((Bake { table: command.table }, Pour { table: command.table }))
}

fn note_pizza(message: &Baked, meal: &mut Meal) -> Option<Serve> {
    meal.pizza = true;
    meal.join(message.table)
}

fn note_drink(message: &Poured, meal: &mut Meal) -> Option<Serve> {
    meal.drink = true;
    meal.join(message.table)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "baking", key = u32)]
struct Baking;

fn bake(message: &Bake, baking: &mut Option<Baking>) -> Option<Baked> {
    baking.replace(Baking).is_none().then_some(Baked { table: message.table })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "pouring", key = u32)]
struct Pouring;

fn pour(message: &Pour, pouring: &mut Option<Pouring>) -> Option<Poured> {
    pouring.replace(Pouring).is_none().then_some(Poured { table: message.table })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "served", key = u32)]
struct Served;

fn serve(_: &Serve, served: &mut Option<Served>) {
    *served = Some(Served);
}

fn main() {
    let counter = Choreography::new("counter")
        .command(order_pizza)
        .on(note_pizza)
        .fallback(nothing::<Baked>)
        .on(note_drink)
        .fallback(nothing::<Poured>);
    let oven = Choreography::new("oven").on(bake).fallback(nothing::<Bake>);
    let bar = Choreography::new("bar").on(pour).fallback(nothing::<Pour>);
    let waiter = Choreography::new("waiter").on(serve).fallback(nothing::<Serve>);
    let harness = Harness::of([counter, oven, bar, waiter]);
    harness.execute(OrderPizza { table: 4 }).expect("a pizza can be ordered");
    harness.until::<Served>(&4, |_| true);
    let published = harness.published();
    let mut names: Vec<_> = published.iter().map(ToString::to_string).collect();
    println!("last: {}", names.pop().expect("something was published"));
    names.sort();
    println!("before, in some order: {}", names.join(", "));
}

// Output:
// last: counter.serve
// before, in some order: bar.poured, counter.bake, counter.pour, oven.baked
