//! The restaurant in a simulated world: the same story always ends in the same way, and one that breaks something is
//! shortened to what matters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreography::testing::{Event, Harness, Losses, Random, Services, Size, Step, Story, World};
use choreography::{Choreography, Settings};

use serde::{Deserialize, Serialize};

use crate::restaurant::{Bill, Dinner, MESSAGE_DEADLINE, OrderDinner, Status, services};

/// A guest orders at a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Guest {
    table: u32,
    failures: Option<u32>,
}

/// The restaurant and its guests.
#[derive(Default)]
struct Restaurant {
    orders: Mutex<Vec<u32>>,
}

impl World for Restaurant {
    type Action = Guest;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Guest)> {
        let guest = |table| {
            let failures = random.chance(90).then(|| u32::try_from(random.of(0..3)).unwrap());
            (random.within(Duration::from_secs(60)), Guest { table, failures })
        };
        (0..u32::try_from(size).unwrap()).map(guest).collect()
    }

    fn services(&self) -> Vec<Choreography> {
        services().into()
    }

    fn settings(&self) -> Settings {
        Settings { message_deadline: MESSAGE_DEADLINE, ..Settings::default() }
    }

    async fn act(self: Arc<Self>, guest: Guest, services: Services) {
        let Guest { table, failures } = guest;
        let order = OrderDinner { table, failures };
        if services.insist(order, Some(&table.to_string())).await.is_ok() {
            self.orders.lock().unwrap().push(table);
        }
    }

    /// Every dinner is decided; what was served is on a bill, with its drink unless that came too late.
    fn check(&self, harness: &Harness, _: &Losses) -> Result<(), String> {
        let dead = harness.dead_letters();
        for table in &*self.orders.lock().unwrap() {
            let (dinner, bill) = (harness.get::<Dinner>(table), harness.get::<Bill>(table));
            let drink_died = || dead.iter().any(|letter| letter.envelope.subject.ends_with(&format!(".{table}")));
            let right = match dinner.as_ref().map(|dinner| dinner.status) {
                Some(Status::Served) => bill.as_ref().is_some_and(|bill| bill.drinks == 1 || drink_died()),
                Some(Status::Cancelled) => bill.is_none(),
                Some(Status::Ordered) | None => false,
            };
            if !right {
                return Err(format!("table {table} has {dinner:?} and {bill:?}"));
            }
        }
        Ok(())
    }
}

const SIZE: Size = Size { actions: 20, troubles: 4 };

#[test]
fn whatever_goes_wrong_every_dinner_is_decided() {
    for seed in 0..20 {
        let story = Story::draw::<Restaurant>(seed, SIZE);
        if let Err(broken) = story.run::<Restaurant>() {
            panic!("seed {seed}: {broken}\n{story}");
        }
    }
}

#[test]
fn the_same_story_gives_the_same_messages() {
    let story = Story::draw::<Restaurant>(7, SIZE);
    let run = || story.run_and_show::<Restaurant, _>(|harness| (harness.published(), harness.dead_letters())).unwrap();
    assert!(run() == run());
    assert_eq!(story.to_string(), Story::draw::<Restaurant>(7, SIZE).to_string());
}

/// A restaurant in which two tables are one too many.
#[derive(Default)]
struct Tiny(Restaurant);

impl World for Tiny {
    type Action = Guest;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Guest)> {
        Restaurant::draw(random, size)
    }

    fn services(&self) -> Vec<Choreography> {
        self.0.services()
    }

    async fn act(self: Arc<Self>, guest: Guest, services: Services) {
        let inside = Arc::new(Restaurant::default());
        let table = guest.table;
        inside.act(guest, services).await;
        self.0.orders.lock().unwrap().push(table);
    }

    fn check(&self, _: &Harness, _: &Losses) -> Result<(), String> {
        let orders = self.0.orders.lock().unwrap();
        match [3, 11].iter().all(|table| orders.contains(table)) {
            true => Err("tables 3 and 11 are taken".to_owned()),
            false => Ok(()),
        }
    }
}

#[test]
fn a_story_that_breaks_something_is_shortened_to_what_matters() {
    let story = Story::draw::<Tiny>(0, SIZE);
    let broken = story.run::<Tiny>().unwrap_err();
    let (shortest, broken) = story.shrink::<Tiny>(broken, 200);
    let table = |step: &Step<Guest>| match &step.event {
        Event::Action(guest) => Some(guest.table),
        _ => None,
    };
    let tables: Vec<_> = shortest.steps.iter().filter_map(table).collect();
    assert_eq!((shortest.steps.len(), tables.len()), (2, 2), "{shortest}");
    assert!(tables.contains(&3) && tables.contains(&11));
    assert_eq!(broken.to_string(), "tables 3 and 11 are taken");
}

#[test]
fn a_story_that_is_written_and_read_is_the_same() {
    for seed in 0..50 {
        let story = Story::draw::<Restaurant>(seed, Size { actions: 5, troubles: 5 });
        let read = Story::<Guest>::from_lines(story.to_lines().leak()).unwrap();
        assert_eq!(read.to_string(), story.to_string());
        assert_eq!(read.to_lines(), story.to_lines());
    }
}

#[test]
fn a_story_that_can_not_be_read_says_in_which_line() {
    for (text, problem) in [
        ("", "line 1 of the story: the seed is missing"),
        ("x", "line 1 of the story: no seed: invalid digit found in string"),
        (
            "7\n[0,0,{\"Crash\":\"bar\"}]\n\n[1,0]\n",
            "line 4 of the story: invalid length 2, expected a tuple of size 3 at line 1 column 5",
        ),
    ] {
        assert_eq!(Story::<Guest>::from_lines(text).unwrap_err().to_string(), problem);
    }
}
