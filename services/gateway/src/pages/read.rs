//! Reads what a service shows into the few fields that a page needs.

use axum::http::StatusCode;
use choreography_axum::Problem;
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::gateway::Gateway;
use crate::upstreams::Ask;

/// Asks a service, and returns what a page needs of its answer.
///
/// # Errors
/// The service's own problem; 502 if its answer has not the fields that the page needs.
pub(super) async fn read<T: DeserializeOwned>(gateway: &Gateway, ask: Ask) -> Result<T, Problem> {
    serde_json::from_value(gateway.upstreams.ask(ask).await?).map_err(unreadable)
}

/// Asks a service as [`read`] does, and returns the default if it says that there is no such thing.
///
/// # Errors
/// As those of [`read`], but for 404.
pub(super) async fn read_or_default<T: DeserializeOwned + Default>(gateway: &Gateway, ask: Ask) -> Result<T, Problem> {
    match read(gateway, ask).await {
        Err(problem) if problem.status == 404 => Ok(T::default()),
        answer => answer,
    }
}

/// Makes the 502 of an answer that has not the fields that a page needs.
#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(super) fn unreadable(error: serde_json::Error) -> Problem {
    tracing::error!(%error, "a service's answer has not what a page shows: are both of the same release?");
    Problem::new(StatusCode::BAD_GATEWAY, "upstream-unreadable", "the shop could not read what a service says")
}

/// Returns a text as a part of an address.
pub(super) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}
