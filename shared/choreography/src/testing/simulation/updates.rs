//! Draws when instances of earlier releases are replaced by those of the current ones.

use std::time::Duration;

use super::event::Event;
use super::random::Random;
use crate::testing::release::Release;

/// How long two releases of a service are at work side by side, at most.
const SIDE_BY_SIDE: Duration = Duration::from_secs(60);

/// Draws which services of a story that ends at a moment begin with their earlier release, and when each is updated.
pub(super) fn draw_updates<A>(
    random: &mut Random,
    services: &[&'static str],
    end: Duration,
) -> Vec<(Duration, Event<A>)> {
    services
        .iter()
        .flat_map(|service| if random.chance(70) { draw_update(random, service, end) } else { vec![] })
        .collect()
}

fn draw_update<A>(random: &mut Random, service: &'static str, end: Duration) -> Vec<(Duration, Event<A>)> {
    let at = random.within(end);
    let mut events = vec![
        (Duration::ZERO, Event::Release(service, Release::Earlier)),
        (at, Event::Release(service, Release::Current)),
    ];
    if random.chance(50) {
        // The new instance stands by until the old one ends.
        events.extend([(at, Event::Start(service)), (at + random.within(SIDE_BY_SIDE), Event::Crash(service))]);
    } else {
        events
            .extend([(at, Event::Crash(service)), (at + random.within(Duration::from_secs(2)), Event::Start(service))]);
    }
    events
}
