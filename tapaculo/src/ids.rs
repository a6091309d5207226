//! Who is who: the names of rooms, users and sessions, checked once and cheap to clone; seats and
//! roles.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// The most bytes a name may have.
pub const MAX_BYTES: usize = 128;

/// Why a text can't be a user, room or session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidId {
    /// It has no characters.
    Empty,
    /// It has more than [`MAX_BYTES`] bytes.
    TooLong,
    /// It has a control character.
    Control,
    /// It is a user id that begins with `@`: those are the server's own.
    Reserved,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong => write!(f, "is longer than {MAX_BYTES} bytes"),
            Self::Control => f.write_str("has a control character"),
            Self::Reserved => f.write_str("begins with `@`, which is reserved"),
        }
    }
}

impl std::error::Error for InvalidId {}

fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        Err(InvalidId::Empty)
    } else if text.len() > MAX_BYTES {
        Err(InvalidId::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(InvalidId::Control)
    } else {
        Ok(())
    }
}

fn check_user(text: &str) -> Result<(), InvalidId> {
    check(text)?;
    if text.starts_with('@') {
        return Err(InvalidId::Reserved);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        ///
        /// 1 to 128 bytes of UTF-8 without control characters. Cloning is cheap.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            /// If it is empty, longer than 128 bytes, has control characters or is reserved.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                let text = text.as_ref();
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(|why| serde::de::Error::custom(format_args!("the name {why}")))
            }
        }
    };
}

id! {
    /// A user, as the token names it; ids that begin with `@` are the server's own.
    ///
    /// ```
    /// use tapaculo::{UserId, ids::InvalidId};
    ///
    /// let user = UserId::new("alice")?;
    /// assert_eq!(user, "alice"); // compares with text
    /// assert_eq!(UserId::new("@server"), Err(InvalidId::Reserved));
    /// # Ok::<(), InvalidId>(())
    /// ```
    UserId, check_user
}

id! {
    /// A room of a game.
    RoomId, check
}

id! {
    /// A login of a user, as its token names it.
    SessionId, check
}

/// A player's place in the room; the first to sit has seat 0.
///
/// ```
/// use tapaculo::Seat;
///
/// let scores = [3, 5]; // one for each seat
/// assert_eq!(scores[Seat::new(1).index()], 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seat(u32);

impl Seat {
    /// The seat with this number, counted from 0.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number, counted from 0: an index into what a game keeps for each player.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What somebody is in the room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Has a seat, and may send messages.
    Player,
    /// Watches.
    Spectator,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_1_to_128_bytes_without_control_characters() {
        assert_eq!(RoomId::new(""), Err(InvalidId::Empty));
        assert!(RoomId::new("a".repeat(128)).is_ok());
        assert_eq!(RoomId::new("a".repeat(129)), Err(InvalidId::TooLong));
        assert_eq!(RoomId::new("é".repeat(65)), Err(InvalidId::TooLong));
        for control in ["a\0", "a\n", "\u{7f}", "\u{85}"] {
            assert_eq!(RoomId::new(control), Err(InvalidId::Control));
        }
        for fine in ["a/b", "..", "%2e", "user:x", "日本", " "] {
            assert_eq!(
                RoomId::new(fine).map(|id| id.to_string()),
                Ok(fine.to_owned())
            );
        }
    }

    #[test]
    fn a_user_id_that_begins_with_an_at_sign_is_the_servers() {
        assert_eq!(UserId::new("@server"), Err(InvalidId::Reserved));
        assert!(SessionId::new("@server").is_ok());
        assert!(serde_json::from_str::<UserId>("\"@server\"").is_err());
    }
}
