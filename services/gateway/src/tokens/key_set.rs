//! The public keys of an issuer: a JSON Web Key Set (RFC 7517).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// The keys of an issuer that can verify tokens.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

/// A key of an issuer.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
}

impl Key {
    pub(super) fn new(id: Option<String>, algorithm: Algorithm, decoding: DecodingKey) -> Self {
        Self { id, algorithm, decoding }
    }

    /// Returns the only algorithm that the key counts for, whatever a token's header says.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl KeySet {
    pub(super) fn of(key: Key) -> Self {
        Self(vec![key])
    }

    /// Reads a key set. Keys for something else than RS256, ES256 and EdDSA are left out.
    pub(super) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let set: JwkSet = serde_json::from_slice(json)?;
        Ok(Self(set.keys.iter().filter_map(key_of).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the keys with this id; all of them for a token that names none.
    pub(super) fn find(&self, id: Option<&str>) -> Vec<Key> {
        self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id).cloned().collect()
    }
}

fn key_of(jwk: &Jwk) -> Option<Key> {
    if jwk.common.public_key_use.as_ref().is_some_and(|use_| *use_ != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None, // symmetric keys in particular
    };
    let named = match jwk.common.key_algorithm {
        None => Some(algorithm),
        Some(KeyAlgorithm::RS256) => Some(Algorithm::RS256),
        Some(KeyAlgorithm::ES256) => Some(Algorithm::ES256),
        Some(KeyAlgorithm::EdDSA) => Some(Algorithm::EdDSA),
        Some(_) => None,
    };
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    (named == Some(algorithm)).then(|| Key::new(jwk.common.key_id.clone(), algorithm, decoding))
}
