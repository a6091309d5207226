//! Guests: anyone may have a token under a name, and nobody can have somebody else's.

use super::{AuthError, AuthErrorKind, JwtAuth, claims::Claims};
use crate::ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How long a guest's access token is good for: an hour.
const ACCESS_SECS: u64 = 60 * 60;

/// How long a guest may come back for a new one: thirty days.
const REFRESH_SECS: u64 = 30 * 24 * 60 * 60;

/// The most bytes a guest's name may have: the suffix must fit behind it.
const MOST_NAME: usize = 64;

/// What a guest asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct GuestRequest {
    pub(crate) name: String,
    pub(crate) room: String,
    pub(crate) options: Option<Box<RawValue>>,
}

/// What a guest gets.
#[derive(Serialize)]
pub(crate) struct Guest {
    user: String,
    token: String,
    refresh_token: String,
}

impl JwtAuth {
    /// Makes a new user of a guest: the name with a random suffix.
    pub(crate) fn admit_guest(&self, request: GuestRequest) -> Result<Guest, AuthError> {
        let name = request.name.trim();
        if name.len() > MOST_NAME || UserId::new(name).is_err() {
            return Err(AuthError::new(AuthErrorKind::GuestName));
        }
        let user = format!("{name}-{}", word(10));
        let mut claims = Claims::access(user.clone(), request.room, word(20), ACCESS_SECS);
        claims.name = Some(name.to_owned());
        claims.options = request.options;
        Ok(Guest {
            token: self.sign(&claims)?,
            refresh_token: self.sign_refresh(user.clone(), REFRESH_SECS)?,
            user,
        })
    }
}

/// A random word of so many characters, five bits each; without the ones that look alike.
pub(crate) fn word(characters: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let pick = |_| char::from(ALPHABET[usize::from(rand::random::<u8>() % 32)]);
    (0..characters).map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(name: &str) -> Result<Guest, AuthError> {
        JwtAuth::new("secret").admit_guest(GuestRequest {
            name: name.to_owned(),
            room: "r".to_owned(),
            options: None,
        })
    }

    #[test]
    fn two_guests_of_one_name_are_two_users() {
        let (one, two) = (guest(" Ann ").unwrap(), guest("Ann").unwrap());
        assert_ne!(one.user, two.user);
        assert!(one.user.starts_with("Ann-") && two.user.starts_with("Ann-"));
        let access = JwtAuth::new("secret").access(&one.token, "chess").unwrap();
        assert_eq!(access.user, *one.user);
        assert_eq!(access.name.as_deref(), Some("Ann"));
    }

    #[test]
    fn a_guest_without_a_fit_name_is_refused() {
        for name in ["", "  ", "@server", "a\0b", &"x".repeat(65)] {
            assert!(guest(name).is_err(), "{name:?}");
        }
    }
}
