//! A restaurant of four services: a dinner is ordered at the counter, the kitchen cooks while the bar pours, and when both
//! are ready the till opens a bill. Ovens fail now and then, some dishes can't be cooked, and a guest who waits too long
//! leaves.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use choreography::testing::Harness;
use choreography::{Choreography, Command, Dead, EffectError, Incoming, Message, Row, Scheduled, Settings, nothing};
use serde::{Deserialize, Serialize};

/// How long a guest waits.
pub(crate) const GUEST_WAITS: Duration = Duration::from_secs(60);
/// How long a drink waits for a bill.
pub(crate) const MESSAGE_DEADLINE: Duration = Duration::from_secs(30);

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "order-dinner", key = table, row = Dinner)]
pub(crate) struct OrderDinner {
    pub(crate) table: u32,
    /// How often the oven fails before it cooks this dish; none if it can't be cooked.
    pub(crate) failures: Option<u32>,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "cook-food", key = table, role = step)]
pub(crate) struct CookFood {
    table: u32,
    failures: Option<u32>,
}

macro_rules! messages {
    ($($message:ident $name:literal $role:ident;)*) => {
        $(#[derive(Clone, Serialize, Deserialize, Message)]
        #[message(name = $name, key = table, role = $role)]
        pub(crate) struct $message {
            pub(crate) table: u32,
        })*
    };
}

messages! {
    PourDrink "pour-drink" step;
    FoodReady "food-ready" event;
    DrinkReady "drink-ready" step;
    DinnerServed "dinner-served" event;
    GuestLeaves "guest-leaves" event;
    CancelDinner "cancel-dinner" compensation;
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Status {
    Ordered,
    Served,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "dinner", key = u32)]
pub(crate) struct Dinner {
    pub(crate) status: Status,
    food: bool,
    drink: bool,
}

impl Dinner {
    /// Serves the dinner once both are ready.
    fn join(&mut self, table: u32) -> Option<(DinnerServed, Scheduled<GuestLeaves>)> {
        if self.status != Status::Ordered || !self.food || !self.drink {
            return None;
        }
        self.status = Status::Served;
        Some((DinnerServed { table }, GuestLeaves { table }.cancel()))
    }

    fn cancel(&mut self) {
        if self.status == Status::Ordered {
            self.status = Status::Cancelled;
        }
    }
}

fn order_dinner(
    command: &OrderDinner,
    dinner: &mut Option<Dinner>,
) -> Option<(CookFood, PourDrink, Scheduled<GuestLeaves>)> {
    if dinner.is_some() {
        return None;
    }
    *dinner = Some(Dinner { status: Status::Ordered, food: false, drink: false });
    let OrderDinner { table, failures } = *command;
    Some((CookFood { table, failures }, PourDrink { table }, GuestLeaves { table }.after(GUEST_WAITS)))
}

fn note_food(message: &FoodReady, dinner: &mut Dinner) -> Option<(DinnerServed, Scheduled<GuestLeaves>)> {
    dinner.food = true;
    dinner.join(message.table)
}

fn note_drink(message: &DrinkReady, dinner: &mut Dinner) -> Option<(DinnerServed, Scheduled<GuestLeaves>)> {
    dinner.drink = true;
    dinner.join(message.table)
}

fn let_guest_leave(_: &GuestLeaves, dinner: &mut Dinner) {
    dinner.cancel();
}

fn cancel_dinner(_: &CancelDinner, dinner: &mut Option<Dinner>) {
    dinner.iter_mut().for_each(Dinner::cancel);
}

/// How often the oven was tried for each table.
#[derive(Default)]
struct Oven {
    tries: Mutex<BTreeMap<u32, u32>>,
}

/// Takes a moment, in which other effects run.
async fn cook(message: &Incoming<CookFood>, oven: &Oven) -> Result<FoodReady, EffectError> {
    tokio::time::sleep(Duration::from_millis(u64::from(message.table % 7))).await;
    let table = message.table;
    let failures = message.failures.ok_or_else(|| EffectError::permanent(std::io::Error::other("no such dish")))?;
    let mut tries = oven.tries.lock().unwrap();
    let tries = tries.entry(table).or_default();
    *tries += 1;
    if *tries <= failures {
        return Err(EffectError::transient(std::io::Error::other("the oven is cold")));
    }
    Ok(FoodReady { table })
}

/// A dish that the kitchen has given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "spoilt_dish", key = u32)]
struct SpoiltDish;

fn give_up(dead: &Dead<CookFood>, dish: &mut Option<SpoiltDish>) -> Option<CancelDinner> {
    dish.replace(SpoiltDish).is_none().then_some(CancelDinner { table: *dead.key() })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "glass", key = u32)]
struct Glass;

fn pour_drink(message: &PourDrink, glass: &mut Option<Glass>) -> Option<DrinkReady> {
    glass.replace(Glass).is_none().then_some(DrinkReady { table: message.table })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "bill", key = u32)]
pub(crate) struct Bill {
    pub(crate) drinks: u32,
}

fn open_bill(_: &DinnerServed, bill: &mut Option<Bill>) {
    bill.get_or_insert(Bill { drinks: 0 });
}

/// Waits for the bill, which comes later, or never.
fn add_drink(_: &DrinkReady, bill: &mut Bill) {
    bill.drinks = 1;
}

/// Returns the services of the restaurant.
pub(crate) fn services() -> [Choreography; 4] {
    let counter = Choreography::new("counter")
        .command(order_dinner)
        .on(note_food)
        .fallback(nothing::<FoodReady>)
        .on(note_drink)
        .fallback(nothing::<DrinkReady>)
        .on(let_guest_leave)
        .fallback(nothing::<GuestLeaves>)
        .compensate(cancel_dinner);
    let kitchen = Choreography::new("kitchen").effect(cook, Oven::default()).fallback(give_up);
    let bar = Choreography::new("bar").on(pour_drink).fallback(nothing::<PourDrink>);
    let till = Choreography::new("till")
        .on(open_bill)
        .fallback(nothing::<DinnerServed>)
        .on(add_drink)
        .fallback(nothing::<DrinkReady>);
    [counter, kitchen, bar, till]
}

pub(crate) fn restaurant(seed: u64) -> Harness {
    let settings = Settings { message_deadline: MESSAGE_DEADLINE, ..Settings::default() };
    Harness::start(services(), settings, seed)
}

/// Returns a dinner and its bill once the dinner is decided.
pub(crate) fn decided(harness: &Harness, table: u32) -> (Status, Option<Bill>) {
    let status = harness.until::<Dinner>(&table, |dinner| dinner.status != Status::Ordered).status;
    let bill = (status == Status::Served).then(|| harness.until::<Bill>(&table, |bill| bill.drinks == 1));
    (status, bill)
}
