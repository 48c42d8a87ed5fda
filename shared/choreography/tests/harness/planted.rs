//! Bugs that are planted in the engine: the simulation notices each within a few stories, which hold without it.

use std::sync::atomic::{AtomicUsize, Ordering};

use choreography::testing::{PlantedBug, Size, Story};

use crate::parcels::PostOffice;

/// How large the stories are.
const SIZE: Size = Size { actions: 12, troubles: 8 };
/// The most stories that it may take to notice a bug.
const STORIES_MAX: u64 = 12;

/// The bugs that show in what a story has: no stream or database is put back or has a hole, and no instance is paused.
const NOTICEABLE: &[PlantedBug] = &[
    PlantedBug::NumbersNotChecked,
    PlantedBug::NumbersNotStored,
    PlantedBug::PublishedBeforeCommit,
    PlantedBug::NumberGivenTwice,
    PlantedBug::StaleRowTrusted,
    PlantedBug::WaitingForgotten,
    PlantedBug::WaitingNeverExpires,
    PlantedBug::DeadLetterOmitted,
    PlantedBug::FallbackOmitted,
    PlantedBug::FallbackPublishedTwice,
    PlantedBug::TombstoneOmitted,
    PlantedBug::ScheduledPublishedTwice,
    PlantedBug::ReplyNotStored,
    PlantedBug::AcknowledgementTakenForGranted,
    PlantedBug::RepairSkipsLastRow,
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
