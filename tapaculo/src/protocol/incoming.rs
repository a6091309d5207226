//! What a client says: one frame, taken apart but for the game's own message.

use super::json;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, num::NonZeroU64};

/// A frame from a client.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// `{"data": M, "id"?, "from"?}`
    Message {
        data: &'a RawValue,
        id: Option<u64>,
        from: Option<Cow<'a, str>>,
    },
    /// `{"ping": 3}`
    Ping(serde_json::Number),
    /// `{"token": "…"}`
    Token(Token<'a>),
}

/// A token that is to take the place of the connection's own; never printed.
pub(crate) struct Token<'a>(pub(crate) Cow<'a, str>);

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A text that is not a frame of the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Incorrect {
    pub(crate) why: String,
    /// The frame's id, where it has a readable one.
    pub(crate) id: Option<u64>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    /// Not an `Option` of serde's: `null` is a message, though never a good one.
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    id: Option<NonZeroU64>,
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    ping: Option<serde_json::Number>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
}

/// What a text that is no frame may still have, so that its sender learns what became of it.
#[derive(Default, Deserialize)]
struct OnlyId {
    id: Option<NonZeroU64>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Incoming<'a> {
    /// The id of a frame that is not looked at further, where it has a readable one.
    pub(crate) fn id_of(text: &str) -> Option<u64> {
        let OnlyId { id } = serde_json::from_str(text).unwrap_or_default();
        id.map(NonZeroU64::get)
    }

    /// Takes a text frame apart.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Incorrect> {
        let incorrect = |why: String, id| Incorrect { why, id };
        // Whatever is wrong with it, its sender is to learn what became of its id.
        let id = || Self::id_of(text);
        json::check(text).map_err(|why| incorrect(format!("not a frame: {why}"), id()))?;
        if !text.trim_start().starts_with('{') {
            // serde would take an array for the struct's fields in order.
            return Err(incorrect("a frame is an object".to_owned(), None));
        }
        let frame: Frame<'a> =
            serde_json::from_str(text).map_err(|e| incorrect(format!("not a frame: {e}"), id()))?;
        let id = frame.id.map(NonZeroU64::get);
        match (frame.data, frame.ping, frame.token) {
            (Some(data), ..) => Ok(Self::Message {
                data,
                id,
                from: frame.from,
            }),
            (None, Some(ping), _) => Ok(Self::Ping(ping)),
            (None, None, Some(token)) => Ok(Self::Token(Token(token))),
            (None, None, None) => Err(incorrect(
                "a frame has `data`, `ping` or `token`: a message goes into `data`, as in \
                 `{\"data\": {\"type\": …}}`"
                    .to_owned(),
                id,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_data_and_perhaps_an_id_and_a_sender() {
        let text = r#"{"from": "alice", "data": {"type": "Move"}, "id": 7, "extra": [1]}"#;
        let Ok(Incoming::Message { data, id, from }) = Incoming::parse(text) else {
            panic!("not a message");
        };
        assert_eq!(data.get(), r#"{"type": "Move"}"#);
        assert_eq!(id, Some(7));
        assert_eq!(from.as_deref(), Some("alice"));
    }

    #[test]
    fn null_is_a_message_and_no_data_is_none() {
        assert!(matches!(
            Incoming::parse(r#"{"data": null}"#),
            Ok(Incoming::Message { data, .. }) if data.get() == "null"
        ));
        for bad in [
            r#"{"id": 3}"#,
            r#"{"data": 1, "from": 5, "id": 3}"#,
            r#"{"ping": "x", "id": 3}"#,
            r#"{"data": {"a": 1, "a": 2}, "id": 3}"#,
        ] {
            assert_eq!(Incoming::parse(bad).unwrap_err().id, Some(3), "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_frame_is_refused() {
        for bad in [
            "",
            "[]",
            "7",
            "{}",
            r#"[{"data": 1}]"#,
            r#"{"data": 1, "id": 0}"#,
            r#"{"data": 1, "id": -1}"#,
            r#"{"data": 1, "id": 1.5}"#,
            r#"{"data": 1, "id": "1"}"#,
            r#"{"data": 1, "id": 18446744073709551616}"#,
            r#"{"data": 1, "from": 5}"#,
            r#"{"data": 1, "data": 2}"#,
            r#"{"ping": "x"}"#,
        ] {
            assert!(Incoming::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_ping_is_answered_with_its_number() {
        assert!(matches!(
            Incoming::parse(r#"{"ping": 3}"#),
            Ok(Incoming::Ping(n)) if n.as_u64() == Some(3)
        ));
    }

    #[test]
    fn a_fresh_token_is_taken_and_never_printed() {
        let frame = Incoming::parse(r#"{"token": "a.b.c", "id": 7}"#).unwrap();
        assert!(!format!("{frame:?}").contains("a.b"), "{frame:?}");
        assert!(matches!(frame, Incoming::Token(token) if token.0 == "a.b.c"));
        assert!(Incoming::parse(r#"{"token": 7}"#).is_err());
    }
}
