//! What a token says, and what of it the server goes by.

use super::{AuthError, AuthErrorKind, now_secs};
use crate::ids::{InvalidId, Role, RoomId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The most bytes the `options` claim may have.
const MOST_OPTIONS: usize = 1024;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Access,
    Refresh,
}

/// The claims as they stand in a token.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    /// May be absent from tokens of other issuers: one that names a room is then for access.
    pub(super) kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    game: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<Box<RawValue>>,
    /// The name to show for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

impl Claims {
    fn new(sub: String, kind: Kind, ttl_secs: u64) -> Self {
        let now = now_secs();
        Self {
            sub,
            room: None,
            session_id: None,
            exp: now.saturating_add(ttl_secs),
            iat: Some(now),
            kind: Some(kind),
            role: None,
            game: None,
            options: None,
            name: None,
        }
    }

    pub(super) fn access(user: String, room: String, session: String, ttl_secs: u64) -> Self {
        Self {
            room: Some(room),
            session_id: Some(session),
            ..Self::new(user, Kind::Access, ttl_secs)
        }
    }

    pub(super) fn refresh(user: String, ttl_secs: u64) -> Self {
        Self::new(user, Kind::Refresh, ttl_secs)
    }

    /// Fails where the claims could not be accepted later.
    pub(super) fn check(&self) -> Result<(), AuthError> {
        match self.kind {
            Some(Kind::Refresh) => UserId::new(&self.sub).map(drop).map_err(bad_name),
            _ => Access::try_from(self.clone()).map(drop),
        }
    }
}

fn bad_name(why: InvalidId) -> AuthError {
    AuthError::because(AuthErrorKind::Name, why)
}

/// What a valid access token allows: a user may enter a room.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) user: UserId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) room: RoomId,
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    /// The only game it is good for, if it names one.
    pub(crate) game: Option<String>,
    pub(crate) options: Option<Box<RawValue>>,
}

impl TryFrom<Claims> for Access {
    type Error = AuthError;

    fn try_from(claims: Claims) -> Result<Self, AuthError> {
        if claims.kind == Some(Kind::Refresh) || (claims.kind.is_none() && claims.room.is_none()) {
            return Err(AuthError::new(AuthErrorKind::Kind));
        }
        let (Some(room), Some(session)) = (claims.room, claims.session_id) else {
            return Err(AuthError::new(AuthErrorKind::Claims));
        };
        let options_are_fine = claims.options.as_ref().is_none_or(|options| {
            options.get().starts_with('{') && options.get().len() <= MOST_OPTIONS
        });
        if !options_are_fine {
            return Err(AuthError::new(AuthErrorKind::Claims));
        }
        if let Some(name) = &claims.name {
            RoomId::new(name).map_err(bad_name)?; // the rules for names to show are those for names
        }
        Ok(Self {
            user: UserId::new(claims.sub).map_err(bad_name)?,
            name: claims.name.map(Arc::from),
            room: RoomId::new(room).map_err(bad_name)?,
            session: SessionId::new(session).map_err(bad_name)?,
            role: claims.role.unwrap_or(Role::Player),
            game: claims.game,
            options: claims.options,
        })
    }
}
