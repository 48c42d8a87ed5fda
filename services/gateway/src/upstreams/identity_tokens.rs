//! The caller's identity as the services behind the gateway get it: in a short-lived token that the gateway signs.

use std::io::Error;
use std::str::FromStr;

use axum::http::HeaderValue;
use choreography::Clock;
use choreography_axum::{CallerIdentity, IdentityClaims};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

use super::Upstream;
use crate::identity::{Identity, Role};
use crate::tokens::DEVELOPMENT_KEY;

/// How long a token counts, in seconds: a request with all its tries takes less.
const LIFETIME_SECONDS: i64 = 30;

/// The private key with which the gateway signs. It parses from the name of a PEM file.
#[derive(Clone)]
pub struct IdentityKey(EncodingKey);

/// Why the gateway's key can't be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidIdentityKey {
    /// The file can't be read.
    #[error("{0} can't be read: {1}")]
    File(String, Error),
    /// The file is no key.
    #[error("{0} is no private key of Ed25519 in PEM: make one with `openssl genpkey -algorithm ed25519`")]
    Format(String),
}

impl FromStr for IdentityKey {
    type Err = InvalidIdentityKey;

    fn from_str(path: &str) -> Result<Self, InvalidIdentityKey> {
        let pem = std::fs::read(path).map_err(|error| InvalidIdentityKey::File(path.to_owned(), error))?;
        EncodingKey::from_ed_pem(&pem).map(Self).map_err(|_| InvalidIdentityKey::Format(path.to_owned()))
    }
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityKey")
    }
}

/// Signs tokens for the services.
pub(super) struct IdentityTokens {
    key: IdentityKey,
    clock: Clock,
}

impl IdentityTokens {
    /// Returns what signs with a key, or with the development key.
    pub(super) fn new(key: Option<IdentityKey>, clock: Clock) -> Self {
        let development =
            || IdentityKey(EncodingKey::from_ed_pem(DEVELOPMENT_KEY).expect("the compiled-in key is an Ed25519 key"));
        Self { key: key.unwrap_or_else(development), clock }
    }

    /// Returns the `authorization` of a request to a service on a caller's behalf.
    pub(super) fn bearer(&self, upstream: Upstream, identity: Option<Identity>) -> HeaderValue {
        let role = match identity.map(|identity| identity.role) {
            Some(Role::Customer) => "customer",
            Some(Role::Operator) => "operator",
            None => "anonymous",
        };
        let subject = identity.map(|identity| identity.customer_id.to_string()).unwrap_or_default();
        let caller = CallerIdentity { subject, role: role.to_owned() };
        let expires = self.clock.now().as_second().saturating_add(LIFETIME_SECONDS);
        let claims = IdentityClaims::new(upstream.name(), caller, expires);
        let token = encode(&Header::new(Algorithm::EdDSA), &claims, &self.key.0).expect("an Ed25519 key signs all");
        HeaderValue::from_str(&format!("Bearer {token}")).expect("a token has only characters of headers")
    }
}
