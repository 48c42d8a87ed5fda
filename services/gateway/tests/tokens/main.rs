//! Whose tokens count: those that a key of the issuer has signed with that key's own algorithm, for the shop, now.
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]
#![allow(clippy::disallowed_methods, reason = "tokens are of the real time")]
#![allow(unreachable_pub, reason = "a program of tests exports nothing")]

mod signer;
mod urls;

use std::fs::write;
use std::path::Path;
use std::time::Duration;

use gateway::identity::Role;
use gateway::tokens::{InvalidToken, KeySource, Tokens};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use tempfile::TempDir;

use signer::{OTHER_RSA, RSA, RSA_PUBLIC, Signer, ada, claims, ec, ed25519, key_set, rsa, settings};

fn publish(path: &Path, signers: &[Signer]) {
    write(path, key_set(signers)).unwrap();
}

/// How far the clocks of issuer and gateway may differ.
const LEEWAY_SECONDS: u64 = 30;

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
        (json!({"exp": now - LEEWAY_SECONDS - 2}), InvalidToken::Expired),
        (json!({"exp": 0}), InvalidToken::Expired),
        (json!({"nbf": now + LEEWAY_SECONDS + 5}), InvalidToken::NotYetValid),
        (json!({"aud": "another"}), InvalidToken::OtherAudience),
        (json!({"iss": "https://another"}), InvalidToken::OtherIssuer),
    ] {
        assert_eq!(issuer.tokens.verify(&signer.sign(&claims(changed.clone()))).await, Err(expected), "{changed}");
    }
    // The clocks of issuer and gateway may differ a little.
    for changed in [
        json!({"exp": now - LEEWAY_SECONDS + 5}),
        json!({"nbf": now + LEEWAY_SECONDS}),
        json!({"nbf": null}),
        json!({"exp": u64::MAX}),
    ] {
        assert!(issuer.tokens.verify(&signer.sign(&claims(changed.clone()))).await.is_ok(), "{changed}");
    }
    for changed in [
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"exp": -1}),
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
async fn a_token_whose_header_must_be_understood_does_not_count() {
    let signer = rsa("rsa", RSA);
    let issuer = Issuer::with(std::slice::from_ref(&signer)).await;
    let header = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(signer.algorithm) };
    let token = encode(&header, &claims(json!({})), &signer.key).unwrap();
    let verified = issuer.tokens.verify(&token).await;
    assert!(matches!(&verified, Err(InvalidToken::Unreadable(why)) if why.contains("b64")), "{verified:?}");
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

#[tokio::test]
async fn a_token_that_names_no_key_may_be_signed_by_each_of_the_issuer() {
    let (first, second) = (rsa("first", RSA), rsa("second", OTHER_RSA));
    let issuer = Issuer::with(&[first.clone(), ec(), second.clone()]).await;
    for signer in [first, ec(), second] {
        let token = encode(&Header::new(signer.algorithm), &claims(json!({})), &signer.key).unwrap();
        assert_eq!(issuer.tokens.verify(&token).await, Ok(ada(Role::Customer)), "{}", signer.id);
    }
    let stranger = encode(&Header::new(Algorithm::EdDSA), &claims(json!({})), &ed25519().key).unwrap();
    assert_eq!(issuer.tokens.verify(&stranger).await, Err(InvalidToken::NotSigned));
}

#[tokio::test(start_paused = true)]
async fn keys_that_the_issuer_changes_need_no_restart() {
    let (first, second) = (rsa("first", RSA), rsa("second", OTHER_RSA));
    let issuer = Issuer::with(std::slice::from_ref(&first)).await;
    let token = second.sign(&claims(json!({})));
    issuer.publish(&[first.clone(), second.clone()]);
    assert!(issuer.tokens.verify(&token).await.is_err(), "unknown keys make the gateway ask only now and then");
    tokio::time::sleep(Duration::from_secs(6)).await;
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
