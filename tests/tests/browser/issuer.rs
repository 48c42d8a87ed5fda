//! A small issuer of tokens: OAuth 2.0's authorization-code flow with PKCE, and its keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use serde_json::{Value, json};
use uuid::Uuid;

/// A key that is no secret, and its public half as a JSON Web Key.
const PRIVATE_KEY: &[u8] = include_bytes!("../../../services/gateway/src/tokens/development.pem");
const PUBLIC_KEY: &str = "0WPriwO_EB6ESv2aAknbpQU3e1OKQRGOf9CriqDEKtI";

type Fields = HashMap<String, String>;

/// An issuer that signs one customer in, without asking for a password.
#[derive(Clone)]
pub struct Issuer {
    url: String,
    customer: String,
    /// What its tokens say beside what the shop needs, as the groups of a large company.
    groups: String,
    /// The PKCE challenges by their codes.
    challenges: Arc<Mutex<HashMap<String, String>>>,
}

impl Issuer {
    /// Starts an issuer; it ends with the test.
    pub async fn start(customer: &str) -> Self {
        Self::start_with(customer, String::new()).await
    }

    /// Starts an issuer whose tokens are longer than a cookie may be.
    pub async fn start_with_long_tokens(customer: &str) -> Self {
        Self::start_with(customer, "group ".repeat(700)).await
    }

    async fn start_with(customer: &str, groups: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self { url, customer: customer.to_owned(), groups, challenges: Arc::default() };
        let routes = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/keys", get(async || Json(keys())))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        issuer
    }

    /// Returns the address of one of its endpoints.
    pub fn url(&self, endpoint: &str) -> String {
        format!("{}/{endpoint}", self.url)
    }

    /// Returns the `iss` of its tokens.
    pub fn name(&self) -> &str {
        &self.url
    }
}

fn keys() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "issuer", "x": PUBLIC_KEY}]})
}

async fn authorize(State(issuer): State<Issuer>, Query(asked): Query<Fields>) -> Redirect {
    assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
    let code = Uuid::new_v4().to_string();
    issuer.challenges.lock().unwrap().insert(code.clone(), asked["code_challenge"].clone());
    Redirect::to(&format!("{}?code={code}&state={}", asked["redirect_uri"], asked["state"]))
}

async fn token(State(issuer): State<Issuer>, Form(asked): Form<Fields>) -> Result<Json<Value>, StatusCode> {
    let challenge = issuer.challenges.lock().unwrap().remove(&asked["code"]).ok_or(StatusCode::BAD_REQUEST)?;
    let verifier = PkceCodeVerifier::new(asked["code_verifier"].clone());
    if PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str() != challenge {
        return Err(StatusCode::BAD_REQUEST);
    }
    let expires = Timestamp::now().as_second() + 600;
    let (customer, groups) = (&issuer.customer, &issuer.groups);
    let claims = json!({"iss": issuer.url, "aud": "shop", "sub": customer, "exp": expires, "groups": groups});
    let header = Header { kid: Some("issuer".to_owned()), ..Header::new(Algorithm::EdDSA) };
    let token = encode(&header, &claims, &EncodingKey::from_ed_pem(PRIVATE_KEY).unwrap()).unwrap();
    Ok(Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 600})))
}
