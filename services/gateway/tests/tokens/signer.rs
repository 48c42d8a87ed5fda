//! Keys of an issuer, and the tokens that they sign.

use gateway::identity::{Identity, Role};
use gateway::tokens::{KeySource, TokenSettings};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

pub const CUSTOMER: &str = "0198c0de-0000-7000-8000-000000000001";
pub const RSA: &[u8] = include_bytes!("../keys/rsa.pem");
pub const RSA_PUBLIC: &[u8] = include_bytes!("../keys/rsa-public.pem");
pub const OTHER_RSA: &[u8] = include_bytes!("../keys/other-rsa.pem");
pub const EC: &[u8] = include_bytes!("../keys/ec.pem");
pub const ED25519: &[u8] = include_bytes!("../keys/ed25519.pem");

/// A key of an issuer, with its id.
#[derive(Clone)]
pub struct Signer {
    pub id: &'static str,
    pub algorithm: Algorithm,
    pub key: EncodingKey,
}

pub fn rsa(id: &'static str, pem: &[u8]) -> Signer {
    Signer { id, algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_pem(pem).unwrap() }
}

pub fn ec() -> Signer {
    Signer { id: "ec", algorithm: Algorithm::ES256, key: EncodingKey::from_ec_pem(EC).unwrap() }
}

pub fn ed25519() -> Signer {
    Signer { id: "ed", algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_pem(ED25519).unwrap() }
}

impl Signer {
    /// Returns a token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }

    /// Returns the public half.
    pub fn public(&self) -> Jwk {
        let mut key = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        key.common.key_id = Some(self.id.to_owned());
        key
    }
}

/// Returns the claims of a customer's token, with some changed; those that are null are left out.
pub fn claims(changed: Value) -> Value {
    let now = get_current_timestamp();
    let mut claims = json!({"iss": "https://issuer", "aud": "shop", "sub": CUSTOMER, "exp": now + 60, "nbf": now - 60});
    let claims_of = claims.as_object_mut().unwrap();
    claims_of.extend(changed.as_object().unwrap().clone());
    claims_of.retain(|_, value| !value.is_null());
    claims
}

/// Returns the key set of an issuer with these keys.
pub fn key_set(signers: &[Signer]) -> Vec<u8> {
    serde_json::to_vec(&JwkSet { keys: signers.iter().map(Signer::public).collect() }).unwrap()
}

/// Returns the settings of the shop, whose issuer has these keys.
pub fn settings(token_keys: Option<KeySource>) -> TokenSettings {
    TokenSettings { token_keys, token_issuer: "https://issuer".to_owned(), token_audience: "shop".to_owned() }
}

/// Returns who the tokens name.
pub fn ada(role: Role) -> Identity {
    Identity { customer_id: CUSTOMER.parse().unwrap(), role }
}
