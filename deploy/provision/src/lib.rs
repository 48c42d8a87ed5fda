//! What the shop needs on the message server, computed from what its services receive and say.
//!
//! Nothing is listed by hand: a message that somebody begins to receive is in a consumer's filter with the next run.

use std::time::Duration;

use choreography::provision::{ConsumerPlan, Plan, StreamPlan};
use choreography::{Choreography, Map};

/// How many instances of a service may run: one in charge and one that stands by, each with its own consumer.
pub const SLOTS: u32 = 2;

/// The stream of everything that is said.
const EVENTS: &str = "EVENTS";

/// Every service's part in the choreography. What they are given to run with does not matter here.
pub fn shop() -> Vec<Choreography> {
    vec![
        order::choreography(),
        inventory::choreography(),
        payment::choreography(Duration::MAX),
        delivery::choreography(),
        notify::choreography(notify::mailer::Mailer::default()),
    ]
}

/// The streams and consumers that these services need.
pub fn plan(services: &[Choreography], events_bytes_max: u64, dead_letters_bytes_max: u64) -> Plan {
    let map = Map::of(services);
    let names = services.iter().map(Choreography::service);
    let subjects = names.clone().map(|name| format!("{name}.*.*")).collect();
    Plan {
        streams: vec![StreamPlan::events(subjects, events_bytes_max), StreamPlan::dead_letters(dead_letters_bytes_max)],
        consumers: names.flat_map(|name| consumers(name, &map)).collect(),
    }
}

/// A service's consumers. One that receives nothing has none: without a filter it would be sent everything.
fn consumers(service: &str, map: &Map) -> Vec<ConsumerPlan> {
    let filter_subjects: Vec<String> = map.received_by(service).iter().map(|subject| format!("{subject}.*")).collect();
    let slots = if filter_subjects.is_empty() { 0 } else { SLOTS };
    let consumer = |slot| ConsumerPlan {
        stream: EVENTS.to_owned(),
        name: format!("{service}-{slot}"),
        filter_subjects: filter_subjects.clone(),
    };
    (0..slots).map(consumer).collect()
}
