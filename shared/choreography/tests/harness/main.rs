//! A whole application in the harness: what is repeated is the same, and whatever goes wrong, its stories end right.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod deadly_effect;
mod other_process;
mod parcels;
mod planted;
mod post_office;
mod repeated;
mod restaurant;
mod simulated;
mod story;
mod troubles;
mod updates;
mod versions;
