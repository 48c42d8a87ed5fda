//! Errors as callers see them: `application/problem+json`, RFC 9457.
//!
//! Programs go by `type`, `urn:problem:<code>`, which never changes its meaning; people read `detail`.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use choreography::bus::BusError;
use choreography::store::StoreError;
use choreography::{ExecuteError, InvalidKey, Rejected};
use serde::Serialize;
use utoipa::ToSchema;

/// How soon a caller may try again when the service is busy for a moment, in seconds.
const TRY_AGAIN_SECONDS: u32 = 1;

/// An error as callers see it, with its status and whether and when they may try again.
///
/// Whatever the runtime fails with converts into it with `?`: [`ExecuteError`], [`Rejected`], [`InvalidKey`],
/// [`StoreError`] and [`BusError`].
///
/// ```
/// # use choreography_axum::Problem;
/// fn positive(quantity: i64) -> Result<u64, Problem> {
///     quantity.try_into().map_err(|_| Problem::bad_request("quantity-negative", "a quantity is 0 or more"))
/// }
/// assert_eq!(positive(-1).unwrap_err().kind, "urn:problem:quantity-negative");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem, for programs: `urn:problem:<code>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:problem:order-completed")]
    pub kind: String,
    /// The kind of problem, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, and what can be done about it.
    pub detail: String,
    /// The fields that are wrong, if it is the request's content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InvalidField>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

/// A field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvalidField {
    /// Where it is in the body, as a JSON pointer (RFC 6901); empty for the whole body.
    #[schema(example = "/lines/0/quantity")]
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    /// Makes a problem. Its type and title are derived from the code, which is in kebab case.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:problem:{code}"),
            title: title(code),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_seconds: None,
        }
    }

    /// Makes a 400: the request can't be read.
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Makes a 404: what the request names does not exist.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// Makes a 422: the request can be read, but its content is wrong in at least one place.
    pub fn invalid(errors: Vec<InvalidField>) -> Self {
        let sentences: Vec<_> = errors.iter().map(InvalidField::sentence).collect();
        let detail = sentences.join("; ");
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-content", detail) }
    }

    /// Adds when the caller may try again, in seconds from now: the `retry-after` header.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    fn unavailable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(TRY_AGAIN_SECONDS)
    }

    /// Makes a 500: a row can't be read until an operator has mended it.
    fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "row-unreadable", detail)
    }

    /// Makes a 500: a bug, which is in the log.
    pub(crate) fn internal() -> Self {
        let detail = "this is a fault of the service, and it is in its log; trying again may not help";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", detail)
    }
}

impl InvalidField {
    /// Makes the error of the field at a JSON pointer.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    fn sentence(&self) -> String {
        let Self { pointer, detail } = self;
        if pointer.is_empty() { detail.clone() } else { format!("{pointer}: {detail}") }
    }
}

/// Returns a duration in seconds, rounded up: a caller who comes back too early is refused again.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

/// Returns a code as a title: `order-completed` as `Order completed`.
fn title(code: &str) -> String {
    let words = code.replace('-', " ");
    let first = words.chars().next().map(|character| character.to_ascii_uppercase());
    first.into_iter().chain(words.chars().skip(1)).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_seconds;
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        Self::new(StatusCode::CONFLICT, &rejected.code, rejected.detail)
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        let detail = error.to_string();
        match error {
            ExecuteError::Rejected(rejected) => rejected.into(),
            ExecuteError::Missing { .. } => Self::not_found(detail),
            ExecuteError::Unreadable { table, key, .. } => {
                Self::unreadable(format!("row {key:?} of {table} is unreadable: an operator must mend it"))
            }
            ExecuteError::Busy => Self::unavailable("busy", detail),
            ExecuteError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail),
            ExecuteError::KeyRunning => {
                Self::new(StatusCode::CONFLICT, "idempotency-key-running", detail).retry_after(TRY_AGAIN_SECONDS)
            }
            ExecuteError::InvalidKey(error) => error.into(),
            ExecuteError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "message-too-large", detail),
            ExecuteError::Closed { code, retry_after, .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(whole_seconds(retry_after))
            }
            ExecuteError::Stopped => Self::unavailable("stopping", detail),
            _ => {
                tracing::error!(%error, "a command failed: the caller gets a 500");
                Self::internal()
            }
        }
    }
}

impl From<InvalidKey> for Problem {
    fn from(error: InvalidKey) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-key", error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::Unreadable { .. } = error {
            return Self::unreadable(format!("{error}: an operator must mend it"));
        }
        tracing::error!(%error, "the database can't be read: the caller gets a 503");
        Self::unavailable("database-unavailable", "the database does not respond: try again in a moment")
    }
}

impl From<BusError> for Problem {
    fn from(error: BusError) -> Self {
        if let BusError::InvalidKey(error) = error {
            return error.into();
        }
        tracing::error!(%error, "the stream can't be read: the caller gets a 503");
        Self::unavailable("stream-unavailable", "the message stream does not respond: try again in a moment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_intake_has_a_retry_after() {
        for (milliseconds, wanted) in [(0, "1"), (1_000, "1"), (1_001, "2"), (4_999, "5")] {
            let retry_after = Duration::from_millis(milliseconds);
            let closed = ExecuteError::Closed { code: "circuit-open", detail: "pay is held".to_owned(), retry_after };
            let problem = Problem::from(closed);
            assert_eq!((problem.kind.as_str(), problem.detail.as_str()), ("urn:problem:circuit-open", "pay is held"));
            let response = problem.into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::RETRY_AFTER], wanted);
        }
    }
}
