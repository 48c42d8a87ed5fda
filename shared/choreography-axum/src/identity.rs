//! The caller's identity, which a gateway in front of the service hands on in a short-lived token that it signs.
//!
//! What must hold: a service that is told to require its gateway does nothing for a request without such a token; only
//! what every service has (health, metrics, its document) is there for everybody.

use std::io::Error;
use std::str::FromStr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};

use crate::Problem;

/// Who issues the tokens: their `iss`.
const ISSUER: &str = "gateway";
/// How far the clocks of the gateway and of the service may differ, in seconds.
const LEEWAY_SECONDS: u64 = 5;
/// What is there without a token: for supervisors and monitoring.
const OPEN_PATHS: [&str; 5] = ["/livez", "/readyz", "/metrics", "/circuits", "/openapi.json"];

/// The caller of a request, as the gateway knows it: in the request's extensions if the service requires its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Who it is; empty for an anonymous caller.
    pub subject: String,
    /// What the caller may do.
    pub role: String,
}

/// What a gateway's token says, for who makes it: it is signed with EdDSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityClaims {
    iss: String,
    /// The service that is asked.
    aud: String,
    sub: String,
    role: String,
    /// When the token expires, in seconds of Unix time.
    exp: i64,
}

impl IdentityClaims {
    /// Returns what a token for a service says about a caller. `expires` is in seconds of Unix time.
    pub fn new(service: &str, caller: CallerIdentity, expires: i64) -> Self {
        let CallerIdentity { subject, role } = caller;
        Self { iss: ISSUER.to_owned(), aud: service.to_owned(), sub: subject, role, exp: expires }
    }
}

/// The public key of the gateway that must be in front of a service. It parses from the name of a PEM file.
#[derive(Clone)]
pub struct GatewayKey(DecodingKey);

/// Why a gateway's key can't be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidGatewayKey {
    /// The file can't be read.
    #[error("{0} can't be read: {1}")]
    File(String, Error),
    /// The file is no key.
    #[error("{0} is no public key of Ed25519 in PEM: make one with `openssl pkey -in <private key> -pubout`")]
    Format(String),
}

impl FromStr for GatewayKey {
    type Err = InvalidGatewayKey;

    fn from_str(path: &str) -> Result<Self, InvalidGatewayKey> {
        let pem = std::fs::read(path).map_err(|error| InvalidGatewayKey::File(path.to_owned(), error))?;
        let key = DecodingKey::from_ed_pem(&pem).map_err(|_| InvalidGatewayKey::Format(path.to_owned()))?;
        Ok(Self(key))
    }
}

impl std::fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayKey")
    }
}

impl GatewayKey {
    /// Returns the caller in a request's `authorization`, if it is a token that this gateway has signed for a service, and
    /// that is not expired.
    pub fn caller(&self, service: &str, headers: &HeaderMap) -> Option<CallerIdentity> {
        let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECONDS;
        validation.set_audience(&[service]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let IdentityClaims { sub, role, .. } = decode(token, &self.0, &validation).ok()?.claims;
        Some(CallerIdentity { subject: sub, role })
    }
}

/// Adds the requirement of a gateway's token, if there is one.
pub(crate) fn required(app: Router, service: &'static str, gateway: Option<GatewayKey>) -> Router {
    match gateway {
        Some(key) => app.layer(from_fn_with_state((service, key), require)),
        None => app,
    }
}

async fn require(
    State((service, key)): State<(&'static str, GatewayKey)>,
    mut request: Request,
    next: Next,
) -> Response {
    if !OPEN_PATHS.contains(&request.uri().path()) {
        let Some(identity) = key.caller(service, request.headers()) else {
            let detail = "this service takes requests only by its gateway: ask that";
            return Problem::new(StatusCode::UNAUTHORIZED, "gateway-required", detail).into_response();
        };
        request.extensions_mut().insert(identity);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use tower::ServiceExt;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEdGO+h/GG8MB9QB+4ou873c8NpyEVOFIS/TK+odLaNt\n-----END PRIVATE KEY-----\n";
    const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA0WPriwO/EB6ESv2aAknbpQU3e1OKQRGOf9CriqDEKtI=\n-----END PUBLIC KEY-----\n";

    fn token(key: &str, service: &str, age_seconds: i64) -> String {
        let caller = CallerIdentity { subject: "ada".to_owned(), role: "customer".to_owned() };
        let expires = i64::try_from(get_current_timestamp()).unwrap() + 30 - age_seconds;
        let key = EncodingKey::from_ed_pem(key.as_bytes()).unwrap();
        encode(&Header::new(Algorithm::EdDSA), &IdentityClaims::new(service, caller, expires), &key).unwrap()
    }

    async fn status(path: &str, token: Option<String>) -> u16 {
        let whoami = async |request: Request| request.extensions().get::<CallerIdentity>().unwrap().subject.clone();
        let app = Router::new().route("/whoami", get(whoami)).route("/livez", get(async || "alive"));
        let gateway = Some(GatewayKey(DecodingKey::from_ed_pem(PUBLIC.as_bytes()).unwrap()));
        let request = Request::get(path);
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        required(app, "order", gateway).oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn only_requests_by_the_gateway_are_taken_and_health_is_there_for_everybody() {
        assert_eq!(status("/livez", None).await, 200);
        assert_eq!(status("/whoami", Some(token(KEY, "order", 0))).await, 200);
        for (why, token) in [
            ("none", None),
            ("of another service", Some(token(KEY, "payment", 0))),
            ("expired", Some(token(KEY, "order", 60))),
            ("signed by another", Some(token(OTHER_KEY, "order", 0))),
            ("nonsense", Some("a.b.c".to_owned())),
        ] {
            assert_eq!(status("/whoami", token).await, 401, "{why}");
        }
    }
}
