//! Tokens: JSON Web Tokens of a configured issuer, or of the development key on a laptop.
//!
//! What must hold: a token counts only if a key of the configured set signed it with that key's own algorithm, for this
//! audience, by this issuer, and it is neither expired nor not yet valid.

mod development;
mod key_set;
mod keys;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use choreography_axum::Problem;
use contracts::CustomerId;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Validation, decode, decode_header};
use serde::{Deserialize, Serialize};

use crate::identity::{Identity, Role};
pub(crate) use development::PRIVATE_KEY as DEVELOPMENT_KEY;
pub use development::{NoDevelopmentKey, SESSION_TIME, TokenCommand};
use key_set::Key;
use keys::Keys;
pub use settings::{KeySource, TokenSettings};

/// How far the clocks of an issuer and of the gateway may differ.
const LEEWAY: Duration = Duration::from_secs(30);
/// The longest token, in bytes: a header of a request has to hold it.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// What is read of a token.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// The customer.
    sub: CustomerId,
    #[serde(default)]
    role: Role,
}

/// Verifies tokens, and issues those of the development key. A clone is the same.
#[derive(Clone)]
pub struct Tokens {
    keys: Keys,
    settings: Arc<TokenSettings>,
}

/// Why a token does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It is not a token, or what it says is no caller.
    #[error("the token can't be read: {0}")]
    Unreadable(String),
    /// No key of the set signed it.
    #[error("no key of the issuer has signed the token")]
    NotSigned,
    /// Its time is over.
    #[error("the token is expired")]
    Expired,
    /// Its time has not begun.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It is for another audience.
    #[error("the token is for another audience")]
    OtherAudience,
    /// Another issuer has issued it.
    #[error("the token is of another issuer")]
    OtherIssuer,
}

impl Tokens {
    /// Returns what verifies tokens with these settings, and reads the keys from now on.
    ///
    /// # Errors
    /// The key set can't be read: a key set that is wrong from the beginning is a mistake in the settings.
    pub async fn start(settings: TokenSettings) -> Result<Self, keys::KeySetError> {
        let keys = Keys::start(settings.source()).await?;
        Ok(Self { keys, settings: Arc::new(settings) })
    }

    /// Returns the caller that a token names.
    ///
    /// # Errors
    /// The token does not count.
    pub async fn verify(&self, token: &str) -> Result<Identity, InvalidToken> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(InvalidToken::Unreadable(format!("it is longer than {TOKEN_BYTES_MAX} bytes")));
        }
        let header = decode_header(token).map_err(|error| reason(&error))?;
        let candidates = self.keys.find(header.kid.as_deref()).await;
        let key = candidates.iter().find(|key| key.algorithm() == header.alg).ok_or(InvalidToken::NotSigned)?;
        let token = decode::<Claims>(token, key.decoding(), &self.validation(key)).map_err(|error| reason(&error))?;
        Ok(Identity { customer_id: token.claims.sub, role: token.claims.role })
    }

    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation::new(key.algorithm());
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&[&self.settings.token_audience]);
        validation.set_issuer(&[&self.settings.token_issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation
    }
}

impl InvalidToken {
    /// Returns the 401 that the caller gets.
    pub fn into_response(self) -> Response {
        unauthorized(&self.to_string(), Some("invalid_token"))
    }
}

/// Makes a 401 with the challenge of RFC 6750, section 3.
pub fn unauthorized(detail: &str, error: Option<&str>) -> Response {
    let mut challenge = "Bearer realm=\"shop\"".to_owned();
    if let Some(error) = error {
        challenge += &format!(", error=\"{error}\", error_description=\"{}\"", detail.replace(['"', '\\'], "'"));
    }
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into_response();
    let challenge = HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"));
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn reason(error: &Error) -> InvalidToken {
    match error.kind() {
        ErrorKind::ExpiredSignature => InvalidToken::Expired,
        ErrorKind::ImmatureSignature => InvalidToken::NotYetValid,
        ErrorKind::InvalidAudience => InvalidToken::OtherAudience,
        ErrorKind::InvalidIssuer => InvalidToken::OtherIssuer,
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
            InvalidToken::NotSigned
        }
        _ => InvalidToken::Unreadable(error.to_string()),
    }
}
