//! Many stories: what goes wrong in them, how often, and the shortest example.

use std::collections::BTreeMap;

use crate::check::{Failure, run};
use crate::rules::Rules;
use crate::services::Sizes;
use crate::story::{Step, Trouble, make_up, shorten};

/// A name for what may happen in stories, and the troubles themselves.
pub(crate) type Profile = (&'static str, &'static [Trouble]);

use Trouble::*;

/// What may happen together.
pub(crate) const PROFILES: &[Profile] = &[
    ("no trouble", &[]),
    ("network", &[Network, Away, Delay]),
    ("limits", &[Network, Away, Held, Limits]),
    ("instances", &[Pause, Network, Delay]),
    ("held and refused", &[Held, Refused, Network]),
    ("scheduled", &[Scheduled, PublisherBack, Away]),
    ("publisher put back", &[PublisherBack, Network, Away, Scheduled]),
    ("chain put back", &[ChainBack, Network, Away]),
    ("subscriber put back", &[SubscriberBack, Network]),
    ("late", &[Late, Network, Away]),
    ("late, limits", &[Late, Away, Limits]),
    ("tail", &[Tail, Network, Away]),
    ("hole", &[Hole, Away, Held]),
    ("head", &[Head, Away]),
    ("stream put back", &[StreamBack, Away]),
    ("stream put back, hole", &[StreamBack, Hole, Away]),
    ("all stream losses", &[StreamBack, Hole, Tail, Head, Away, Network]),
    ("stream made anew", &[Recreated, Away, Operator, Tail]),
    ("operator", &[Operator, StreamBack, Head, Hole, Away]),
    ("late, losses", &[Late, Hole, Tail, Away]),
    ("stale leader", &[Pause, Tail]),
    ("instances, losses", &[Pause, Network, Tail, Hole, StreamBack]),
    ("lanes, losses", &[Held, Refused, Hole, Tail, Away]),
    ("subscriber put back, losses", &[SubscriberBack, Hole, Tail, Head, StreamBack]),
    ("publisher put back, losses", &[PublisherBack, Hole, Tail]),
    ("publisher and stream put back", &[PublisherBack, StreamBack]),
    ("chain put back, losses", &[ChainBack, Hole, Tail, StreamBack]),
    ("put back under running processes", &[PublisherBack, ChainBack, SubscriberBack, UnderRunning, Away, Scheduled]),
    ("chain put back, delay", &[ChainBack, Delay, Network]),
    ("chain and stream put back", &[ChainBack, StreamBack]),
    ("put back, limits", &[PublisherBack, ChainBack, Network, Limits]),
    (
        "everything",
        &[
            Network,
            Away,
            Delay,
            Pause,
            Refused,
            Scheduled,
            Held,
            PublisherBack,
            ChainBack,
            SubscriberBack,
            Late,
            Tail,
            Hole,
            Head,
            StreamBack,
            Operator,
        ],
    ),
];

/// What came out of many stories.
#[derive(Default)]
pub(crate) struct Outcome {
    /// How many stories there were.
    pub stories: u64,
    /// In how many a service was halted at the end.
    pub halted: u64,
    /// In how many something was reported lost.
    pub reported: u64,
    /// How many stories had each failure, and the first seed.
    pub failures: BTreeMap<Failure, (u64, u64)>,
    /// How much the tables held at most.
    pub sizes: Sizes,
}

/// Lets the stories of these seeds happen.
pub(crate) fn campaign(troubles: &[Trouble], rules: Rules, seeds: std::ops::Range<u64>) -> Outcome {
    let mut outcome = Outcome::default();
    for seed in seeds {
        let (failures, world) = run(&make_up(seed, troubles), rules, troubles);
        outcome.stories += 1;
        outcome.halted += u64::from(world.services.0.iter().any(|service| service.database.head.halted));
        outcome.reported += u64::from(!world.shared.reports.is_empty());
        outcome.sizes = outcome.sizes.max(world.sizes);
        for failure in failures {
            outcome.failures.entry(failure).or_insert((0, seed)).0 += 1;
        }
    }
    outcome
}

/// Returns the story of a seed, as short as it still fails in this way.
pub(crate) fn shortest(troubles: &[Trouble], rules: Rules, seed: u64, failure: Failure) -> Vec<Step> {
    shorten(make_up(seed, troubles), |steps| run(steps, rules, troubles).0.contains(&failure))
}
