//! Who is signed in: a token in a cookie that scripts can't read and other sites can't make a browser send.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::way_back::WayBack;
use crate::identity::{Caller, Identity, SESSION_COOKIE};

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
            _ => Err(sign_in_first(&WayBack::of(&parts.method, &parts.uri, &parts.headers))),
        }
    }
}

/// Sends somebody who is not signed in to the page where one signs in, and from there on.
pub(super) fn sign_in_first(next: &WayBack) -> Response {
    Redirect::to(&next.after("/sign-in")).into_response()
}

/// Returns the header that stores a token in the browser. `is_secure`: browsers send it over HTTPS alone.
pub(super) fn keep(token: &str, lifetime: Duration, is_secure: bool) -> (HeaderName, HeaderValue) {
    set_cookie(token, lifetime.as_secs(), is_secure)
}

/// Returns the header that makes a browser forget its token.
pub(super) fn forget(is_secure: bool) -> (HeaderName, HeaderValue) {
    set_cookie("", 0, is_secure)
}

fn set_cookie(token: &str, seconds: u64, is_secure: bool) -> (HeaderName, HeaderValue) {
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    (header::SET_COOKIE, HeaderValue::from_str(&cookie).expect("a token has the characters of base64url and dots"))
}
