//! Who calls: a customer, or an operator.
//!
//! What must hold: a cookie, which a browser sends by itself, is enough to look, and never to change anything under
//! `/api`.

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use contracts::CustomerId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gateway::Gateway;
use crate::tokens::{InvalidToken, unauthorized};

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reaches what belongs to this customer.
    #[default]
    Customer,
    /// Reaches everything.
    Operator,
}

/// Who calls, as a verified token says.
///
/// As an extractor of handlers it is required: without a valid token the caller gets a 401.
/// `Option<Identity>` is none without a token; an invalid one is a 401 all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The caller, and the customer whose orders they are.
    pub customer_id: CustomerId,
    /// What the caller may do.
    pub role: Role,
}

impl Identity {
    /// Whether the caller may reach what belongs to a customer.
    pub fn reaches(&self, customer_id: CustomerId) -> bool {
        self.role == Role::Operator || self.customer_id == customer_id
    }

    /// Whether the caller may reach what has this JSON, by its `customer_id`.
    pub fn reaches_owner(&self, json: &Value) -> bool {
        let owner = json["customer_id"].as_str().and_then(|id| id.parse().ok());
        self.role == Role::Operator || owner == Some(self.customer_id)
    }
}

/// Who sent a request, as its headers say: in the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody, or a session that has ended.
    Anonymous,
    /// The bearer of a token.
    Bearer(Identity),
    /// A browser with a session.
    Session(Identity),
    /// The bearer of a token that does not count.
    Invalid(InvalidToken),
}

impl Caller {
    /// Returns who it is.
    pub(crate) fn identity(&self) -> Option<Identity> {
        match self {
            Self::Bearer(identity) | Self::Session(identity) => Some(*identity),
            Self::Anonymous | Self::Invalid(_) => None,
        }
    }

    async fn of(headers: &HeaderMap, gateway: &Gateway) -> Self {
        if let Some(authorization) = headers.get(AUTHORIZATION) {
            let verified = match bearer(authorization) {
                Some(token) => gateway.tokens.verify(token).await,
                None => Err(InvalidToken::NoBearer),
            };
            return verified.map_or_else(Self::Invalid, Self::Bearer);
        }
        match cookie(headers, session_cookie(gateway.tokens.is_development())) {
            Some(token) => match gateway.tokens.verify(token).await {
                Ok(identity) => Self::Session(identity),
                Err(unknown @ InvalidToken::KeysUnknown) => Self::Invalid(unknown),
                Err(_) => Self::Anonymous,
            },
            None => Self::Anonymous,
        }
    }
}

/// Finds out who sent a request, before anything else is done with it.
pub(crate) async fn identify(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response {
    let caller = Caller::of(request.headers(), &gateway).await;
    request.extensions_mut().insert(caller);
    next.run(request).await
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let identity = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        identity.ok_or_else(token_missing)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Identity {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Bearer(identity)) => Ok(Some(*identity)),
            Some(Caller::Session(identity)) if parts.method.is_safe() => Ok(Some(*identity)),
            Some(Caller::Invalid(error)) => Err(error.clone().into_response()),
            Some(Caller::Session(_) | Caller::Anonymous) | None => Ok(None),
        }
    }
}

/// Makes the 401 of a request without a token.
pub(crate) fn token_missing() -> Response {
    unauthorized("send a token as `authorization: Bearer <token>`", None)
}

/// Returns the token in an `authorization` header; none if it is of another scheme.
fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the name of the cookie in which the pages keep a caller's token.
///
/// On a laptop there is no HTTPS. Elsewhere its prefix lets browsers take it over HTTPS alone, and from the shop's own
/// host: a site beside it can't sign anybody in (draft-ietf-httpbis-rfc6265bis-22, section 4.1.3).
pub(crate) fn session_cookie(is_laptop: bool) -> &'static str {
    if is_laptop { "session" } else { "__Host-session" }
}

/// Returns the value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut cookies = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(known, _)| *known == name).map(|(_, value)| value)
}
