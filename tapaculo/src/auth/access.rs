//! What a valid access token allows, and what tells it from others.

use super::{
    AuthError, AuthErrorKind,
    claims::{Claims, Kind},
    moment::Moment,
};
use crate::ids::{InvalidId, Role, RoomId, SessionId, UserId};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr, sync::Arc};

/// The most bytes the `options` claim may have.
const MOST_OPTIONS: usize = 1024;

/// Half a hash: names a token, or a family of them, in little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark([u8; 16]);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Mark {
    type Err = NoMark;

    /// Reads what [`Display`](fmt::Display) has written.
    fn from_str(text: &str) -> Result<Self, NoMark> {
        let number = u128::from_str_radix(text, 16).map_err(|_| NoMark)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// It is no mark.
#[derive(Debug)]
pub(crate) struct NoMark;

impl Mark {
    /// The mark of these parts, in this order.
    fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut mark = [0; 16];
        mark.copy_from_slice(&hash.finalize()[..16]);
        Self(mark)
    }

    /// Of a token: its `jti`, or else all that its signature is of. Not the signature: of one
    /// text there may be several.
    pub(super) fn token(claims: &Claims, signed: &str) -> Self {
        match &claims.jti {
            Some(id) => {
                let issuer = claims.iss.as_deref().unwrap_or_default();
                Self::of(&["token", issuer, &claims.sub, id])
            }
            None => Self::of(&["text", signed]),
        }
    }

    /// Of all tokens that descend from a login.
    pub(super) fn family(user: &str, family: &str) -> Self {
        Self::of(&["family", user, family])
    }

    /// Of one attempt to refresh a token.
    pub(super) fn attempt(attempt: &str) -> Self {
        Self::of(&["attempt", attempt])
    }
}

/// By what a token may be revoked, and until when that matters.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) token: Mark,
    pub(crate) family: Option<Mark>,
    pub(crate) user: UserId,
    /// A refresh token need not have one.
    pub(crate) session: Option<SessionId>,
    /// The beginning of time where the token does not say.
    pub(crate) issued: Moment,
    /// When it is accepted no more, leeway included.
    pub(crate) ends: Moment,
}

/// What a valid access token allows: a user may enter a room.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) identity: Identity,
    /// When it expires; it is accepted for the leeway longer.
    pub(crate) expires: Moment,
    pub(crate) user: UserId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) room: RoomId,
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    /// The only game it is good for, if it names one.
    pub(crate) game: Option<String>,
    pub(crate) options: Option<Box<RawValue>>,
}

fn bad_name(why: InvalidId) -> AuthError {
    AuthError::because(AuthErrorKind::Name, why)
}

/// Checks a user's name.
pub(super) fn user(name: &str) -> Result<UserId, AuthError> {
    UserId::new(name).map_err(bad_name)
}

/// Checks a session's name.
pub(super) fn session(name: &str) -> Result<SessionId, AuthError> {
    SessionId::new(name).map_err(bad_name)
}

impl Access {
    /// Reads the claims of an access token.
    pub(super) fn read(claims: Claims, token: Mark, ends: Moment) -> Result<Self, AuthError> {
        if claims.kind == Some(Kind::Refresh) || (claims.kind.is_none() && claims.room.is_none()) {
            return Err(AuthErrorKind::Kind.into());
        }
        let (Some(room), Some(session_id)) = (claims.room, claims.session_id) else {
            return Err(AuthErrorKind::Claims.into());
        };
        let options_are_fine = claims.options.as_ref().is_none_or(|options| {
            options.get().starts_with('{') && options.get().len() <= MOST_OPTIONS
        });
        if !options_are_fine {
            return Err(AuthErrorKind::Claims.into());
        }
        if let Some(name) = &claims.name {
            RoomId::new(name).map_err(bad_name)?; // the rules for names to show are those for names
        }
        let user = user(&claims.sub)?;
        let session = session(&session_id)?;
        let family = claims.tapaculo.as_ref();
        Ok(Self {
            identity: Identity {
                token,
                family: family.map(|descent| Mark::family(&claims.sub, &descent.family)),
                user: user.clone(),
                session: Some(session.clone()),
                issued: claims.iat.unwrap_or_default(),
                ends,
            },
            expires: claims.exp,
            user,
            name: claims.name.map(Arc::from),
            room: RoomId::new(room).map_err(bad_name)?,
            session,
            role: claims.role.unwrap_or(Role::Player),
            game: claims.game,
            options: claims.options,
        })
    }
}
