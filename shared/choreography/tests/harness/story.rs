//! A long evening in the restaurant, with trouble at moments that follow from the seed: everything that is stored in the end,
//! as text.

use std::fmt::Write;
use std::time::Duration;

use choreography::testing::{Harness, Published, Trouble};

use crate::restaurant::{Bill, Dinner, MESSAGE_DEADLINE, OrderDinner, Status, decided, restaurant};

const TABLES: u32 = 24;

/// Numbers that follow from a seed: Knuth's linear congruential generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Lets something go wrong, and returns how long it lasts.
fn trouble(dice: &mut Dice, harness: &mut Harness) -> Vec<Trouble> {
    let begin = match dice.roll(9) {
        0 => (Trouble::ServerDown, Some(Trouble::ServerUp)),
        1 => (Trouble::PublishesRefused, Some(Trouble::PublishesAccepted)),
        2 => (Trouble::PullsSilent, Some(Trouble::PullsAnswered)),
        3 => (Trouble::ServerRestarts, None),
        4 => (Trouble::ConnectionsLost, None),
        5 => (Trouble::AcknowledgementsLost(dice.roll(4)), None),
        6 => (Trouble::DeliveredTwice("counter"), None),
        7 => (Trouble::CommitsFail("kitchen", 2), None),
        _ => {
            let service = ["counter", "kitchen", "bar", "till"][dice.roll(4) as usize];
            harness.crash(service);
            harness.start_instance(service);
            return Vec::new();
        }
    };
    harness.inject(begin.0);
    begin.1.into_iter().collect()
}

/// Returns the whole of what one evening leaves behind.
pub(crate) fn story(seed: u64) -> String {
    let (mut dice, mut harness) = (Dice(seed), restaurant(seed));
    harness.start_instance("bar");
    for table in 0..TABLES {
        let failures = (dice.roll(6) > 0).then(|| dice.roll(4) as u32);
        harness.execute(OrderDinner { table, failures }).unwrap();
        let ends = if dice.roll(3) == 0 { trouble(&mut dice, &mut harness) } else { Vec::new() };
        harness.advance(Duration::from_millis(dice.roll(700)));
        ends.into_iter().for_each(|end| harness.inject(end));
    }
    let mut story = String::new();
    for table in 0..TABLES {
        let (status, bill) = decided(&harness, table);
        assert_eq!(bill, (status == Status::Served).then_some(Bill { drinks: 1 }), "table {table}");
        let dinner = harness.get::<Dinner>(&table);
        writeln!(story, "{table} {dinner:?} {bill:?}").unwrap();
    }
    // Drinks that wait for the bill of a cancelled dinner die.
    harness.advance(MESSAGE_DEADLINE);
    let messages = harness.published().into_iter().chain(harness.dead_letters());
    messages.for_each(|message| write(&mut story, &message));
    story
}

fn write(story: &mut String, message: &Published) {
    let payload = String::from_utf8_lossy(&message.envelope.payload);
    let (subject, headers) = (&message.envelope.subject, &message.envelope.headers);
    writeln!(story, "{} {} {subject} {headers:?} {payload}", message.sequence, message.at).unwrap();
}
