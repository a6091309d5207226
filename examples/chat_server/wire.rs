//! What goes out to everybody in the room.

use crate::{
    person::Look,
    text::{LONGEST_TEXT, Text},
};
use serde::Serialize;
use std::fmt;
use tapaculo::prelude::*;

/// What the server tells everybody in the room.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(crate) enum ChatEvent {
    /// A message. It is named by the number of this event until it is edited.
    Said { by: Look, at: Timestamp, text: Text },
    /// The message whose first event had the number `id`, as it is now: all of it, since newcomers
    /// are told nothing of what it was. From here on it is named by the number of this event.
    Edited {
        id: u64,
        by: Look,
        at: Timestamp,
        text: Text,
    },
    /// Somebody has come, or looks different now.
    Looks(Person),
    /// Somebody is typing, or not any more. Volatile: an end may get lost, so a page gives up waiting
    /// for it after a few seconds.
    Typing { user: UserId, active: bool },
}

/// Somebody in the room.
#[derive(Debug, Serialize)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    #[serde(flatten)]
    pub(crate) look: Look,
}

/// The view: who is here. What was said comes with the history.
#[derive(Debug, Serialize)]
pub(crate) struct ChatView {
    pub(crate) people: Vec<Person>,
    longest_text: usize,
}

impl FromIterator<Person> for ChatView {
    fn from_iter<T: IntoIterator<Item = Person>>(people: T) -> Self {
        Self {
            people: people.into_iter().collect(),
            longest_text: LONGEST_TEXT,
        }
    }
}

/// Why a message was refused, as its sender is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NotYours,
    Gone,
    NotHere,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotYours => "this message is somebody else's",
            Self::Gone => "this message can't be changed any more",
            Self::NotHere => "you are not in this room any more",
        })
    }
}
