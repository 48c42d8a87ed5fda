//! What is answered when something is wrong: `application/problem+json`, RFC 9457.
//!
//! Programs go by `type`, `urn:problem:<code>`, which never changes its meaning; people read `detail`.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use choreography::bus::BusError;
use choreography::store::StoreError;
use choreography::{ExecuteError, Rejected};
use serde::Serialize;
use utoipa::ToSchema;

/// How soon a caller may try again when the service is busy for a moment.
const TRY_AGAIN_SECONDS: u32 = 1;

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem it is, for programs.
    #[serde(rename = "type")]
    #[schema(example = "urn:problem:order-completed")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, and what can be done about it.
    pub detail: String,
    /// What is wrong where, if it is the request's content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Wrong>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

/// One thing that is wrong with a request's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Wrong {
    /// Where, as a JSON pointer; empty for the whole body.
    #[schema(example = "/lines/0/quantity")]
    pub pointer: String,
    /// What.
    pub detail: String,
}

impl Problem {
    /// A problem with a code in kebab case, which its type and title are made of.
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

    /// 400: the request can't be read.
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 422: the request can be read, but its content is wrong. There is at least one thing wrong with it.
    pub fn invalid(errors: Vec<Wrong>) -> Self {
        let sentences: Vec<_> = errors.iter().map(Wrong::sentence).collect();
        let detail = sentences.join("; ");
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-content", detail) }
    }

    /// Says when the caller may try again.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    fn unavailable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(TRY_AGAIN_SECONDS)
    }

    /// 500: a bug, which is in the log.
    pub(crate) fn internal() -> Self {
        let detail = "this is our mistake, and it is in the service's log; trying again may not help";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", detail)
    }
}

impl Wrong {
    /// What is wrong at a JSON pointer.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    fn sentence(&self) -> String {
        let Self { pointer, detail } = self;
        if pointer.is_empty() { detail.clone() } else { format!("{pointer}: {detail}") }
    }
}

/// Rounded up: who comes back too early is refused again.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

/// `order-completed` as `Order completed`.
fn title(code: &str) -> String {
    let words = code.replace('-', " ");
    let first = words.chars().next().map(|letter| letter.to_ascii_uppercase());
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
    fn from(refused: Rejected) -> Self {
        Self::new(StatusCode::CONFLICT, &refused.code, refused.detail)
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        let detail = error.to_string();
        match error {
            ExecuteError::Rejected(refused) => refused.into(),
            ExecuteError::Missing => Self::not_found(detail),
            ExecuteError::Busy => Self::unavailable("busy", detail),
            ExecuteError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail),
            ExecuteError::KeyRunning => {
                Self::new(StatusCode::CONFLICT, "idempotency-key-running", detail).retry_after(TRY_AGAIN_SECONDS)
            }
            ExecuteError::InvalidKey(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-key", detail),
            ExecuteError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "message-too-large", detail),
            ExecuteError::Closed { code, retry_after, .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(whole_seconds(retry_after))
            }
            ExecuteError::Stopped => Self::unavailable("stopping", detail),
            _ => {
                tracing::error!(%error, "a command failed");
                Self::internal()
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "reading the database for a request");
        Self::unavailable("database-unavailable", "the database does not answer: try again in a moment")
    }
}

impl From<BusError> for Problem {
    fn from(error: BusError) -> Self {
        tracing::error!(%error, "reading the stream for a request");
        Self::unavailable("stream-unavailable", "the message stream does not answer: try again in a moment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_while_a_circuit_is_open_says_when_to_come_back() {
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
