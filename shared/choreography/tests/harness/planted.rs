//! Bugs that are planted in the engine: the simulation notices each within a few stories, which hold without it.

use std::sync::atomic::{AtomicUsize, Ordering};

use choreography::testing::{PlantedBug, Size, Story};

use crate::post_office::PostOffice;

/// How large the stories are.
const SIZE: Size = Size { actions: 12, troubles: 8 };
/// The most stories that it may take to notice a bug.
const STORIES_MAX: u64 = 20;

/// The bugs that show in a story. Of the others, [`PlantedBug::EpochNotChecked`] does no harm that shows: the position, and
/// that an effect is still queued, are checked, too. [`PlantedBug::OpenCircuitIgnored`] changes only when messages are
/// published, and [`PlantedBug::OrderLostAcrossWait`] an order on which nothing in the post office depends.
const NOTICEABLE: &[PlantedBug] = &[
    PlantedBug::PositionNotChecked,
    PlantedBug::EffectsNotChecked,
    PlantedBug::NumbersNotChecked,
    PlantedBug::NumbersNotStored,
    PlantedBug::PublishedBeforeCommit,
    PlantedBug::NumberGivenTwice,
    PlantedBug::StaleRowTrusted,
    PlantedBug::WaitsNotLookedUp,
    PlantedBug::WaitingForgotten,
    PlantedBug::WaitingNeverExpires,
    PlantedBug::ExpiryIgnored,
    PlantedBug::DeadLetterOmitted,
    PlantedBug::FallbackOmitted,
    PlantedBug::FallbackPublishedTwice,
    PlantedBug::TombstoneOmitted,
    PlantedBug::ScheduledPublishedTwice,
    PlantedBug::ReplyNotStored,
    PlantedBug::AcknowledgementTakenForGranted,
    PlantedBug::RepairSkipsLastRow,
    PlantedBug::HoleNotListed,
    PlantedBug::AdoptionOmitted,
    PlantedBug::PublishedRowsForgotten,
    PlantedBug::SettledTooEarly,
    PlantedBug::CircuitNeverCloses,
    PlantedBug::PositionNotVerified,
    PlantedBug::CheckpointsNotLookedAt,
    PlantedBug::HaltNotStored,
    PlantedBug::GapNotNoticed,
    PlantedBug::LeadsWithoutLease,
    PlantedBug::QueuedEffectsForgotten,
];

/// Returns the seed of the first story that does not hold with a planted bug.
fn noticed(bug: PlantedBug) -> Option<(u64, String)> {
    let _planted = bug.plant();
    let broken = |seed| Story::draw::<PostOffice>(seed, SIZE).run::<PostOffice>().err().map(|broken| (seed, broken));
    (0..STORIES_MAX).find_map(broken).map(|(seed, broken)| (seed, broken.to_string()))
}

#[test]
fn without_a_bug_every_story_of_the_post_office_holds() {
    for seed in 0..STORIES_MAX {
        let story = Story::draw::<PostOffice>(seed, SIZE);
        if let Err(broken) = story.run::<PostOffice>() {
            panic!("seed {seed}: {broken}\n{story}");
        }
    }
}

#[test]
fn planted_bugs_are_noticed_by_the_simulation() {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut unnoticed = Vec::new();
        while let Some(bug) = NOTICEABLE.get(next.fetch_add(1, Ordering::SeqCst)) {
            match noticed(*bug) {
                Some((seed, broken)) => println!("{bug:?}: seed {seed}: {broken}"),
                None => unnoticed.push(*bug),
            }
        }
        unnoticed
    };
    let unnoticed: Vec<_> = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(unnoticed.is_empty(), "in {STORIES_MAX} stories each, the simulation does not notice {unnoticed:?}");
}
