//! Who is signed in: a token in a cookie that scripts can't read and other sites can't make a browser send.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use choreography_axum::Problem;

use super::way_back::WayBack;
use crate::identity::{Caller, Identity, session_cookie};
use crate::tokens::InvalidToken;

/// The longest cookie that every browser keeps, in bytes with its name and attributes (RFC 6265, section 6.1).
const COOKIE_BYTES_MAX: usize = 4_096;

/// A visitor who has signed in. As an extractor of handlers it sends everybody else to the page where one signs in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    /// Who it is.
    pub identity: Identity,
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Session(identity)) => Ok(Self { identity: *identity }),
            // To sign in again would not help, and would lose what was sent.
            Some(Caller::Invalid(error @ InvalidToken::KeysUnknown)) => Err(error.clone().into_response()),
            _ => Err(sign_in_first(&WayBack::of(&parts.method, &parts.uri, &parts.headers))),
        }
    }
}

/// Sends somebody who is not signed in to the page where one signs in, and from there on.
pub(super) fn sign_in_first(next: &WayBack) -> Response {
    Redirect::to(&next.after("/sign-in")).into_response()
}

/// Returns the header that stores a token in the browser. `is_laptop`: without HTTPS.
///
/// # Errors
/// 403 if browsers would not keep the cookie, which they don't say.
pub(super) fn keep(token: &str, lifetime: Duration, is_laptop: bool) -> Result<(HeaderName, HeaderValue), Problem> {
    let cookie = set_cookie(token, lifetime.as_secs(), is_laptop);
    if cookie.1.len() > COOKIE_BYTES_MAX {
        let bytes = token.len();
        tracing::error!(
            bytes,
            "a token is too long for a browser's cookie, so nobody is signed in: the issuer must leave out claims"
        );
        let detail = "the issuer's token is too long for a browser's cookie: an operator must mend that";
        return Err(not_signed_in(detail));
    }
    Ok(cookie)
}

/// Returns the header that makes a browser forget its token.
pub(super) fn forget(is_laptop: bool) -> (HeaderName, HeaderValue) {
    set_cookie("", 0, is_laptop)
}

/// Makes the 403 of somebody who wanted to sign in, and is not signed in.
pub(super) fn not_signed_in(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not-signed-in", detail)
}

fn set_cookie(token: &str, seconds: u64, is_laptop: bool) -> (HeaderName, HeaderValue) {
    let (name, secure) = (session_cookie(is_laptop), if is_laptop { "" } else { "; Secure" });
    let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    (header::SET_COOKIE, HeaderValue::from_str(&cookie).expect("a token has the characters of base64url and dots"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn cookie_over_https_has_what_its_prefix_demands() {
        let (_, cookie) = keep("token", HOUR, false).unwrap();
        assert_eq!(cookie, "__Host-session=token; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600; Secure");
        assert_eq!(forget(false).1, "__Host-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure");
        let (_, cookie) = keep("token", HOUR, true).unwrap();
        assert_eq!(cookie, "session=token; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600");
    }

    #[test]
    fn token_that_no_browser_would_keep_signs_nobody_in_and_says_so() {
        let kept = |bytes: usize| keep(&"t".repeat(bytes), HOUR, false);
        assert!(kept(4_000).is_ok());
        for bytes in [4_096, 8_000] {
            assert!(kept(bytes).unwrap_err().detail.contains("too long for a browser's cookie"), "{bytes}");
        }
    }
}
