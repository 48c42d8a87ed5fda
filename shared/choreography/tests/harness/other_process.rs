//! A story runs in the same way in another process, byte for byte.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use choreography::testing::{Harness, Size, Story};

use crate::post_office::PostOffice;

/// The environment variable by which the other process learns where to write what its stories ended with.
const WRITE_TO: &str = "HARNESS_WRITE_TO";

/// Returns what the streams and databases have at the end of some stories.
fn contents() -> String {
    let story = |seed| Story::draw::<PostOffice>(seed, Size { actions: 12, troubles: 8 });
    let run = |story: Story<_>| story.run_and_show::<PostOffice, _>(Harness::contents).unwrap();
    (0..4).map(|seed| run(story(seed)).1).collect()
}

#[test]
fn another_process_runs_the_same_stories_byte_for_byte() {
    if let Ok(file) = env::var(WRITE_TO) {
        return fs::write(file, contents()).unwrap();
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other_process");
    let test = "other_process::another_process_runs_the_same_stories_byte_for_byte";
    let program = env::current_exe().unwrap();
    let other = Command::new(program).args(["--exact", test]).env(WRITE_TO, &file).output().unwrap();
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stdout));
    let (own, other) = (contents(), fs::read_to_string(&file).unwrap());
    assert!(own.lines().count() > 100, "{own}");
    for (own, other) in own.lines().zip(other.lines()) {
        assert_eq!(own, other);
    }
    assert_eq!(own.len(), other.len());
}
