//! What people write: texts and names, checked once, when they are read.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The most characters a message may have.
pub(crate) const LONGEST_TEXT: usize = 4_000;

/// The most characters a name may have.
const LONGEST_NAME: usize = 20;

/// The most accents above and below each other in a name: more would reach into the lines around it.
const MOST_ACCENTS: usize = 2;

/// What a message says: never blank, without the space around it. It is shown as text and nothing
/// else, so whatever it looks like is for the page to show safely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(String);

impl TryFrom<String> for Text {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        let is_control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
        if !shows_something(text) && !text.contains(is_control) {
            Err(Unfit::Blank("a message"))
        } else if text.chars().count() > LONGEST_TEXT {
            Err(Unfit::TooLong("a message", LONGEST_TEXT))
        } else if text.contains(is_control) {
            Err(Unfit::Hidden("a message"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// How somebody is called: one line of 1 to 20 characters that can all be seen. So it takes no room
/// that is not its own, and turns no text around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = Unfit;

    fn try_from(name: String) -> Result<Self, Unfit> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            Err(Unfit::Blank("a name"))
        } else if name.chars().count() > LONGEST_NAME {
            Err(Unfit::TooLong("a name", LONGEST_NAME))
        } else if name.contains(is_hidden) {
            Err(Unfit::Hidden("a name"))
        } else if !shows_something(&name) {
            Err(Unfit::Blank("a name"))
        } else if most_accents(&name) > MOST_ACCENTS {
            Err(Unfit::Accents)
        } else {
            Ok(Self(name))
        }
    }
}

/// Why a text or a name is none, as its sender is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Blank(&'static str),
    TooLong(&'static str, usize),
    Hidden(&'static str),
    Accents,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank(what) => write!(f, "{what} has something to read"),
            Self::TooLong(what, most) => write!(f, "{what} has at most {most} characters"),
            Self::Hidden(what) => write!(f, "{what} has no characters that can't be seen"),
            Self::Accents => write!(f, "a letter of a name has at most {MOST_ACCENTS} accents"),
        }
    }
}

/// Whether a character has no look of its own: controls, what turns the direction of writing, blanks
/// that pass for letters. The joiners are not among them: scripts and emoji need them.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether there is anything to see: joiners and what chooses between two looks of a letter have to
/// have letters beside them.
fn shows_something(text: &str) -> bool {
    let is_seen = |letter: char| {
        let depends = matches!(letter, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
        !letter.is_whitespace() && !is_hidden(letter) && !depends
    };
    text.contains(is_seen)
}

/// How many accents there are in a row, at most.
fn most_accents(text: &str) -> usize {
    let is_accent = |letter: char| {
        matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
    };
    let runs = text.split(|letter| !is_accent(letter));
    runs.map(|run| run.chars().count()).max().unwrap_or(0)
}
