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
        if name.len() > MOST_NAME || UserId::new(name).is_err() || !is_fit_to_show(name) {
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

/// Whether others may be shown a name that anyone has chosen: there is something to see, and it does
/// not turn the direction of what stands around it.
fn is_fit_to_show(name: &str) -> bool {
    name.chars().any(|letter| !is_unseen(letter)) && !name.contains(is_turning)
}

/// Unicode's controls of direction (UAX #9).
fn is_turning(letter: char) -> bool {
    matches!(letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What has no shape of its own: Unicode's default ignorable code points (UAX #44), spaces, and the
/// empty pattern of Braille. Some of them join or vary the letters beside them, and have their place
/// in a name.
fn is_unseen(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
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
        // Nothing to see, and a name that is read from its end.
        for name in [
            "\u{200b}",
            "\u{3164} \u{2800}",
            "\u{202e}nnA",
            "Ann\u{2066}",
        ] {
            assert!(guest(name).is_err(), "{name:?}");
        }
        for name in ["Zoë", "שלום", "क्\u{200d}ष", "👩\u{200d}🚀", "x\u{fe0f}"] {
            assert!(guest(name).is_ok(), "{name:?}");
        }
    }
}
