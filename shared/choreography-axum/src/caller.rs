//! A request's headers about its caller: the trace that it belongs to, and its idempotency key.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use choreography::{Request, valid_trace};

use crate::Problem;

/// The longest idempotency key, in bytes. A UUID has 36; each key is kept for a day.
pub(crate) const KEY_BYTES_MAX: usize = 128;

/// The caller's trace (`traceparent`), for [`Service::execute_as`](choreography::Service::execute_as).
///
/// For commands that may be executed twice. Others take an [`Idempotent`](crate::Idempotent) body.
///
/// ```
/// # use axum::extract::State;
/// # use choreography::{Command, Service};
/// # use choreography_axum::{Caller, Json, Problem};
/// async fn confirm_payment<C: Command + Default>(
///     State(service): State<Service>,
///     Caller(request): Caller,
/// ) -> Result<Json<C::Row>, Problem> {
///     Ok(Json(service.execute_as(C::default(), request).await?))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Caller(pub Request);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        idempotency_key(&parts.headers)?; // an invalid key is a mistake, also where no key is needed
        Ok(Self(Request { trace: trace(&parts.headers), ..Request::default() }))
    }
}

/// Returns the caller's idempotency key, if there is one; an invalid one is a 400.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter().map(|value| value.to_str().unwrap_or_default());
    let Some(key) = keys.next() else { return Ok(None) };
    if keys.next().is_some() {
        return Err(Problem::bad_request("idempotency-key-invalid", "send one `idempotency-key` header, not several"));
    }
    if (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(key.to_owned()));
    }
    let detail = format!("an idempotency key has 1 to {KEY_BYTES_MAX} visible ASCII characters");
    Err(Problem::bad_request("idempotency-key-invalid", detail))
}

/// Returns the caller's trace. An invalid one, or several, are none: a new trace begins.
fn trace(headers: &HeaderMap) -> Option<String> {
    let mut traces = headers.get_all("traceparent").iter();
    let only = traces.next().filter(|_| traces.next().is_none());
    only.and_then(|trace| trace.to_str().ok()).filter(|trace| valid_trace(trace)).map(str::to_owned)
}
