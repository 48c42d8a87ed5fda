//! The development key: with it a laptop issues tokens by itself. Everybody knows it.

use std::time::Duration;

use clap::Args;
use contracts::CustomerId;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use serde::Serialize;

use super::key_set::Key;
use super::{TokenSettings, Tokens};
use crate::identity::{Identity, Role};

/// An Ed25519 key, which is no secret.
pub(crate) const PRIVATE_KEY: &[u8] = include_bytes!("development.pem");
/// Its public half.
const PUBLIC_KEY: &[u8] = include_bytes!("development-public.pem");
/// The id of the key.
const KEY_ID: &str = "development";
/// How long a token of the pages counts.
pub const SESSION_TIME: Duration = Duration::from_secs(12 * 3_600);

/// Prints a token for a laptop, signed with the development key
#[derive(Debug, Clone, Args)]
pub struct TokenCommand {
    /// The customer, a UUID
    #[arg(long)]
    pub customer: CustomerId,
    /// May reach everything, not only what belongs to the customer
    #[arg(long)]
    pub operator: bool,
    /// How long the token counts, such as 12h
    #[arg(long, default_value = "12h", value_parser = choreography_axum::duration)]
    pub lifetime: Duration,
}

/// Why there is no token: the gateway has the keys of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "TOKEN_KEYS is set: the issuer with those keys makes tokens, and the development key does not count. For tokens of \
     the development key, unset it"
)]
pub struct NoDevelopmentKey;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: CustomerId,
    role: Role,
    iat: i64,
    exp: i64,
}

impl TokenCommand {
    /// Returns the token.
    ///
    /// # Errors
    /// The settings name the keys of an issuer.
    pub fn token(&self, settings: &TokenSettings, now: Timestamp) -> Result<String, NoDevelopmentKey> {
        let role = if self.operator { Role::Operator } else { Role::Customer };
        issue(settings, Identity { customer_id: self.customer, role }, self.lifetime, now)
    }
}

impl Tokens {
    /// Whether the development key counts, so that the pages can sign in whoever they like.
    pub fn is_development(&self) -> bool {
        self.settings.is_development()
    }

    /// Returns a token of the development key.
    ///
    /// # Errors
    /// The gateway has the keys of an issuer.
    pub fn issue(&self, identity: Identity, now: Timestamp) -> Result<String, NoDevelopmentKey> {
        issue(&self.settings, identity, SESSION_TIME, now)
    }
}

fn issue(
    settings: &TokenSettings,
    identity: Identity,
    lifetime: Duration,
    now: Timestamp,
) -> Result<String, NoDevelopmentKey> {
    if !settings.is_development() {
        return Err(NoDevelopmentKey);
    }
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    let claims = Claims {
        iss: &settings.token_issuer,
        aud: &settings.token_audience,
        sub: identity.customer_id,
        role: identity.role,
        iat: now.as_second(),
        exp: now.as_second().saturating_add(seconds),
    };
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::EdDSA) };
    let key = EncodingKey::from_ed_pem(PRIVATE_KEY).expect("the compiled-in key is an Ed25519 key");
    Ok(encode(&header, &claims, &key).expect("an Ed25519 key signs everything"))
}

pub(super) fn public_key() -> Key {
    let key = DecodingKey::from_ed_pem(PUBLIC_KEY).expect("the compiled-in key is an Ed25519 key");
    Key::new(Some(KEY_ID.to_owned()), Algorithm::EdDSA, key)
}
