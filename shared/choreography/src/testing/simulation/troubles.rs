//! Draws what goes wrong in a story.

use std::time::Duration;

use super::event::Event;
use super::random::Random;
use crate::testing::trouble::Trouble;

/// How many kinds of troubles are drawn from.
const KINDS: u64 = 11;

/// Draws troubles of a story that ends at a moment, each with the time since its start. What lasts ends by itself, and
/// whoever crashes is started again.
pub(super) fn draw_troubles<A>(
    random: &mut Random,
    services: &[&'static str],
    end: Duration,
    count: usize,
) -> Vec<(Duration, Event<A>)> {
    (0..count).flat_map(|_| draw_trouble(random, services, end)).collect()
}

fn draw_trouble<A>(random: &mut Random, services: &[&'static str], end: Duration) -> Vec<(Duration, Event<A>)> {
    let begin = random.within(end);
    let over = begin + draw_length(random);
    let service = random.pick(services);
    let count = random.of(1..20);
    let lasting = |first, last| vec![(begin, Event::Trouble(first)), (over, Event::Trouble(last))];
    let once = |trouble| vec![(begin, Event::Trouble(trouble))];
    match random.of(0..KINDS) {
        0 => vec![(begin, Event::Crash(service)), (over, Event::Start(service))],
        1 => vec![(begin, Event::Start(service)), (over, Event::Crash(service))],
        2 => lasting(Trouble::ServerDown, Trouble::ServerUp),
        3 => once(Trouble::ServerRestarts),
        4 => once(Trouble::ServerLoses(count)),
        5 => once(Trouble::ConnectionsLost),
        6 => once(Trouble::AcknowledgementsLost(count)),
        7 => lasting(Trouble::PublishesRefused, Trouble::PublishesAccepted),
        8 => lasting(Trouble::PullsSilent, Trouble::PullsAnswered),
        9 => once(Trouble::DeliveredTwice(service)),
        _ => once(Trouble::CommitsFail(service, u32::try_from(count).unwrap_or(u32::MAX))),
    }
}

/// Draws how long something lasts: mostly moments, now and then minutes.
fn draw_length(random: &mut Random) -> Duration {
    let longest = random.pick(&[100, 1_000, 5_000, 10_000, 30_000, 120_000]);
    random.within(Duration::from_millis(longest))
}
