//! A message on its way in: the tag first, then that message's fields from the same bytes.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// A message whose `type` has been read, and whose fields have not.
#[derive(Debug)]
pub struct RawMessage<'a> {
    tag: Cow<'a, str>,
    json: &'a str,
}

/// A text that is not a message of the game; displays as what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadMessage(String);

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadMessage {}

/// All that the first step reads.
#[derive(Deserialize)]
struct Tagged<'a> {
    #[serde(borrow, rename = "type")]
    tag: Cow<'a, str>,
}

impl<'a> RawMessage<'a> {
    /// Reads the `type` of a message.
    ///
    /// # Errors
    /// If it is not an object with a `type`, or that is not text; `names` are the game's
    /// messages, for the words.
    pub fn parse(json: &'a RawValue, names: &[&str]) -> Result<Self, BadMessage> {
        let json = json.get();
        if !json.starts_with('{') {
            return Err(BadMessage(format!(
                "a message is an object with a `type`; {}",
                expected(names)
            )));
        }
        match serde_json::from_str::<Tagged<'a>>(json) {
            Ok(Tagged { tag }) => Ok(Self { tag, json }),
            Err(e) => Err(BadMessage(format!(
                "the message's `type`: {}; {}",
                without_position(&e.to_string()),
                expected(names)
            ))),
        }
    }

    /// The `type`.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Reads the fields; keys that are not among them are ignored.
    ///
    /// # Errors
    /// If one is missing or wrong: it is named.
    pub fn fields<T: Deserialize<'a>>(&self) -> Result<T, BadMessage> {
        read(self.json, &format!("`{}`", self.tag))
    }

    /// The answer to a message that the game does not have.
    #[must_use]
    pub fn unknown(&self, names: &[&str]) -> BadMessage {
        let near = names
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, &self.shortened()), name))
            .min()
            .filter(|(distance, name)| *distance <= name.len().div_ceil(3));
        let hint = near.map_or_else(String::new, |(_, name)| {
            format!("; did you mean `{name}`? ")
        });
        let glue = if hint.is_empty() { "; " } else { "" };
        BadMessage(format!(
            "no message `{}`{hint}{glue}{}",
            self.shortened(),
            expected(names)
        ))
    }

    /// The tag, cut where it is longer than any sensible name: it is echoed and compared.
    fn shortened(&self) -> String {
        const MOST: usize = 64;
        if self.tag.chars().nth(MOST).is_none() {
            return self.tag.to_string();
        }
        self.tag.chars().take(MOST).chain(['…']).collect()
    }
}

/// Reads a value of a message; `what` it is, for the words.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a str, what: &str) -> Result<T, BadMessage> {
    // Paths are tracked only on the second try, which is made only for its words.
    serde_json::from_str(json).or_else(|_| {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|e| {
            let words = e.inner().to_string();
            let words = without_position(&words);
            match e.path().to_string().as_str() {
                "." => BadMessage(format!("{what}: {words}")),
                path => BadMessage(format!("`{path}` of {what}: {words}")),
            }
        })
    })
}

fn expected(names: &[&str]) -> String {
    match names {
        [] => "this game has no messages".to_owned(),
        [only] => format!("expected `{only}`"),
        _ => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("expected one of: {}", names.join(", "))
        }
    }
}

/// `serde_json` adds where in the text it stopped, which says nothing about a part of a frame.
pub(super) fn without_position(words: &str) -> &str {
    words
        .rsplit_once(" at line ")
        .map_or(words, |(words, _)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["Move", "Resign", "OfferDraw", "AcceptDraw", "DeclineDraw"];

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn an_unknown_message_is_answered_with_the_names_that_exist() {
        let json = raw(r#"{"type": "Mvoe"}"#);
        let error = RawMessage::parse(&json, NAMES).unwrap().unknown(NAMES);
        assert_eq!(
            error.to_string(),
            "no message `Mvoe`; did you mean `Move`? expected one of: `Move`, `Resign`, \
             `OfferDraw`, `AcceptDraw`, `DeclineDraw`"
        );
        let json = raw(r#"{"type": "Castle"}"#);
        let error = RawMessage::parse(&json, NAMES).unwrap().unknown(NAMES);
        assert_eq!(
            error.to_string(),
            "no message `Castle`; expected one of: `Move`, `Resign`, `OfferDraw`, `AcceptDraw`, \
             `DeclineDraw`"
        );
    }

    #[test]
    fn a_wrong_field_is_named() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "read by serde")]
        struct Fields {
            from: String,
            path: Vec<u8>,
        }
        for (json, words) in [
            (
                r#"{"type": "Move", "path": []}"#,
                "`Move`: missing field `from`",
            ),
            (
                r#"{"type": "Move", "from": 5, "path": []}"#,
                "`from` of `Move`: invalid type: integer `5`, expected a string",
            ),
            (
                r#"{"type": "Move", "from": "e2", "path": [1, 256]}"#,
                "`path[1]` of `Move`: invalid value: integer `256`, expected u8",
            ),
        ] {
            let json = raw(json);
            let message = RawMessage::parse(&json, NAMES).unwrap();
            assert_eq!(message.fields::<Fields>().unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn a_message_without_a_type_is_told_what_messages_there_are() {
        for json in ["null", "[]", "7", "\"Move\"", "{}", r#"{"type": 5}"#] {
            let json = raw(json);
            let error = RawMessage::parse(&json, NAMES).unwrap_err().to_string();
            assert!(error.contains("expected one of: `Move`"), "{error}");
        }
    }
}
