//! A story of the shop runs in the same way in another process, byte for byte.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use choreography::testing::{Harness, Size, Story};

use crate::shop::Shop;

/// The environment variable by which the other process learns where to write what its story ended with.
const WRITE_TO: &str = "SIM_WRITE_TO";

/// Returns what the streams and databases have at the end of a story.
fn contents() -> String {
    let story = Story::draw::<Shop>(4, Size { actions: 20, troubles: 6 });
    story.run_and_show::<Shop, _>(Harness::contents).unwrap().1
}

#[test]
fn another_process_runs_the_same_story_of_the_shop_byte_for_byte() {
    if let Ok(file) = env::var(WRITE_TO) {
        return fs::write(file, contents()).unwrap();
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sim_other_process");
    let test = "other_process::another_process_runs_the_same_story_of_the_shop_byte_for_byte";
    let other =
        Command::new(env::current_exe().unwrap()).args(["--exact", test]).env(WRITE_TO, &file).output().unwrap();
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stdout));
    let (own, other) = (contents(), fs::read_to_string(&file).unwrap());
    assert!(own.lines().count() > 100, "{own}");
    for (own, other) in own.lines().zip(other.lines()) {
        assert_eq!(own, other);
    }
    assert_eq!(own.len(), other.len());
}
