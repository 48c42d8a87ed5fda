//! The services of README.md and their tests, run as a reader runs them. `lib.rs` is the text that README.md has.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[allow(unreachable_pub, reason = "for a reader it is the root of a library")]
#[path = "lib.rs"]
#[rustfmt::skip]
mod services;

const README: &str = include_str!("../../README.md");

#[test]
fn readme_has_the_services_that_are_tested_here() {
    let (_, after) = README.split_once("## Two services").unwrap();
    let (_, code) = after.split_once("```rust,no_run\n").unwrap();
    let (code, _) = code.split_once("```\n").unwrap();
    assert_eq!(code, include_str!("lib.rs"), "copy the code of README.md to tests/quick_start/lib.rs");
}
