//! Tokens: who a user is and which room it may enter, signed (JWT, RFC 7519).

mod claims;
mod guest;

pub(crate) use self::{
    claims::Access,
    guest::{GuestRequest, word},
};

use self::claims::{Claims, Kind};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind,
    get_current_timestamp,
};
use std::{error::Error, fmt};

/// How far apart the clocks of issuer and server may be, in seconds.
const LEEWAY_SECS: u64 = 30;

/// Signs and checks tokens with a shared secret (HMAC SHA-256).
///
/// Whoever has the secret can be anyone: keep it out of the code, and make it 32 random bytes or
/// more.
///
/// ```
/// use tapaculo::JwtAuth;
///
/// let auth = JwtAuth::new("a secret of at least thirty-two bytes");
/// let token = auth.sign_access("alice", "table 1", "session 1", 3600)?;
/// # assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), tapaculo::AuthError>(())
/// ```
#[derive(Clone)]
pub struct JwtAuth {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    is_empty: bool,
}

impl fmt::Debug for JwtAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuth").finish_non_exhaustive()
    }
}

/// Why a token could not be signed or is not accepted.
#[derive(Debug)]
pub struct AuthError {
    kind: AuthErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with a token, or with the request for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The secret is empty.
    EmptySecret,
    /// It is not a token, or was not signed with this secret and algorithm.
    Invalid,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    Early,
    /// A claim is missing or is not of its form.
    Claims,
    /// It is a refresh token where an access token is asked for, or the other way round.
    Kind,
    /// It is for another game.
    Game,
    /// A user, room or session id in it is empty, too long or has control characters.
    Name,
    /// The name that a guest asks for can't be one.
    GuestName,
}

impl AuthError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AuthErrorKind::EmptySecret => "the secret for tokens is empty",
            AuthErrorKind::Invalid => "the token is not valid, or was signed with another secret",
            AuthErrorKind::Expired => "the token has expired",
            AuthErrorKind::Early => "the token is not valid yet",
            AuthErrorKind::Claims => {
                "a claim is missing or malformed: `sub`, `room`, `session_id`, `exp`, `role` and \
                 `options` (an object of at most 1 KiB) are looked at"
            }
            AuthErrorKind::Kind => {
                "an access token names a room, and a refresh token does not: this is the other one"
            }
            AuthErrorKind::Game => "the token is for another game",
            AuthErrorKind::GuestName => {
                "a name is 1 to 64 bytes without control characters, and does not begin with `@`"
            }
            AuthErrorKind::Name => {
                "user, room and session ids are 1 to 128 bytes without control characters, \
                 and a user does not begin with `@`"
            }
        })
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl AuthError {
    fn new(kind: AuthErrorKind) -> Self {
        Self { kind, source: None }
    }

    fn because(kind: AuthErrorKind, source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind,
            source: Some(Box::new(source)),
        }
    }

    fn jwt(source: jsonwebtoken::errors::Error) -> Self {
        let kind = match source.kind() {
            ErrorKind::ExpiredSignature => AuthErrorKind::Expired,
            ErrorKind::ImmatureSignature => AuthErrorKind::Early,
            ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_)
            | ErrorKind::Json(_) => AuthErrorKind::Claims,
            _ => AuthErrorKind::Invalid,
        };
        Self::because(kind, source)
    }
}

impl JwtAuth {
    /// Signs and checks with this secret.
    #[must_use]
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        let secret = secret.as_ref();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECS;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp"]);
        Self {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
            validation,
            is_empty: secret.is_empty(),
        }
    }

    /// An access token: lets a user into a room for so many seconds.
    ///
    /// The session names one login of the user: one page, one device. A room remembers by session
    /// which messages it has answered, so that each is applied once; give every login a session of
    /// its own, and the same one to those who come back.
    ///
    /// # Errors
    /// If the secret is empty, or a name is not 1 to 128 bytes without control characters.
    pub fn sign_access(
        &self,
        user: impl Into<String>,
        room: impl Into<String>,
        session: impl Into<String>,
        ttl_secs: u64,
    ) -> Result<String, AuthError> {
        let claims = Claims::access(user.into(), room.into(), session.into(), ttl_secs);
        self.sign(&claims)
    }

    /// A refresh token: good for new access tokens of a user for so many seconds.
    ///
    /// # Errors
    /// If the secret is empty, or the user is not a valid id.
    pub fn sign_refresh(
        &self,
        user: impl Into<String>,
        ttl_secs: u64,
    ) -> Result<String, AuthError> {
        self.sign(&Claims::refresh(user.into(), ttl_secs))
    }

    /// A new access token for the user of a refresh token.
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
        let claims = self.verify(refresh_token)?;
        if claims.kind != Some(Kind::Refresh) {
            return Err(AuthError::new(AuthErrorKind::Kind));
        }
        self.sign_access(claims.sub, room, session, ttl_secs)
    }

    /// What an access token for a game allows.
    pub(crate) fn access(&self, token: &str, game: &str) -> Result<Access, AuthError> {
        let access = Access::try_from(self.verify(token)?)?;
        match &access.game {
            Some(other) if other != game => Err(AuthError::new(AuthErrorKind::Game)),
            _ => Ok(access),
        }
    }

    /// Fails if no token could be trusted.
    pub(crate) fn ready(&self) -> Result<(), AuthError> {
        if self.is_empty {
            return Err(AuthError::new(AuthErrorKind::EmptySecret));
        }
        Ok(())
    }

    fn sign(&self, claims: &Claims) -> Result<String, AuthError> {
        self.ready()?;
        claims.check()?;
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing)
            .map_err(AuthError::jwt)
    }

    fn verify(&self, token: &str) -> Result<Claims, AuthError> {
        self.ready()?;
        let data = jsonwebtoken::decode(token, &self.verifying, &self.validation);
        Ok(data.map_err(AuthError::jwt)?.claims)
    }
}

fn now_secs() -> u64 {
    get_current_timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Role;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    fn kind<T: fmt::Debug>(result: Result<T, AuthError>) -> AuthErrorKind {
        result.unwrap_err().kind()
    }

    #[test]
    fn an_access_token_names_user_room_and_session() {
        let auth = JwtAuth::new(SECRET);
        let token = auth.sign_access("alice", "a room", "s", 60).unwrap();
        let access = auth.access(&token, "chess").unwrap();
        assert_eq!(access.user, "alice");
        assert_eq!(access.room, "a room");
        assert_eq!(access.session, "s");
        assert_eq!(access.role, Role::Player);
    }

    #[test]
    fn a_refresh_token_opens_no_room_and_an_access_token_refreshes_nothing() {
        let auth = JwtAuth::new(SECRET);
        let refresh = auth.sign_refresh("alice", 60).unwrap();
        assert_eq!(kind(auth.access(&refresh, "chess")), AuthErrorKind::Kind);
        let access = auth.refresh_access(&refresh, "r", "s", 60).unwrap();
        assert_eq!(auth.access(&access, "chess").unwrap().user, "alice");
        assert_eq!(
            kind(auth.refresh_access(&access, "r", "s", 60)),
            AuthErrorKind::Kind
        );
    }

    #[test]
    fn a_token_of_another_secret_is_not_valid() {
        let token = JwtAuth::new("another secret").sign_access("a", "r", "s", 60);
        let access = JwtAuth::new(SECRET).access(&token.unwrap(), "chess");
        assert_eq!(kind(access), AuthErrorKind::Invalid);
    }

    #[test]
    fn an_empty_secret_signs_and_accepts_nothing() {
        let auth = JwtAuth::new("");
        let signed = auth.sign_access("a", "r", "s", 60);
        assert_eq!(kind(signed), AuthErrorKind::EmptySecret);
        let forged = JwtAuth::new("x").sign_access("a", "r", "s", 60).unwrap();
        assert_eq!(kind(auth.access(&forged, "g")), AuthErrorKind::EmptySecret);
    }

    #[test]
    fn names_that_cannot_be_are_not_signed() {
        let auth = JwtAuth::new(SECRET);
        for user in ["", "@server", "a\nb"] {
            let signed = auth.sign_access(user, "r", "s", 60);
            assert_eq!(kind(signed), AuthErrorKind::Name);
        }
        let signed = auth.sign_access("a", "r".repeat(129), "s", 60);
        assert_eq!(kind(signed), AuthErrorKind::Name);
    }

    #[test]
    fn neither_secret_nor_token_is_ever_printed() {
        let auth = JwtAuth::new(SECRET);
        assert_eq!(format!("{auth:?}"), "JwtAuth { .. }");
    }
}
