//! Draws what goes wrong in a story.

use std::time::Duration;

use super::event::Event;
use super::random::Random;
use crate::testing::effect_troubles::EffectTrouble;
use crate::testing::trouble::Trouble;

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

/// When a trouble begins, and when it is over.
#[derive(Clone, Copy)]
struct Interval {
    begin: Duration,
    over: Duration,
}

impl Interval {
    fn lasting<A>(self, first: Trouble, last: Trouble) -> Vec<(Duration, Event<A>)> {
        vec![(self.begin, Event::Trouble(first)), (self.over, Event::Trouble(last))]
    }

    fn once<A>(self, trouble: Trouble) -> Vec<(Duration, Event<A>)> {
        vec![(self.begin, Event::Trouble(trouble))]
    }
}

fn draw_trouble<A>(random: &mut Random, services: &[&'static str], end: Duration) -> Vec<(Duration, Event<A>)> {
    let begin = random.within(end);
    let interval = Interval { begin, over: begin + draw_length(random) };
    let service = random.pick(services);
    match random.of(0..3) {
        0 => draw_server_trouble(random, interval),
        1 => draw_database_trouble(random, service, interval),
        _ => draw_instance_trouble(random, service, interval),
    }
}

/// Draws how long something lasts: mostly moments, now and then minutes.
fn draw_length(random: &mut Random) -> Duration {
    let longest = random.pick(&[100, 1_000, 5_000, 10_000, 30_000, 120_000]);
    random.within(Duration::from_millis(longest))
}

fn draw_server_trouble<A>(random: &mut Random, interval: Interval) -> Vec<(Duration, Event<A>)> {
    let count = random.of(1..40);
    match random.of(0..11) {
        0 => interval.lasting(Trouble::ServerDown, Trouble::ServerUp),
        1 => interval.once(Trouble::ServerRestarts),
        2 => interval.once(Trouble::ServerLoses(count)),
        3 => interval.once(Trouble::ServerLosesBlock { behind: random.of(1..100), count }),
        4 => interval.lasting(Trouble::ServerCopied, Trouble::ServerPutBack),
        5 => {
            let latency = Duration::from_millis(random.pick(&[1, 20, 200, 1_500]));
            interval.lasting(Trouble::ServerSlow(latency), Trouble::ServerSlow(Duration::ZERO))
        }
        6 => interval.once(Trouble::ConnectionsLost),
        7 => interval.once(Trouble::AcknowledgementsLost(count)),
        8 => interval.lasting(Trouble::PublishesRefused, Trouble::PublishesAccepted),
        9 => interval.lasting(Trouble::PullsSilent, Trouble::PullsAnswered),
        _ => {
            // Both at once: what the server had not written is lost together with what the connections carried.
            let mut events = interval.once(Trouble::AcknowledgementsLost(count));
            events.extend(Interval { begin: interval.over, ..interval }.once(Trouble::ServerLoses(count)));
            events
        }
    }
}

fn draw_database_trouble<A>(
    random: &mut Random,
    service: &'static str,
    interval: Interval,
) -> Vec<(Duration, Event<A>)> {
    let count = u32::try_from(random.of(1..20)).unwrap_or(u32::MAX);
    match random.of(0..4) {
        0 => interval.once(Trouble::CommitsFail(service, count)),
        1 => interval.once(Trouble::CommitsConflict(service, count)),
        2 => interval.once(Trouble::CommitsUnanswered(service, count)),
        _ => {
            let hour = Duration::from_secs(60 * 60);
            let over = if random.chance(3) { interval.begin + hour } else { interval.over };
            Interval { over, ..interval }.lasting(Trouble::DiskFull(service), Trouble::DiskFree(service))
        }
    }
}

fn draw_instance_trouble<A>(
    random: &mut Random,
    service: &'static str,
    interval: Interval,
) -> Vec<(Duration, Event<A>)> {
    let Interval { begin, over } = interval;
    let start = |at| (at, Event::Start(service));
    match random.of(0..8) {
        0 => vec![(begin, Event::Crash(service)), start(over)],
        1 => vec![start(begin), (over, Event::Crash(service))],
        2 => {
            let steps = random.of(0..40);
            vec![(begin, Event::Trouble(Trouble::KilledAfter(service, steps))), start(over)]
        }
        3 if random.chance(50) => interval.once(Trouble::DeliveredTwice(service)),
        3 => interval.once(Trouble::DeliveriesStolen(service, random.of(1..5))),
        // Another instance takes over, and the first one wakes up and believes that it leads.
        4 => {
            let mut events = vec![start(begin)];
            events.extend(interval.lasting(Trouble::Paused(service), Trouble::GoesOn(service)));
            events
        }
        5 => interval.lasting(Trouble::Paused(service), Trouble::GoesOn(service)),
        6 => {
            let by_ms = random.pick(&[-3_600_000, -5_000, -20, 20, 5_000, 3_600_000]);
            let gains_us = random.pick(&[-1_000, 0, 0, 1_000]);
            interval.lasting(Trouble::ClockWrong { service, by_ms, gains_us }, Trouble::ClocksRight(service))
        }
        _ => {
            let slow = EffectTrouble::Slow(Duration::from_millis(random.pick(&[10, 1_000, 20_000])));
            let of = [slow, EffectTrouble::Hangs, EffectTrouble::FailsBefore, EffectTrouble::FailsAfter];
            let trouble = random.pick(&of);
            interval.lasting(Trouble::Effects(service, trouble), Trouble::Effects(service, EffectTrouble::None))
        }
    }
}
