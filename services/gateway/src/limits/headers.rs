//! `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-11, from what tower_governor counts.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// A limit: so many requests a second, and so many at once after a pause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) name: &'static str,
    pub(super) rate: u32,
    pub(super) burst: u32,
}

impl Policy {
    /// Returns in how many seconds so many requests are allowed again.
    fn seconds(self, requests: u32) -> u32 {
        requests.div_ceil(self.rate)
    }
}

/// Replaces what tower_governor says by the fields of the draft. A response that another limit has refused stays.
pub(super) fn renamed(mut response: Response, policy: Policy) -> Response {
    let headers = response.headers_mut();
    let remaining = headers.remove("x-ratelimit-remaining").and_then(|value| value.to_str().ok()?.parse().ok());
    let is_counted = headers.remove("x-ratelimit-limit").is_some();
    let is_refused = headers.remove("x-ratelimit-after").is_some();
    headers.remove("x-ratelimit-whitelisted");
    if is_counted || is_refused {
        let Policy { name, burst, .. } = policy;
        let remaining: u32 = remaining.unwrap_or_default();
        let until_full = policy.seconds(burst.saturating_sub(remaining));
        let window = policy.seconds(burst);
        append(&mut response, "ratelimit", format!("\"{name}\";r={remaining};t={until_full}"));
        append(&mut response, "ratelimit-policy", format!("\"{name}\";q={burst};w={window}"));
    }
    response
}

fn append(response: &mut Response, name: &'static str, value: String) {
    let value = HeaderValue::from_str(&value).expect("names of limits and numbers are visible characters");
    response.headers_mut().append(HeaderName::from_static(name), value);
}
