//! Who calls: a customer, or an operator.
//!
//! What must hold: a cookie, which a browser sends by itself, is enough to look, and never to change anything under
//! `/api`.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use contracts::CustomerId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gateway::Gateway;
use crate::tokens::unauthorized;

/// The name of the cookie in which the pages keep a caller's token.
pub const SESSION_COOKIE: &str = "session";

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

impl FromRequestParts<Gateway> for Identity {
    type Rejection = axum::response::Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Self::Rejection> {
        let identity = <Self as OptionalFromRequestParts<Gateway>>::from_request_parts(parts, gateway).await?;
        identity.ok_or_else(|| unauthorized("send a token as `authorization: Bearer <token>`", None))
    }
}

impl OptionalFromRequestParts<Gateway> for Identity {
    type Rejection = axum::response::Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Option<Self>, Self::Rejection> {
        let token = match bearer(&parts.headers) {
            Some(token) => Some(token),
            None if parts.method.is_safe() => session(&parts.headers),
            None => None,
        };
        match token {
            Some(token) => gateway.tokens.verify(token).await.map(Some).map_err(|error| error.into_response()),
            None => Ok(None),
        }
    }
}

/// Returns the token in the `authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" })
}

/// Returns the token in the cookie of the pages.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut cookies = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(name, _)| *name == SESSION_COOKIE).map(|(_, token)| token)
}
