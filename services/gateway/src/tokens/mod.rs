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
/// After how many seconds a caller may try again while the issuer's keys are unknown: that often they are read.
const TRY_AGAIN_SECONDS: u32 = 5;

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
    /// The `authorization` header is of another scheme.
    #[error("the `authorization` header has no token: send it as `Bearer <token>`")]
    NoBearer,
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
    /// The issuer's keys could not be read since the start.
    #[error("the issuer of tokens does not respond at the moment, so no token can be verified: try again")]
    KeysUnknown,
}

impl Tokens {
    /// Returns what verifies tokens with these settings, and reads the keys from now on.
    ///
    /// # Errors
    /// The key set in a file can't be read, which is a mistake in the settings. One at a URL is read again and again.
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
        if let Some(critical) = header.crit {
            return Err(InvalidToken::Unreadable(format!(
                "its header has parts that must be understood: {critical:?}"
            )));
        }
        let candidates = self.keys.find(header.kid.as_deref()).await;
        if candidates.is_empty() && !self.keys.are_known() {
            return Err(InvalidToken::KeysUnknown);
        }
        // A token that names no key may be signed by each of those with its algorithm.
        let mut verified = Err(InvalidToken::NotSigned);
        for key in candidates.iter().filter(|key| key.algorithm() == header.alg) {
            verified = self.verify_with(key, token);
            if verified != Err(InvalidToken::NotSigned) {
                break;
            }
        }
        verified
    }

    /// Whether tokens can be verified, for `/readyz`: callers are better sent to another gateway, which may know the keys.
    ///
    /// # Errors
    /// The issuer's keys were never read.
    pub fn ready(&self) -> Result<(), String> {
        let detail = "the issuer's keys can't be read (TOKEN_KEYS; the log says why): no token counts";
        self.keys.are_known().then_some(()).ok_or_else(|| detail.to_owned())
    }

    fn verify_with(&self, key: &Key, token: &str) -> Result<Identity, InvalidToken> {
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
    /// Returns the 401 that the caller gets; a 503 if it is not known whether the token counts.
    pub fn into_response(self) -> Response {
        if self == Self::KeysUnknown {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "keys-unknown", self.to_string());
            return problem.retry_after(TRY_AGAIN_SECONDS).into_response();
        }
        unauthorized(&self.to_string(), (self != Self::NoBearer).then_some("invalid_token"))
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
