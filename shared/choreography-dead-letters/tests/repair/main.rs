//! The tool as a person runs it: the real program, a real server with the shop's own `nats.conf`, dead letters as services
//! write them, and a stand-in for the services that plays their part of a repair.

#![allow(clippy::unwrap_used, reason = "tests")]

mod dropping;
mod ending;
mod many;
mod replaying;
mod seeing;
mod showing;
mod stage;
mod stand_in;
mod tool;

use std::time::Duration;

/// How long anything that must happen may take: far more than it does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
