//! How tokens are checked, beyond a single secret.

use super::JwtKey;
use std::time::Duration;

/// How far apart the clocks of issuer and server may be, unless the options say otherwise.
const LEEWAY: Duration = Duration::from_secs(30);

/// How tokens are signed and checked: [`JwtAuth::with_options`](super::JwtAuth::with_options).
///
/// A secret is replaced, with nobody logged out, by putting the new one first and keeping the old
/// one until what it has signed has expired:
///
/// ```
/// use tapaculo::{JwtAuth, JwtKey, JwtOptions};
///
/// let old = JwtAuth::new("the old secret, of thirty-two bytes");
/// let token = old.sign_refresh("alice", 3600)?;
///
/// let auth = JwtAuth::with_options(JwtOptions {
///     keys: vec![
///         JwtKey::secret("the new secret, of thirty-two bytes").with_id("2026"),
///         JwtKey::secret("the old secret, of thirty-two bytes"),
///     ],
///     ..Default::default()
/// });
/// auth.refresh_access(&token, "table 1", "session 1", 3600)?;
/// # Ok::<(), tapaculo::AuthError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwtOptions {
    /// The keys. The first secret among them signs; all of them check.
    ///
    /// A token whose header names a key, `kid`, is checked with the key of that id; if none has
    /// it, with those that have no id. A token that names none is checked with all of them. No key
    /// is tried with another algorithm than its own.
    pub keys: Vec<JwtKey>,
    /// Who issues the tokens: once set, `iss` has to be there and to be this. It is set in what is
    /// signed.
    pub issuer: Option<String>,
    /// Whom the tokens are for: once set, `aud` has to be there and to be or contain this. It is
    /// set in what is signed. Where it is not set, tokens that are for anybody in particular are
    /// refused (RFC 7519, section 4.1.3).
    pub audience: Option<String>,
    /// How far apart the clocks of issuer and server may be; 30 s unless told. A token is accepted
    /// for as long before its `nbf` and after its `exp`.
    pub leeway: Duration,
}

impl Default for JwtOptions {
    /// No keys, any issuer, no audience, 30 s of leeway.
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            issuer: None,
            audience: None,
            leeway: LEEWAY,
        }
    }
}
