//! How somebody looks to the others: a name, a colour, a picture.

use crate::text::Name;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tapaculo::prelude::*;

/// How somebody looks to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Look {
    pub(crate) name: Name,
    pub(crate) color: Color,
    pub(crate) avatar: Avatar,
}

/// Colours are from a palette, so that each can be read on light and dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Color {
    Teal,
    Violet,
    Orange,
    Blue,
    Pink,
    Green,
    Gold,
    Red,
}

/// Pictures are from a palette, too, and the page draws them. The address of a picture would have the
/// browser of everyone in the room fetch it from a stranger, who then knows who is here, and may
/// change what they see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Avatar {
    /// The first letters of the name.
    #[default]
    Initials,
    Star,
    Heart,
    Moon,
    Sun,
    Bolt,
    Leaf,
    Drop,
    Cloud,
    Mountain,
    Flower,
    Note,
}

impl Color {
    const ALL: [Self; 8] = [
        Self::Teal,
        Self::Violet,
        Self::Orange,
        Self::Blue,
        Self::Pink,
        Self::Green,
        Self::Gold,
        Self::Red,
    ];

    /// The one that the fewest of those who are here have.
    pub(crate) fn rarest<'a>(here: impl Iterator<Item = &'a Look> + Clone) -> Self {
        let [first, rest @ ..] = Self::ALL;
        let wearing = |color| here.clone().filter(|look| look.color == color).count();
        let rarer = |one, other| {
            if wearing(other) < wearing(one) {
                other
            } else {
                one
            }
        };
        rest.into_iter().fold(first, rarer)
    }
}

impl From<&Look> for Metadata {
    fn from(look: &Look) -> Self {
        Self {
            avatar: match look.avatar {
                Avatar::Initials => None,
                drawn => json!(drawn).as_str().map(str::to_owned),
            },
            custom: json!({ "color": look.color }),
            ..Self::named(look.name.as_str())
        }
    }
}
