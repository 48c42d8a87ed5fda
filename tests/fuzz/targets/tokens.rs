//! Tokens and key sets: a token that is changed in any place does not count, and a key set is read or refused.

use std::fs;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use choreography::Clock;
use choreography_axum::{CallerIdentity, GatewayKey, IdentityClaims};
use contracts::CustomerId;
use gateway::identity::{Identity, Role};
use gateway::tokens::{KeySource, TokenSettings, Tokens};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::bytes::Bytes;
use crate::json::json as nearly;
use crate::target::{Case, Started};
use crate::text::text;

const CUSTOMER: &str = "0198c0de-0000-7000-8000-000000000001";
const GATEWAY_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEdGO+h/GG8MB9QB+4ou873c8NpyEVOFIS/TK+odLaNt\n-----END PRIVATE KEY-----\n";
const GATEWAY_PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA0WPriwO/EB6ESv2aAknbpQU3e1OKQRGOf9CriqDEKtI=\n-----END PUBLIC KEY-----\n";
const OTHER_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn settings(token_keys: Option<KeySource>) -> TokenSettings {
    TokenSettings { token_keys, token_issuer: "https://issuer".to_owned(), token_audience: "shop".to_owned() }
}

/// Returns what verifies tokens of the development key, and one of them.
fn development(runtime: &Runtime) -> (Tokens, String) {
    let tokens = runtime.block_on(Tokens::start(settings(None))).expect("the development key is there");
    let customer_id: CustomerId = CUSTOMER.parse().expect("an id");
    let token = tokens.issue(Identity { customer_id, role: Role::Customer }, Clock::system().now());
    (tokens, token.expect("the development key signs"))
}

/// A token counts only as it was signed.
pub(crate) fn token() -> Box<dyn Started> {
    let runtime = runtime();
    let (_, token) = development(&runtime);
    Case::of(
        move |draw| match draw.below(3) {
            0 => text(&token, draw),
            1 => {
                let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
                let at = draw.below(parts.len());
                parts[at] = text(&parts[at], draw);
                parts.join(".")
            }
            _ => String::from_utf8_lossy(&Bytes::near(token.as_bytes(), draw)).into_owned(),
        },
        || {
            let runtime = self::runtime();
            let (tokens, _) = development(&runtime);
            let signed: std::cell::RefCell<Option<String>> = std::cell::RefCell::default();
            Box::new(move |token: &String| {
                if runtime.block_on(tokens.verify(token)).is_ok() {
                    // There is one token only, so all that count are the same.
                    let known = signed.borrow_mut().get_or_insert_with(|| token.clone()).clone();
                    assert_eq!(&known, token);
                }
            })
        },
    )
}

/// What a gateway's token for order says, whether it is signed by the gateway, and how it is changed after that.
#[derive(Debug)]
struct HandedOn {
    service: &'static str,
    claims: Value,
    is_signed: bool,
    changed: Option<String>,
}

/// A caller is taken from a gateway's token only as the gateway has signed it, for the service that is asked.
pub(crate) fn handed_on() -> Box<dyn Started> {
    let until = Clock::system().now().as_second() + 100_000;
    let caller = CallerIdentity { subject: CUSTOMER.to_owned(), role: "customer".to_owned() };
    let claims = serde_json::to_value(IdentityClaims::new("order", caller, until)).expect("claims are JSON");
    Case::of(
        move |draw| {
            let changed = nearly(&claims, draw);
            let claims = serde_json::from_slice(&changed).unwrap_or_else(|_| claims.clone());
            let is_signed = !draw.once_in(4);
            let signed = sign(&claims, is_signed);
            let changed = draw.once_in(2).then(|| text(&signed, draw));
            HandedOn { service: draw.word(&["order", "order", "order", "payment", ""]), claims, is_signed, changed }
        },
        || {
            let directory = TempDir::new().expect("a directory");
            let path = directory.path().join("gateway.pem");
            fs::write(&path, GATEWAY_PUBLIC_KEY).expect("a file can be written");
            let key: GatewayKey = path.display().to_string().parse().expect("it is a public key");
            Box::new(move |token: &HandedOn| {
                let signed = sign(&token.claims, token.is_signed);
                let sent = token.changed.as_ref().unwrap_or(&signed);
                let Ok(value) = HeaderValue::try_from(format!("Bearer {sent}")) else { return };
                let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
                let Some(caller) = key.caller(token.service, &headers) else { return };
                assert!(token.is_signed && *sent == signed, "{sent} is not what the gateway has signed");
                let claims = &token.claims;
                assert_eq!((&claims["iss"], &claims["aud"]), (&"gateway".into(), &token.service.into()));
                assert_eq!((&claims["sub"], &claims["role"]), (&caller.subject.into(), &caller.role.into()));
                assert!(claims["exp"].as_i64().is_some_and(|until| until > Clock::system().now().as_second() - 10));
            })
        },
    )
}

/// Returns a token of the gateway, or of somebody else.
fn sign(claims: &Value, by_gateway: bool) -> String {
    let key = if by_gateway { GATEWAY_KEY } else { OTHER_KEY };
    let key = EncodingKey::from_ed_pem(key.as_bytes()).expect("it is a private key");
    encode(&Header::new(Algorithm::EdDSA), claims, &key).expect("claims are JSON")
}

/// A key of each type.
const KEY_SET: &str = include_str!("key_set.json");

/// A key set is read or refused.
pub(crate) fn keys() -> Box<dyn Started> {
    let example: Value = serde_json::from_str(KEY_SET).expect("it is JSON");
    Case::of(
        move |draw| nearly(&example, draw),
        || {
            let (runtime, directory) = (self::runtime(), TempDir::new().expect("a directory"));
            Box::new(move |set: &Bytes| {
                let path = directory.path().join("keys.json");
                fs::write(&path, &**set).expect("a file can be written");
                let started = runtime.block_on(Tokens::start(settings(Some(KeySource::File(path)))));
                if let Err(error) = started {
                    assert!(!error.to_string().is_empty());
                }
            })
        },
    )
}
