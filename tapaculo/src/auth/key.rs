//! Keys, each for one algorithm: a token's header picks none (RFC 8725, section 3.1).

use super::{AuthError, AuthErrorKind, token::Parts};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use pkcs1::RsaPublicKey;
use serde::Serialize;
use spki::{Document, ObjectIdentifier, SubjectPublicKeyInfoRef, der::pem::PemLabel};
use std::{fmt, sync::Once};

/// Fewer bytes than the hash has make a secret weaker than the algorithm (RFC 7518, section 3.2).
const FEW_BYTES: usize = 32;

/// The bytes of an RSA modulus: fewer are too weak (RFC 7518, section 3.3), more cost too much.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// How a file begins that has one.
const PUBLIC_KEY: &str = "the PEM file of a public key, `-----BEGIN PUBLIC KEY-----`";

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A key that tokens are checked with, and perhaps signed.
///
/// Each key is for one algorithm. A token that names another one is refused, whatever it was
/// signed with. The guide says [when to use which](crate::docs::auth#tokens-of-somebody-else).
///
/// ```
/// use tapaculo::JwtKey;
///
/// let key = JwtKey::secret("a secret of at least thirty-two bytes").with_id("2026");
/// assert!(JwtKey::public_pem("no key").is_err());
/// ```
#[derive(Clone)]
pub struct JwtKey {
    id: Option<String>,
    algorithm: Algorithm,
    verifying: DecodingKey,
    /// Only secrets can sign.
    signing: Option<EncodingKey>,
    flaw: Option<Flaw>,
}

/// What is wrong with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Empty,
    /// It is no secret at all, but perhaps a public key: everybody could sign with it.
    Pem,
    Short,
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl JwtKey {
    /// A secret (HS256), with which tokens are signed and checked: 32 random bytes or more.
    ///
    /// One that is empty, or that is a PEM file, is refused when it is used.
    #[must_use]
    pub fn secret(secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        let flaw = match secret {
            [] => Some(Flaw::Empty),
            _ if secret.trim_ascii_start().starts_with(b"-----BEGIN") => Some(Flaw::Pem),
            _ => (secret.len() < FEW_BYTES).then_some(Flaw::Short),
        };
        Self {
            id: None,
            algorithm: Algorithm::HS256,
            verifying: DecodingKey::from_secret(secret),
            signing: Some(EncodingKey::from_secret(secret)),
            flaw,
        }
    }

    /// A public key as a PEM file has it (`BEGIN PUBLIC KEY`), to check what somebody else signs.
    ///
    /// The kind of key says for which algorithm it is: RSA for RS256 (2,048 to 4,096 bits), P-256
    /// for ES256, Ed25519 for `EdDSA`.
    ///
    /// # Errors
    /// If it is none of these, or is damaged.
    pub fn public_pem(pem: impl AsRef<str>) -> Result<Self, AuthError> {
        let unfit = |why: &str| AuthError::because(AuthErrorKind::Key, why);
        let pem = pem.as_ref().trim();
        let other = || unfit(&format!("expected {PUBLIC_KEY}{}", found(pem)));
        let (label, document) = Document::from_pem(pem).map_err(|_| other())?;
        SubjectPublicKeyInfoRef::validate_pem_label(label).map_err(|_| other())?;
        let info: SubjectPublicKeyInfoRef<'_> =
            document.decode_msg().map_err(|_| unfit("it is damaged"))?;
        let bytes = info.subject_public_key.as_bytes();
        let bytes = bytes.ok_or_else(|| unfit("it is damaged"))?;
        let (algorithm, verifying) = match info.algorithm.oid {
            RSA => {
                let key = RsaPublicKey::try_from(bytes).map_err(|_| unfit("it is damaged"))?;
                if !RSA_BYTES.contains(&key.modulus.as_bytes().len()) {
                    return Err(unfit("an RSA key has 2,048 to 4,096 bits"));
                }
                (Algorithm::RS256, DecodingKey::from_rsa_der(bytes))
            }
            ELLIPTIC if info.algorithm.parameters_oid() == Ok(P256) => {
                (Algorithm::ES256, DecodingKey::from_ec_der(bytes))
            }
            ED25519 if bytes.len() == 32 => (Algorithm::EdDSA, DecodingKey::from_ed_der(bytes)),
            _ => return Err(unfit("expected a key of RSA, P-256 or Ed25519")),
        };
        // Whether its point is on the curve shows when it is used.
        crypto::verify("", b"", &verifying, algorithm).map_err(|_| unfit("it is damaged"))?;
        Ok(Self {
            id: None,
            algorithm,
            verifying,
            signing: None,
            flaw: None,
        })
    }

    /// Names the key, as the `kid` of a token's header does.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// What a PEM file has instead of a public key, and how to get that from it.
fn found(pem: &str) -> String {
    let label = pem.split("-----").nth(1).unwrap_or_default();
    let Some(label) = label.strip_prefix("BEGIN ") else {
        return String::new();
    };
    let remedy = match label {
        "CERTIFICATE" => ": `openssl x509 -pubkey -noout` takes the key out",
        "RSA PUBLIC KEY" => ": `openssl rsa -RSAPublicKey_in -pubout` writes it that way",
        _ if label.ends_with("PRIVATE KEY") => {
            ": `openssl pkey -pubout` makes the public one of it"
        }
        "PUBLIC KEY" => ", but damaged",
        _ => "",
    };
    format!("; found `BEGIN {label}`{remedy}")
}

/// All keys of a server.
#[derive(Clone)]
pub(super) struct Keys(Vec<JwtKey>);

impl Keys {
    pub(super) fn new(keys: Vec<JwtKey>) -> Self {
        Self(keys)
    }

    /// Fails if one of them can't be trusted.
    pub(super) fn ready(&self) -> Result<(), AuthError> {
        if self.0.is_empty() {
            return Err(AuthErrorKind::NoKey.into());
        }
        for (index, key) in self.0.iter().enumerate() {
            match key.flaw {
                Some(Flaw::Empty) => return Err(AuthErrorKind::EmptySecret.into()),
                Some(Flaw::Pem) => {
                    let why = "a PEM file is no secret: `JwtKey::public_pem` takes public keys";
                    return Err(AuthError::because(AuthErrorKind::Key, why));
                }
                Some(Flaw::Short) => warn_of_short_secret(),
                None => {}
            }
            let others = &self.0[..index];
            if key.id.is_some() && others.iter().any(|other| other.id == key.id) {
                return Err(AuthError::because(
                    AuthErrorKind::Key,
                    "two keys have one id",
                ));
            }
        }
        Ok(())
    }

    /// The key to sign with: the first secret.
    fn signing(&self) -> Result<(&JwtKey, &EncodingKey), AuthError> {
        let secrets = self
            .0
            .iter()
            .filter_map(|key| Some((key, key.signing.as_ref()?)));
        let first = secrets.into_iter().next();
        first.ok_or_else(|| AuthErrorKind::NoSecret.into())
    }

    /// Fails if nothing can be signed.
    pub(super) fn can_sign(&self) -> Result<(), AuthError> {
        self.signing().map(drop)
    }

    pub(super) fn sign<T: Serialize>(&self, claims: &T) -> Result<String, AuthError> {
        let (key, signing) = self.signing()?;
        let header = Header {
            kid: key.id.clone(),
            ..Header::new(key.algorithm)
        };
        jsonwebtoken::encode(&header, claims, signing)
            .map_err(|error| AuthError::because(AuthErrorKind::Claims, error))
    }

    /// Fails unless the token was signed with one of the keys that it may be of.
    pub(super) fn check(&self, parts: &Parts<'_>) -> Result<(), AuthError> {
        let is_signed = self.candidates(parts.header.kid.as_deref()).any(|key| {
            let signed = parts.signed.as_bytes();
            name(key.algorithm) == Some(&*parts.header.alg)
                && crypto::verify(parts.signature, signed, &key.verifying, key.algorithm)
                    .is_ok_and(|is_signed| is_signed)
        });
        match is_signed {
            true => Ok(()),
            false => Err(AuthErrorKind::Invalid.into()),
        }
    }

    /// The keys that a token of this `kid` may have been signed with: the one of that name; if none
    /// has it, those without a name; and any key, if the token names none.
    fn candidates(&self, kid: Option<&str>) -> impl Iterator<Item = &JwtKey> {
        let is_named = kid.is_some() && self.0.iter().any(|key| key.id.as_deref() == kid);
        self.0.iter().filter(move |key| match kid {
            None => true,
            Some(_) if is_named => key.id.as_deref() == kid,
            Some(_) => key.id.is_none(),
        })
    }
}

/// How a header names the algorithm of a key.
fn name(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::HS256 => Some("HS256"),
        Algorithm::RS256 => Some("RS256"),
        Algorithm::ES256 => Some("ES256"),
        Algorithm::EdDSA => Some("EdDSA"),
        _ => None,
    }
}

fn warn_of_short_secret() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!("the secret for tokens has fewer than {FEW_BYTES} bytes: it can be guessed");
    });
}
