//! The HTTP face of a [`choreography`] service, so that the service's own code is its routes.
//!
//! One thing must hold: whatever goes wrong is answered with a [`Problem`] that says what is wrong and what can be
//! done about it, also for an address that does not exist, a panic, or a request that takes too long.
//!
//! | what | where |
//! |---|---|
//! | errors as `application/problem+json` (RFC 9457) | [`Problem`], [`InvalidField`] |
//! | requests | [`Json`], [`Path`], [`Query`], [`Paged`], [`Caller`], [`Idempotent`] |
//! | answers | [`Json`], [`Listing`], [`find()`] |
//! | `/livez`, `/readyz`, `/circuits`, `/metrics`, `/openapi.json`, limits and time-outs | [`router()`] |
//! | flags and environment, logs | [`settings()`], [`Settings`] |
//! | running until SIGTERM or Ctrl-C | [`serve()`], [`Failure`] |
//! | tests in memory | `testing::TestService` (feature `testing`) |

mod body;
mod caller;
mod circuits;
mod failure;
mod find;
mod health;
mod idempotent;
mod json;
mod paging;
mod path_and_query;
mod problem;
mod request_metrics;
mod router;
mod serve;
mod settings;
mod stopping;
#[cfg(feature = "testing")]
pub mod testing;

pub use caller::Caller;
pub use failure::Failure;
pub use find::find;
pub use idempotent::Idempotent;
pub use json::Json;
pub use paging::{LIMIT_DEFAULT, Listing, Paged, Paging};
pub use path_and_query::{Path, Query};
pub use problem::{InvalidField, Problem};
pub use router::{BODY_BYTES_MAX, router};
pub use serve::{Serve, ServeError, serve};
pub use settings::{InvalidDatabaseUrl, InvalidDuration, Settings, duration, settings};
pub use stopping::Stopping;

#[cfg(test)]
mod tests;
