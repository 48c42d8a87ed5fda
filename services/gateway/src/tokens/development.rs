//! The development key: with it a laptop issues tokens by itself. Everybody knows it.

use std::net::SocketAddr;
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

    /// Warns if the development key counts for callers of other machines: each of them can be any customer, or an operator.
    pub fn warn_of_development_key(&self, listen: &str) {
        if self.is_development() && is_reached_from_elsewhere(listen) {
            tracing::warn!(
                "the development key counts, and the gateway is reached from other machines at {listen}: everybody can be \
                 any customer, and an operator. Set TOKEN_KEYS, or listen at 127.0.0.1"
            );
        }
    }

    /// Returns a token of the development key.
    ///
    /// # Errors
    /// The gateway has the keys of an issuer.
    pub fn issue(&self, identity: Identity, now: Timestamp) -> Result<String, NoDevelopmentKey> {
        issue(&self.settings, identity, SESSION_TIME, now)
    }
}

/// Whether an address to listen at is not this machine's own alone. A name may be anything but `localhost`.
fn is_reached_from_elsewhere(listen: &str) -> bool {
    match listen.parse::<SocketAddr>() {
        Ok(address) => !address.ip().to_canonical().is_loopback(),
        Err(_) => !listen.starts_with("localhost:"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_reached_from_elsewhere_unless_it_is_of_the_loopback() {
        for own in ["127.0.0.1:8080", "127.1.2.3:80", "[::1]:8080", "[::ffff:127.0.0.1]:8080", "localhost:8080"] {
            assert!(!is_reached_from_elsewhere(own), "{own}");
        }
        for public in ["0.0.0.0:8080", "[::]:8080", "192.168.1.2:8080", "[2001:db8::1]:80", "shop.example.com:8080"] {
            assert!(is_reached_from_elsewhere(public), "{public}");
        }
    }
}
