//! What every HTTP face shares, so that a service's `http.rs` is only its routes.
//!
//! One thing must hold: whatever goes wrong is answered with a [`Problem`] that says what is wrong and what can be
//! done about it, also for an address that does not exist, a panic, or a request that takes too long.
//!
//! A service's `main` reads its [`settings`], [`start`](Settings::start)s, and [`serve`](Running::serve)s.

mod body;
mod caller;
mod circuits;
mod extract;
mod face;
mod health;
mod json;
mod measure;
mod page;
mod problem;
mod running;
mod settings;

pub use caller::Caller;
pub use extract::{Path, Query};
pub use face::{BODY_BYTES_MAX, Stopping, face};
pub use json::Json;
pub use page::{LIMIT_DEFAULT, Listing, page};
pub use problem::{Problem, Wrong};
pub use running::{Failure, Running};
pub use settings::{Settings, duration, settings};

#[cfg(test)]
mod tests;
