//! A story runs in the same way in another process, byte for byte.

use choreography::testing::{Harness, Size, Story};
use testkit::same_in_another_process;

use crate::post_office::PostOffice;
use crate::story::story;

#[test]
fn another_process_runs_the_same_stories_byte_for_byte() {
    let run = |seed| {
        let story = Story::draw::<PostOffice>(seed, Size { actions: 12, troubles: 8 });
        let (ended, contents) = story.run_and_show::<PostOffice, _>(Harness::contents);
        assert!(ended.is_ok(), "{ended:?}");
        contents.unwrap()
    };
    let test = "other_process::another_process_runs_the_same_stories_byte_for_byte";
    let contents = same_in_another_process(test, || (0..4).map(run).collect());
    assert!(contents.lines().count() > 100, "{contents}");
}

#[test]
fn another_process_shows_the_same_to_every_service_for_the_same_seed() {
    let test = "other_process::another_process_shows_the_same_to_every_service_for_the_same_seed";
    same_in_another_process(test, || story(7));
}
