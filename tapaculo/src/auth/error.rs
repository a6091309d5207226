//! Why a token could not be signed or is not accepted.

use std::{error::Error, fmt};

/// Why a token could not be signed or is not accepted.
///
/// Neither the token nor a key is part of it.
#[derive(Debug)]
pub struct AuthError {
    kind: AuthErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with a token, with a key, or with the request for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The secret is empty.
    EmptySecret,
    /// There is no key at all, so that no token could be trusted.
    NoKey,
    /// There is no secret among the keys, so that nothing can be signed.
    NoSecret,
    /// A key can't be used; the source says why.
    Key,
    /// It is not a token, or was not signed with a key and algorithm of ours.
    Invalid,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    Early,
    /// A claim is missing or is not of its form.
    Claims,
    /// It was issued by somebody else than the configured issuer.
    Issuer,
    /// It was issued for others than the configured audience.
    Audience,
    /// It is a refresh token where an access token is asked for, or the other way round.
    Kind,
    /// It is for another game.
    Game,
    /// It has been revoked.
    Revoked,
    /// A user, room or session id in it is empty, too long or has control characters.
    Name,
    /// The name that a guest asks for can't be one.
    GuestName,
    /// A refresh token is to lead into another room than it was issued for.
    Room,
    /// Nobody says into which room a refresh token is to lead.
    NoRoom,
    /// The name of an attempt to refresh is empty or too long.
    Attempt,
    /// There is no server yet, or any more, that would know of it.
    NotServing,
}

impl AuthErrorKind {
    fn words(self) -> &'static str {
        match self {
            Self::EmptySecret => "the secret for tokens is empty",
            Self::NoKey => "there is no key for tokens: give one to `JwtOptions::keys`",
            Self::NoSecret => {
                "there is no secret to sign tokens with: public keys can only check them, so give \
                 a `JwtKey::secret` to `JwtOptions::keys`"
            }
            Self::Key => "a key for tokens can't be used",
            Self::Invalid => "the token is not valid, or was signed with another key",
            Self::Expired => "the token has expired",
            Self::Early => "the token is not valid yet",
            Self::Claims => {
                "a claim is missing or malformed: `sub`, `room`, `session_id`, `exp`, `role` and \
                 `options` (an object of at most 1 KiB) are looked at"
            }
            Self::Issuer => "the token is of another issuer",
            Self::Audience => {
                "the token is not for the audience of this server, `JwtOptions::audience`"
            }
            Self::Kind => {
                "an access token names a room, and a refresh token does not: this is the other one"
            }
            Self::Game => "the token is for another game",
            Self::Revoked => "the token has been revoked",
            Self::Name => {
                "user, room and session ids are 1 to 128 bytes without control characters, \
                 and a user does not begin with `@`"
            }
            Self::GuestName => {
                "a name is 1 to 64 bytes, can be seen, has no characters that control or turn text, \
                 and does not begin with `@`"
            }
            Self::Room => "the refresh token is for another room: log in again",
            Self::NoRoom => "this refresh token names no room: say which, in `room`",
            Self::Attempt => "the name of an attempt has 1 to 128 bytes",
            Self::NotServing => "the server does not serve",
        }
    }
}

impl fmt::Display for AuthErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl AuthError {
    pub(super) fn because(
        kind: AuthErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }
}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.words())?;
        match &self.source {
            // Whoever sees this one has made the key.
            Some(why) if self.kind == AuthErrorKind::Key => write!(f, ": {why}"),
            _ => Ok(()),
        }
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // That of a key is part of the words.
        let source = self
            .source
            .as_ref()
            .filter(|_| self.kind != AuthErrorKind::Key);
        source.map(|source| &**source as _)
    }
}
