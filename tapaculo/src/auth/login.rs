//! Who somebody is, where it may go, and what else its tokens say.

use super::claims::Grant;
use crate::ids::Role;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::time::Duration;

/// How long an access token is good unless told.
const TTL: Duration = Duration::from_secs(60 * 60);

/// A user who may enter a room, and all that its token says of that.
///
/// ```
/// use std::time::Duration;
/// use tapaculo::{JwtAuth, Login, Role};
///
/// let auth = JwtAuth::new("a secret of at least thirty-two bytes");
/// let login = Login::new("user-4711", "table 1")
///     .name("Alice")
///     .role(Role::Spectator)
///     .game("chess")
///     .options(serde_json::json!({"clock": {"minutes": 5}}))
///     .ttl(Duration::from_secs(600));
/// let token = auth.sign_login(login)?;
/// # assert_eq!(token.split('.').count(), 3);
/// # Ok::<(), tapaculo::AuthError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a login does nothing until it is signed"]
pub struct Login {
    pub(super) user: String,
    pub(super) room: String,
    pub(super) session: String,
    pub(super) name: Option<String>,
    pub(super) role: Option<Role>,
    pub(super) game: Option<String>,
    pub(super) options: Option<Box<RawValue>>,
    pub(super) ttl: Duration,
}

impl Login {
    /// A user in a room: as a player, with a session of its own, in any game, for an hour.
    pub fn new(user: impl Into<String>, room: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            room: room.into(),
            session: super::word(20),
            name: None,
            role: None,
            game: None,
            options: None,
            ttl: TTL,
        }
    }

    /// The session: names one login of the user, one page or one device. Without it, it is a
    /// random word; give the same one to those who come back.
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = session.into();
        self
    }

    /// The name to show; 1 to 128 bytes without control characters.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the user is in the room for; [`Role::Spectator`] to only watch.
    pub fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// The only game that the token is good for.
    pub fn game(mut self, game: impl Into<String>) -> Self {
        self.game = Some(game.into());
        self
    }

    /// What the room is made with, if the user is the first: an object of at most 1 KiB, for the
    /// game's `#[create]`.
    pub fn options(mut self, options: impl Serialize) -> Self {
        // What can't be said in JSON is no object, and fails as such when it is signed.
        self.options = Some(to_raw_value(&options).unwrap_or_else(|_| RawValue::NULL.to_owned()));
        self
    }

    /// How long the access token is good; rounded up to whole seconds.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// What a refresh token remembers of it.
    pub(super) fn grant(&self) -> Grant {
        Grant {
            room: self.room.clone(),
            session: self.session.clone(),
            role: self.role,
            game: self.game.clone(),
            options: self.options.clone(),
            name: self.name.clone(),
            ttl: (self.ttl.as_secs()).saturating_add((self.ttl.subsec_nanos() > 0).into()),
        }
    }

    /// The login that a refresh token remembers.
    pub(super) fn again(user: String, grant: Grant) -> Self {
        Self {
            user,
            room: grant.room,
            session: grant.session,
            name: grant.name,
            role: grant.role,
            game: grant.game,
            options: grant.options,
            ttl: Duration::from_secs(grant.ttl),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_token_may_be_good_for_ever_and_so_may_the_next() {
        let login = Login::new("alice", "r").ttl(Duration::MAX);
        assert_eq!(login.grant().ttl, u64::MAX);
        let login = login.ttl(Duration::from_millis(1500));
        assert_eq!(login.grant().ttl, 2);
    }
}
