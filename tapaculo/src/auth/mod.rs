//! Tokens: who a user is and which room it may enter, signed (JWT, RFC 7519 and RFC 8725).

mod access;
mod claims;
mod error;
mod families;
mod guest;
mod key;
mod login;
mod moment;
mod options;
mod refresh;
mod revoked;
#[cfg(test)]
mod tests;
mod token;
mod word;

pub(crate) use self::{
    access::{Access, Identity},
    families::{Families, Redeemed},
    guest::GuestRequest,
    moment::Moment,
    refresh::{Bounds, Refresh, RefreshRequest, Tokens},
    revoked::Revoked,
    word::word,
};
pub use self::{
    error::{AuthError, AuthErrorKind},
    key::JwtKey,
    login::Login,
    options::JwtOptions,
};

use self::{
    access::Mark,
    claims::{Claims, Kind, Rules},
    key::Keys,
    token::Parts,
};
use std::{fmt, sync::Arc, time::Duration};

/// Signs and checks tokens, with a shared secret (HMAC SHA-256) or with the public keys of others.
///
/// Whoever has the secret can be anyone: keep it out of the code, and make it 32 random bytes or
/// more. An empty one signs nothing and serves nothing; a shorter one is warned of.
///
/// Neither tokens nor keys are ever logged or printed by this crate. What it stands on may: at its
/// level `trace`, `tungstenite` logs whole frames through the `log` crate, a fresh token among them.
///
/// ```
/// use tapaculo::JwtAuth;
///
/// let auth = JwtAuth::new("a secret of at least thirty-two bytes");
/// let token = auth.sign_access("alice", "table 1", "session 1", 3600)?;
/// # assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), tapaculo::AuthError>(())
/// ```
///
/// The guide: [auth](crate::docs::auth).
#[derive(Clone)]
pub struct JwtAuth(Arc<Checker>);

struct Checker {
    keys: Keys,
    rules: Rules,
}

impl fmt::Debug for JwtAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuth").finish_non_exhaustive()
    }
}

impl JwtAuth {
    /// Signs and checks with this secret.
    #[must_use]
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        Self::with_options(JwtOptions {
            keys: vec![JwtKey::secret(secret)],
            ..JwtOptions::default()
        })
    }

    /// Signs and checks by these options; what is wrong with them shows when it is used.
    #[must_use]
    pub fn with_options(options: JwtOptions) -> Self {
        let JwtOptions {
            keys,
            issuer,
            audience,
            leeway,
        } = options;
        Self(Arc::new(Checker {
            keys: Keys::new(keys),
            rules: Rules {
                issuer,
                audience,
                leeway,
            },
        }))
    }

    /// An access token: lets a user into a room for so many seconds.
    ///
    /// The session names one login of the user: one page, one device. A room remembers by session
    /// which messages it has answered, so that each is applied once; give every login a session of
    /// its own, and the same one to those who come back. [`sign_login`](Self::sign_login) says more
    /// than that.
    ///
    /// # Errors
    /// If there is no secret or it is empty, or a name is not 1 to 128 bytes without control
    /// characters.
    pub fn sign_access(
        &self,
        user: impl Into<String>,
        room: impl Into<String>,
        session: impl Into<String>,
        ttl_secs: u64,
    ) -> Result<String, AuthError> {
        let login = Login::new(user, room).session(session);
        self.sign_login(login.ttl(Duration::from_secs(ttl_secs)))
    }

    /// An access token that says all of this.
    ///
    /// # Errors
    /// As for [`sign_access`](Self::sign_access), or if the options are not an object of at most
    /// 1 KiB.
    pub fn sign_login(&self, login: Login) -> Result<String, AuthError> {
        self.sign(Claims::access(login))
    }

    /// A refresh token: good for new access tokens of a user for so many seconds.
    ///
    /// It is good for any room: of those who have one, [`refresh_access`](Self::refresh_access)
    /// asks nothing else, nor does `POST /token/refresh` where guests may go into any room.
    ///
    /// # Errors
    /// If there is no secret or it is empty, or the user is not a valid id.
    pub fn sign_refresh(
        &self,
        user: impl Into<String>,
        ttl_secs: u64,
    ) -> Result<String, AuthError> {
        let ttl = Duration::from_secs(ttl_secs);
        self.sign(Claims::refresh(user.into(), ttl))
    }

    /// A new access token for the user of a refresh token.
    ///
    /// It remembers nothing: the refresh token is as good as before, and what a server has revoked
    /// is not known here. `POST /token/refresh` is the route where each works once.
    ///
    /// ```
    /// use tapaculo::JwtAuth;
    ///
    /// let auth = JwtAuth::new("a secret of at least thirty-two bytes");
    /// let refresh_token = auth.sign_refresh("alice", 86_400)?;
    /// let token = auth.refresh_access(&refresh_token, "table 1", "session 1", 3600)?;
    /// assert!(auth.refresh_access(&token, "table 1", "session 1", 3600).is_err()); // not a refresh token
    /// # Ok::<(), tapaculo::AuthError>(())
    /// ```
    ///
    /// # Errors
    /// If the refresh token is not a valid one, or a name is not.
    pub fn refresh_access(
        &self,
        refresh_token: &str,
        room: impl Into<String>,
        session: impl Into<String>,
        ttl_secs: u64,
    ) -> Result<String, AuthError> {
        let (claims, _) = self.verify(refresh_token)?;
        if claims.kind != Some(Kind::Refresh) {
            return Err(AuthErrorKind::Kind.into());
        }
        self.sign_access(claims.sub, room, session, ttl_secs)
    }

    /// What an access token for a game allows.
    pub(crate) fn access(&self, token: &str, game: &str) -> Result<Access, AuthError> {
        let access = self.read_access(token)?;
        match &access.game {
            Some(other) if other != game => Err(AuthErrorKind::Game.into()),
            _ => Ok(access),
        }
    }

    /// By what a token of either kind may be revoked; also one that is not valid yet.
    pub(crate) fn identity(&self, token: &str) -> Result<Identity, AuthError> {
        let (claims, mark) = self.open(token)?;
        match self.0.rules.check(&claims, Moment::now()) {
            Err(error) if error.kind() != AuthErrorKind::Early => return Err(error),
            _ => {}
        }
        let ends = self.ends(&claims);
        Ok(match claims.kind {
            Some(Kind::Refresh) => Refresh::read(claims, mark, ends)?.identity,
            _ => Access::read(claims, mark, ends)?.identity,
        })
    }

    /// Fails if no token could be trusted.
    pub(crate) fn ready(&self) -> Result<(), AuthError> {
        self.0.keys.ready()
    }

    /// Fails if no token could be signed.
    pub(crate) fn ready_to_sign(&self) -> Result<(), AuthError> {
        self.0.keys.ready()?;
        self.0.keys.can_sign()
    }

    fn read_access(&self, token: &str) -> Result<Access, AuthError> {
        let (claims, mark) = self.verify(token)?;
        let ends = self.ends(&claims);
        Access::read(claims, mark, ends)
    }

    /// When a token is accepted no more.
    fn ends(&self, claims: &Claims) -> Moment {
        claims.exp + self.0.rules.leeway
    }

    fn sign(&self, mut claims: Claims) -> Result<String, AuthError> {
        self.ready_to_sign()?;
        self.0.rules.fulfil(&mut claims);
        let token = self.0.keys.sign(&claims)?;
        // What would not be accepted is not signed.
        let mark = Mark::token(&claims, &token);
        let ends = self.ends(&claims);
        match claims.kind {
            Some(Kind::Refresh) => Refresh::read(claims, mark, ends).map(drop)?,
            _ => Access::read(claims, mark, ends).map(drop)?,
        }
        Ok(token)
    }

    /// The claims of a token that is in force, and what it is known by.
    fn verify(&self, token: &str) -> Result<(Claims, Mark), AuthError> {
        let (claims, mark) = self.open(token)?;
        self.0.rules.check(&claims, Moment::now())?;
        Ok((claims, mark))
    }

    /// The claims of a token that was signed with a key of ours, in force or not.
    fn open(&self, token: &str) -> Result<(Claims, Mark), AuthError> {
        self.ready()?;
        let parts = Parts::of(token)?;
        self.0.keys.check(&parts)?;
        let claims: Claims = parts.claims()?;
        let mark = Mark::token(&claims, parts.signed);
        Ok((claims, mark))
    }
}
