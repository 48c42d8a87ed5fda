//! The same seed gives the same story, byte for byte; another seed gives another one.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::story::story;

/// Where the test, as a process of its own, writes its story.
const STORY_FILE: &str = "STORY_FILE";

#[track_caller]
fn assert_same(seed: u64, one: &str, other: &str) {
    let first = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "seed {seed} gave two stories, which differ first in {first:#?}");
}

#[test]
fn the_same_seed_gives_the_same_story() {
    for seed in 0..50 {
        assert_same(seed, &story(seed), &story(seed));
    }
}

#[test]
fn another_seed_gives_other_ids_and_another_story() {
    let ids = |story: &str| -> Vec<String> {
        story.split_once("ce-id").into_iter().map(|(_, rest)| rest.chars().take(44).collect()).collect()
    };
    let (one, other) = (story(1), story(2));
    assert!(one != other && ids(&one) != ids(&other));
}

/// Each process has hash maps in another order.
#[test]
fn the_same_seed_gives_the_same_story_in_other_processes() {
    const SEED: u64 = 7;
    if let Some(file) = env::var_os(STORY_FILE) {
        return fs::write(file, story(SEED)).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let told = |file: &Path| {
        let mut itself = Command::new(env::current_exe().unwrap());
        itself.args(["--exact", "repeated::the_same_seed_gives_the_same_story_in_other_processes"]);
        assert!(itself.env(STORY_FILE, file).output().unwrap().status.success());
        fs::read_to_string(file).unwrap()
    };
    let here = story(SEED);
    for process in ["one", "other"] {
        assert_same(SEED, &here, &told(&directory.path().join(process)));
    }
}
