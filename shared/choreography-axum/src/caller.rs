//! Who asks: the caller's trace, and the key under which a request is done only once.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use choreography::{Idempotency, IdempotencyKey, Request, valid_trace};

use crate::{Json, Problem};

/// The longest idempotency key, in bytes: a UUID has 36, and it is kept for a day.
const KEY_BYTES_MAX: usize = 128;

/// What a request's headers say about its caller: `traceparent` and `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct Caller {
    trace: Option<String>,
    key: Option<String>,
    route: String,
}

impl Caller {
    /// A request in the caller's trace.
    pub fn request(self) -> Request {
        Request { trace: self.trace, idempotency: None }
    }

    /// A request that is done only once, if the caller gave a key.
    pub fn once<T>(self, body: &Json<T>) -> Request {
        let (route, body_hash) = (self.route, body.hash().to_owned());
        let once =
            self.key.map(|key| Idempotency { key: IdempotencyKey { route, caller: String::new(), key }, body_hash });
        Request { trace: self.trace, idempotency: once }
    }

    /// A request that is done only once.
    ///
    /// # Errors
    /// 400 if the caller gave no key.
    pub fn only_once<T>(self, body: &Json<T>) -> Result<Request, Problem> {
        if self.key.is_some() {
            return Ok(self.once(body));
        }
        let detail =
            "send an `idempotency-key` header, such as a UUID: with the same one again, this is done only once";
        Err(Problem::bad_request("idempotency-key-missing", detail))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let key = header("idempotency-key").map(checked).transpose()?;
        let trace = header("traceparent").filter(|trace| valid_trace(trace)).map(str::to_owned);
        Ok(Self { trace, key, route: format!("{} {}", parts.method, parts.uri.path()) })
    }
}

fn checked(key: &str) -> Result<String, Problem> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key.to_owned());
    }
    let detail = format!("an idempotency key has 1 to {KEY_BYTES_MAX} visible ASCII characters");
    Err(Problem::bad_request("idempotency-key-invalid", detail))
}
