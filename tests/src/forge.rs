//! Tokens written by hand, good and bad.

use crate::server::SECRET;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A private key of RSA, PKCS #1.
pub const RSA: &str = include_str!("../keys/rsa.pem");
/// The public half of [`RSA`].
pub const RSA_PUBLIC: &str = include_str!("../keys/rsa.pub.pem");
/// A private key of P-256, PKCS #8.
pub const P256: &str = include_str!("../keys/p256.pem");
/// The public half of [`P256`].
pub const P256_PUBLIC: &str = include_str!("../keys/p256.pub.pem");
/// A private key of Ed25519, PKCS #8.
pub const ED25519: &str = include_str!("../keys/ed25519.pem");
/// The public half of [`ED25519`].
pub const ED25519_PUBLIC: &str = include_str!("../keys/ed25519.pub.pem");

/// A key to sign with, and the algorithm that goes with it.
#[derive(Clone, Debug)]
pub struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    /// A secret: HS256.
    #[must_use]
    pub fn secret(secret: impl AsRef<[u8]>) -> Self {
        let key = EncodingKey::from_secret(secret.as_ref());
        let algorithm = Algorithm::HS256;
        Self { algorithm, key }
    }

    /// [`RSA`]: RS256.
    #[must_use]
    pub fn rsa() -> Self {
        let key = EncodingKey::from_rsa_der(&der(RSA));
        let algorithm = Algorithm::RS256;
        Self { algorithm, key }
    }

    /// [`P256`]: ES256.
    #[must_use]
    pub fn p256() -> Self {
        let key = EncodingKey::from_ec_der(&der(P256));
        let algorithm = Algorithm::ES256;
        Self { algorithm, key }
    }

    /// [`ED25519`]: `EdDSA`.
    #[must_use]
    pub fn ed25519() -> Self {
        let key = EncodingKey::from_ed_der(&der(ED25519));
        let algorithm = Algorithm::EdDSA;
        Self { algorithm, key }
    }

    /// The same key with another algorithm of its family.
    #[must_use]
    pub fn by(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Signs these very texts, whatever they are.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_parts(&encoded(header), &encoded(payload))
    }

    /// Signs parts that are encoded already.
    ///
    /// # Panics
    /// If the key does not go with the algorithm.
    #[must_use]
    pub fn sign_parts(&self, header: &str, payload: &str) -> String {
        let signed = format!("{header}.{payload}");
        let signature = crypto::sign(signed.as_bytes(), &self.key, self.algorithm);
        format!("{signed}.{}", signature.expect("it signs"))
    }

    /// Signs claims under the header that belongs to the key.
    #[must_use]
    pub fn claims(&self, claims: &Value) -> String {
        self.sign(self.header(json!({})).to_string(), claims.to_string())
    }

    /// Signs good claims under a header that is changed.
    #[must_use]
    pub fn headed(&self, changes: Value) -> String {
        self.sign(self.header(changes).to_string(), good().to_string())
    }

    fn header(&self, changes: Value) -> Value {
        let algorithm = format!("{:?}", self.algorithm);
        changed(json!({"typ": "JWT", "alg": algorithm}), changes)
    }
}

/// Signs claims as the server of the tests does.
#[must_use]
pub fn signed(claims: &Value) -> String {
    Signer::secret(SECRET).claims(claims)
}

/// Good claims, changed; `null` takes one away.
#[must_use]
pub fn with(changes: Value) -> Value {
    changed(good(), changes)
}

/// Claims that are good for ten minutes.
#[must_use]
pub fn good() -> Value {
    json!({
        "sub": "alice", "room": "r", "session_id": "s", "kind": "access", "exp": now() + 600,
    })
}

fn changed(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("an object");
    };
    for (key, value) in changes {
        if value.is_null() {
            object.as_object_mut().expect("an object").remove(&key);
        } else {
            object[&key] = value;
        }
    }
    object
}

/// The time, in seconds since 1970.
///
/// # Panics
/// Before 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// A part of a token, as it stands in it.
pub fn encoded(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// The header, the payload and the signature of a token, as they stand in it.
///
/// # Panics
/// If it has others.
#[must_use]
pub fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().expect("three parts")
}

/// What is in a PEM file.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD
        .decode(lines.collect::<String>())
        .expect("a PEM file")
}
