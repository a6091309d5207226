//! What a room knows of a user besides its id.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a room knows of a user: set with [`Room::set_metadata`](crate::Room::set_metadata).
///
/// `name` and `avatar` are shown to everyone, in `welcome` and `presence`; `custom` is for the game.
/// What players choose for themselves is for the game to check: its length, its characters, where an
/// address leads. [In the guide](crate::docs::rooms#who-is-here) a player chooses a name.
///
/// ```
/// use tapaculo::game::Metadata;
///
/// let alice = Metadata {
///     custom: serde_json::json!({"level": 10, "team": "red"}),
///     ..Metadata::named("Alice")
/// };
/// assert_eq!(alice.name.as_deref(), Some("Alice"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The name to show; without one, or an empty one, the token's.
    pub name: Option<String>,
    /// The picture to show: its address, or a word for which the page has one.
    pub avatar: Option<String>,
    /// Whatever the game wants to remember.
    pub custom: Value,
}

impl Metadata {
    /// Only a name to show.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }
}
