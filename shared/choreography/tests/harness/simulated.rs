//! The restaurant in a simulated world: the same story always ends in the same way, and one that breaks something is
//! shortened to what matters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreography::testing::{Event, Harness, Losses, Random, Services, Size, Step, Story, World};
use choreography::{Choreography, Command, Message, Row, Settings};

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
    let run = || story.run_and_show::<Restaurant, _>(|harness| (harness.published(), harness.dead_letters()));
    let ended = run();
    assert!(ended.0.is_ok() && ended == run());
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
fn a_story_that_breaks_something_is_shown() {
    let story = Story::draw::<Tiny>(0, SIZE);
    let (ended, dinners) = story.run_and_show::<Tiny, _>(|harness| harness.all::<Dinner>().len());
    assert_eq!((ended.unwrap_err().to_string().as_str(), dinners), ("tables 3 and 11 are taken", Some(SIZE.actions)));
}

#[test]
fn a_story_in_which_a_step_panics_is_shown() {
    let step = Step { number: 0, at: Duration::ZERO, event: Event::Crash("attic") };
    let story = Story::<Guest> { seed: 0, steps: vec![step] };
    let (ended, services) = story.run_and_show::<Restaurant, _>(|harness| harness.service("bar").name());
    let problem = ended.unwrap_err().to_string();
    assert_eq!((problem.as_str(), services), ("a panic: attic is not part of the application", Some("bar")));
}

#[test]
fn a_story_that_is_written_and_read_is_the_same() {
    for seed in 0..50 {
        let story = Story::draw::<Restaurant>(seed, Size { actions: 5, troubles: 5 });
        let read = Story::from_lines::<Restaurant>(story.to_lines().leak()).unwrap();
        assert_eq!(read.to_string(), story.to_string());
        assert_eq!(read.to_lines(), story.to_lines());
    }
}

#[test]
fn a_story_that_can_not_be_read_says_in_which_line() {
    for (text, problem) in [
        ("", "line 1 of the story: the seed is missing, a number: \"\""),
        ("x", "line 1 of the story: the seed is missing, a number: \"x\""),
        (
            "7\n[0,0,{\"Crash\":\"bar\"}]\n\n[1,0]\n",
            "line 4 of the story: column 5: invalid length 2, expected a tuple of size 3; a step is written as \
             [12,3500,{\"Crash\":\"order\"}]",
        ),
        (
            "7\n[0,20,{\"Crash\":\"bar\"}]\n[1,10,{\"Start\":\"bar\"}]",
            "line 3 of the story: 10 ms is before the step above, 20 ms",
        ),
        (
            "7\n[0,10,{\"Crash\":\"bar\"}]\n[0,20,{\"Start\":\"bar\"}]",
            "line 3 of the story: another step has the number 0",
        ),
        (
            "7\n[0,10,{\"Crash\":\"bar\"}]\n[1,20,{\"Start\":\"baker\"}]",
            "line 3 of the story: baker is not part of the application, which has bar, counter, kitchen, till",
        ),
        (
            "7\n[0,10,{\"Trouble\":{\"DiskFull\":\"attic\"}}]",
            "line 2 of the story: attic is not part of the application, which has bar, counter, kitchen, till",
        ),
        ("7\n[0,86400001,{\"Crash\":\"bar\"}]", "line 2 of the story: 86400001 ms after the start is more than a day"),
    ] {
        assert_eq!(Story::from_lines::<Restaurant>(text).unwrap_err().to_string(), problem);
    }
    assert_eq!(Story::from_lines::<Restaurant>("\u{feff}7\r\n").unwrap().seed, 7);
}

/// A hotel whose guests come before it is open, and whose porter sleeps.
#[derive(Default)]
struct Hotel;

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "ring", key = room, row = Bell)]
struct Ring {
    room: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "bell-rang", key = room, role = event)]
struct BellRang {
    room: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "bell", key = u32)]
struct Bell;

fn ring(command: &Ring, bell: &mut Option<Bell>) -> Option<BellRang> {
    bell.replace(Bell).is_none().then_some(BellRang { room: command.room })
}

fn open_door(rang: &BellRang) {
    assert_eq!(rang.room, 0, "the porter sleeps");
}

impl World for Hotel {
    type Action = u32;

    fn draw(_: &mut Random, rooms: usize) -> Vec<(Duration, u32)> {
        (0..u32::try_from(rooms).unwrap()).map(|room| (Duration::from_secs(1), room)).collect()
    }

    fn services(&self) -> Vec<Choreography> {
        vec![Choreography::new("desk").command(ring), Choreography::new("porter").on(open_door)]
    }

    async fn act(self: Arc<Self>, room: u32, services: Services) {
        assert_ne!(room, 2, "there is no such room");
        assert!(services.insist(Ring { room }, Some(&room.to_string())).await.is_ok());
    }

    fn check(&self, _: &Harness, _: &Losses) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_story_is_broken_by_an_action_and_by_a_reaction_that_panics() {
    let broken = |actions| Story::draw::<Hotel>(0, Size { actions, troubles: 0 }).run::<Hotel>().err();
    assert_eq!(broken(1), None);
    let porter = broken(2).unwrap().to_string();
    assert!(porter.starts_with("a message died, dead.porter.bell-rang.1: panicked: ") && porter.contains("sleeps"));
    let guest = broken(3).unwrap().to_string();
    assert!(guest.starts_with("the action of step 2 panicked: ") && guest.contains("no such room"), "{guest}");
}
