//! Whose tokens count: those that a key of the issuer has signed with that key's own algorithm, for the shop, now.
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]
#![allow(clippy::disallowed_methods, reason = "tokens are of the real time")]

use std::fs::write;
use std::path::Path;
use std::time::Duration;

use gateway::identity::{Identity, Role};
use gateway::tokens::{InvalidToken, KeySource, TokenSettings, Tokens};
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

const CUSTOMER: &str = "0198c0de-0000-7000-8000-000000000001";
const RSA: &[u8] = include_bytes!("keys/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("keys/rsa-public.pem");
const OTHER_RSA: &[u8] = include_bytes!("keys/other-rsa.pem");
const EC: &[u8] = include_bytes!("keys/ec.pem");
const ED25519: &[u8] = include_bytes!("keys/ed25519.pem");

/// A key of an issuer, with its id.
#[derive(Clone)]
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

fn rsa(id: &'static str, pem: &[u8]) -> Signer {
    Signer { id, algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_pem(pem).unwrap() }
}

fn ec() -> Signer {
    Signer { id: "ec", algorithm: Algorithm::ES256, key: EncodingKey::from_ec_pem(EC).unwrap() }
}

fn ed25519() -> Signer {
    Signer { id: "ed", algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_pem(ED25519).unwrap() }
}

impl Signer {
    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }

    fn public(&self) -> Jwk {
        let mut key = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        key.common.key_id = Some(self.id.to_owned());
        key
    }
}

/// Returns the claims of a customer's token, with some changed; those that are null are left out.
fn claims(changed: Value) -> Value {
    let now = get_current_timestamp();
    let mut claims = json!({"iss": "https://issuer", "aud": "shop", "sub": CUSTOMER, "exp": now + 60, "nbf": now - 60});
    let claims_of = claims.as_object_mut().unwrap();
    claims_of.extend(changed.as_object().unwrap().clone());
    claims_of.retain(|_, value| !value.is_null());
    claims
}

fn publish(path: &Path, signers: &[Signer]) {
    let set = JwkSet { keys: signers.iter().map(Signer::public).collect() };
    write(path, serde_json::to_vec(&set).unwrap()).unwrap();
}

/// An issuer whose keys are in a file.
struct Issuer {
    directory: TempDir,
    tokens: Tokens,
}

impl Issuer {
    async fn with(signers: &[Signer]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.json");
        publish(&path, signers);
        let tokens = Tokens::start(settings(Some(KeySource::File(path)))).await.unwrap();
        Self { directory, tokens }
    }

    fn publish(&self, signers: &[Signer]) {
        publish(&self.directory.path().join("keys.json"), signers);
    }
}

fn settings(token_keys: Option<KeySource>) -> TokenSettings {
    TokenSettings { token_keys, token_issuer: "https://issuer".to_owned(), token_audience: "shop".to_owned() }
}

fn ada(role: Role) -> Identity {
    Identity { customer_id: CUSTOMER.parse().unwrap(), role }
}

#[tokio::test]
async fn a_token_of_every_algorithm_names_its_caller() {
    let signers = [rsa("rsa", RSA), ec(), ed25519()];
    let issuer = Issuer::with(&signers).await;
    for signer in &signers {
        let token = signer.sign(&claims(json!({})));
        assert_eq!(issuer.tokens.verify(&token).await, Ok(ada(Role::Customer)), "{:?}", signer.algorithm);
        let token = signer.sign(&claims(json!({"role": "operator", "aud": ["shop", "other"]})));
        assert_eq!(issuer.tokens.verify(&token).await, Ok(ada(Role::Operator)), "{:?}", signer.algorithm);
    }
}

#[tokio::test]
async fn a_token_counts_only_in_its_time_for_the_shop_and_by_its_issuer() {
    let (issuer, signer) = (Issuer::with(&[rsa("rsa", RSA)]).await, rsa("rsa", RSA));
    let now = get_current_timestamp();
    for (changed, expected) in [
        (json!({"exp": now - 60}), InvalidToken::Expired),
        (json!({"nbf": now + 120}), InvalidToken::NotYetValid),
        (json!({"aud": "another"}), InvalidToken::OtherAudience),
        (json!({"iss": "https://another"}), InvalidToken::OtherIssuer),
    ] {
        assert_eq!(issuer.tokens.verify(&signer.sign(&claims(changed.clone()))).await, Err(expected), "{changed}");
    }
    // The clocks of issuer and gateway may differ a little.
    for changed in [json!({"exp": now - 10}), json!({"nbf": now + 10})] {
        assert!(issuer.tokens.verify(&signer.sign(&claims(changed.clone()))).await.is_ok(), "{changed}");
    }
    for changed in [
        json!({"exp": null}),
        json!({"aud": null}),
        json!({"iss": null}),
        json!({"sub": null}),
        json!({"sub": "ada"}),
        json!({"role": "emperor"}),
    ] {
        let verified = issuer.tokens.verify(&signer.sign(&claims(changed.clone()))).await;
        assert!(matches!(verified, Err(InvalidToken::Unreadable(_))), "{changed}: {verified:?}");
    }
}

#[tokio::test]
async fn a_token_that_no_key_of_the_issuer_signed_does_not_count() {
    let issuer = Issuer::with(&[rsa("rsa", RSA), ec()]).await;
    let good = rsa("rsa", RSA).sign(&claims(json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"; // {"alg":"none","typ":"JWT"}
    let payload = good.split('.').nth(1).unwrap();
    // The public key as a secret: a library that goes by the token's algorithm alone would believe it.
    let confused = Signer { id: "rsa", algorithm: Algorithm::HS256, key: EncodingKey::from_secret(RSA_PUBLIC) };
    let of_other_type = Signer { id: "rsa", ..ec() };
    for (why, token) in [
        ("another key", rsa("rsa", OTHER_RSA).sign(&claims(json!({})))),
        ("an unknown id", rsa("unknown", RSA).sign(&claims(json!({})))),
        ("the id of another key", of_other_type.sign(&claims(json!({})))),
        ("RS256 as HS256", confused.sign(&claims(json!({})))),
        (
            "another algorithm of the key",
            Signer { algorithm: Algorithm::RS512, ..rsa("rsa", RSA) }.sign(&claims(json!({}))),
        ),
        ("no algorithm", format!("{none}.{payload}.")),
        ("no algorithm with a signature", format!("{none}.{payload}.{signature}")),
        ("no signature", format!("{message}.")),
        ("nonsense", "a.b.c".to_owned()),
        ("nothing", String::new()),
        ("too long", format!("{message}.{}", "a".repeat(10_000))),
    ] {
        assert!(issuer.tokens.verify(&token).await.is_err(), "{why}");
    }
    assert!(issuer.tokens.verify(&good).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn keys_that_the_issuer_changes_need_no_restart() {
    let (first, second) = (rsa("first", RSA), rsa("second", OTHER_RSA));
    let issuer = Issuer::with(std::slice::from_ref(&first)).await;
    let token = second.sign(&claims(json!({})));
    issuer.publish(&[first.clone(), second.clone()]);
    assert!(issuer.tokens.verify(&token).await.is_err(), "unknown keys make the gateway ask only now and then");
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(issuer.tokens.verify(&token).await.is_ok());
    // A key set that can't be read leaves the keys that are known.
    write(issuer.directory.path().join("keys.json"), "nonsense").unwrap();
    tokio::time::sleep(Duration::from_secs(310)).await;
    assert!(issuer.tokens.verify(&first.sign(&claims(json!({})))).await.is_ok());
}

#[tokio::test]
async fn the_development_key_counts_only_while_no_issuer_is_configured() {
    let development = Tokens::start(settings(None)).await.unwrap();
    let token = development.issue(ada(Role::Customer), Timestamp::now()).unwrap();
    assert_eq!(development.verify(&token).await, Ok(ada(Role::Customer)));
    let issuer = Issuer::with(&[rsa("rsa", RSA)]).await;
    assert_eq!(issuer.tokens.verify(&token).await, Err(InvalidToken::NotSigned));
    let refused = issuer.tokens.issue(ada(Role::Customer), Timestamp::now()).unwrap_err();
    assert!(refused.to_string().contains("TOKEN_KEYS"), "{refused}");
}
