//! Guests: anyone may have a token under a name, and nobody can have somebody else's.

use super::{AuthError, AuthErrorKind, login::Login, word};
use crate::ids::UserId;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The most bytes a guest's name may have: the suffix must fit behind it.
const MOST_NAME: usize = 64;

/// What a guest asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct GuestRequest {
    pub(crate) name: String,
    pub(crate) room: String,
    pub(crate) game: Option<String>,
    pub(crate) options: Option<Box<RawValue>>,
}

impl GuestRequest {
    /// Makes a new user of a guest: the name with a random suffix.
    pub(crate) fn login(self) -> Result<Login, AuthError> {
        let name = self.name.trim();
        if name.len() > MOST_NAME || UserId::new(name).is_err() {
            return Err(AuthErrorKind::GuestName.into());
        }
        let mut login = Login::new(format!("{name}-{}", word(10)), self.room).name(name);
        if let Some(game) = self.game {
            login = login.game(game);
        }
        if let Some(options) = self.options {
            login = login.options(options);
        }
        Ok(login)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(name: &str) -> Result<Login, AuthError> {
        let room = "r".to_owned();
        let name = name.to_owned();
        GuestRequest {
            name,
            room,
            game: None,
            options: None,
        }
        .login()
    }

    #[test]
    fn two_guests_of_one_name_are_two_users() {
        let (one, two) = (guest(" Ann ").unwrap(), guest("Ann").unwrap());
        assert_ne!(one.user, two.user);
        assert!(one.user.starts_with("Ann-") && two.user.starts_with("Ann-"));
        assert_eq!(one.name.as_deref(), Some("Ann"));
    }

    #[test]
    fn a_guest_without_a_fit_name_is_refused() {
        for name in ["", "  ", "@server", "a\0b", &"x".repeat(65)] {
            assert!(guest(name).is_err(), "{name:?}");
        }
    }
}
