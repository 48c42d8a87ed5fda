//! The tool as a person runs it: the real program, a real server, dead letters as services write them, and a stand-in
//! for the services that does their part of a repair.

#![allow(clippy::unwrap_used, reason = "tests")]

mod dropping;
mod ending;
mod listing;
mod many;
mod replaying;
mod showing;
mod stage;
mod stand_in;
mod tool;

use std::time::Duration;

/// How long anything that must happen may take; it takes far less.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
