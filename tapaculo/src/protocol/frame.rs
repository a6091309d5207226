//! What the server says: each frame is encoded once in each codec, however many receive it.

use super::{ErrorCode, msgpack};
use crate::ids::{Role, Seat, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

/// The number of an event in its room, from 1; 0 is "before the first".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub(crate) struct Seq(pub(crate) u64);

impl Seq {
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Which frames a connection gets, and in which codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// No subprotocol: JSON without `welcome`, `synced` and `presence`.
    Plain,
    /// `tapaculo.v1.json`.
    Json,
    /// `tapaculo.v1.msgpack`.
    MessagePack,
}

/// A frame, ready to be sent to any number of connections, which share it.
#[derive(Clone, Debug)]
pub(crate) struct Encoded(Arc<Frame>);

#[derive(Debug)]
struct Frame {
    text: Utf8Bytes,
    /// The same in MessagePack, once a connection has asked for it; boxed, for most are never
    /// asked.
    binary: OnceLock<Box<Bytes>>,
    /// Whether it is among the frames that plain connections get.
    plain: bool,
}

impl Encoded {
    fn new(text: Utf8Bytes, plain: bool) -> Self {
        Self(Arc::new(Frame {
            text,
            binary: OnceLock::new(),
            plain,
        }))
    }

    /// Whether connections of this dialect get it.
    pub(crate) fn is_for(&self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::Json | Dialect::MessagePack => true,
            Dialect::Plain => self.0.plain,
        }
    }

    /// The frame for a connection of this dialect; `None` if it has no such frame.
    pub(crate) fn for_dialect(&self, dialect: Dialect) -> Option<Outgoing> {
        self.is_for(dialect).then(|| match dialect {
            Dialect::Plain | Dialect::Json => Outgoing::Text(self.0.text.clone()),
            Dialect::MessagePack => Outgoing::Binary(self.clone()),
        })
    }

    /// How long it is in JSON, which is what is counted of it everywhere; in MessagePack it has at
    /// most 9/4 of that (a float of three digits and a comma), and mostly less.
    pub(crate) fn len(&self) -> usize {
        self.0.text.as_str().len()
    }

    /// The frame in MessagePack, the same bytes for all who ask.
    fn binary(&self) -> Bytes {
        let transcode = || Box::new(msgpack::from_json(&self.0.text).into());
        Bytes::clone(self.0.binary.get_or_init(transcode))
    }

    /// What stands where an event was that is to be forgotten; sent to nobody.
    pub(crate) fn nothing() -> Self {
        Self::new(Utf8Bytes::default(), false)
    }

    /// The `data` of an event.
    pub(crate) fn event_data(&self) -> Option<serde_json::Value> {
        #[derive(serde::Deserialize)]
        struct Frame {
            data: serde_json::Value,
        }
        let frame: Frame = serde_json::from_str(&self.0.text).ok()?;
        Some(frame.data)
    }
}

/// For stores and other nodes: its text, and whether plain connections get it.
impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.text.as_str(), self.0.plain).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, plain) = <(String, bool)>::deserialize(deserializer)?;
        Ok(Self::new(text.into(), plain))
    }
}

/// A frame on its way to one connection.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Text(Utf8Bytes),
    /// MessagePack, which is made when it is sent: never under a lock that others wait for.
    Binary(Encoded),
}

impl Outgoing {
    /// The frame in JSON, whatever it is sent in.
    pub(crate) fn as_json(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Binary(frame) => &frame.0.text,
        }
    }
}

impl From<Outgoing> for Message {
    fn from(frame: Outgoing) -> Self {
        match frame {
            Outgoing::Text(text) => Self::Text(text),
            Outgoing::Binary(frame) => Self::Binary(frame.binary()),
        }
    }
}

/// Whose message caused an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    User(UserId),
    /// A hook, a timer or a tick: `"@server"`.
    Server,
}

impl Serialize for Author {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::User(user) => user.as_str(),
            Self::Server => "@server",
        })
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "@server" {
            return Ok(Self::Server);
        }
        let user = UserId::try_from(text).map_err(serde::de::Error::custom)?;
        Ok(Self::User(user))
    }
}

/// One member, as `welcome` lists it.
#[derive(Debug, Serialize)]
pub(crate) struct MemberInfo<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) seat: Option<Seat>,
    pub(crate) role: Role,
    pub(crate) connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) avatar: Option<&'a str>,
}

/// The first frame of a connection.
#[derive(Debug, Serialize)]
pub(crate) struct Welcome<'a> {
    pub(crate) protocol: u32,
    pub(crate) game: &'a str,
    pub(crate) room: &'a str,
    pub(crate) user: &'a UserId,
    pub(crate) session: &'a str,
    pub(crate) role: Role,
    pub(crate) seat: Option<Seat>,
    pub(crate) epoch: &'a str,
    pub(crate) resumed: bool,
    pub(crate) acked: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in_ms: Option<u128>,
    pub(crate) members: Vec<MemberInfo<'a>>,
}

/// What happened to somebody's membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moved {
    Joined,
    Disconnected,
    Reconnected,
    /// Another name or avatar is to be shown for it.
    Changed,
    Left,
}

/// The body of a `presence` frame.
#[derive(Debug, Serialize)]
pub(crate) struct Presence<'a> {
    pub(crate) event: Moved,
    pub(crate) user: &'a UserId,
    pub(crate) seat: Option<Seat>,
    pub(crate) role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) avatar: Option<&'a str>,
}

/// The answer to a message that was handled.
#[derive(Debug, Serialize)]
pub(crate) struct Ack<'a> {
    pub(crate) ack: u64,
    pub(crate) seq: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply: Option<&'a RawValue>,
}

/// The frames, one function each.
pub(crate) mod frames {
    use super::{
        Ack, Author, Duration, Encoded, ErrorCode, Presence, RawValue, Seq, Serialize, Utf8Bytes,
        Welcome,
    };
    use crate::metrics;

    fn encode<T: Serialize>(frame: &T, plain: bool) -> Encoded {
        let text = serde_json::to_string(frame)
            .expect("frames have string keys and values that were encoded before");
        Encoded::new(Utf8Bytes::from(text), plain)
    }

    pub(crate) fn welcome(welcome: &Welcome<'_>) -> Encoded {
        #[derive(Serialize)]
        struct Frame<'a> {
            welcome: &'a Welcome<'a>,
        }
        encode(&Frame { welcome }, false)
    }

    pub(crate) fn state(state: &RawValue, seq: Seq) -> Encoded {
        #[derive(Serialize)]
        struct Frame<'a> {
            state: &'a RawValue,
            seq: Seq,
        }
        encode(&Frame { state, seq }, true)
    }

    pub(crate) fn event(seq: Seq, from: &Author, data: &RawValue) -> Encoded {
        #[derive(Serialize)]
        struct Frame<'a> {
            seq: Seq,
            from: &'a Author,
            data: &'a RawValue,
        }
        encode(&Frame { seq, from, data }, true)
    }

    /// An event without a number, which nobody keeps.
    pub(crate) fn volatile(from: &Author, data: &RawValue) -> Encoded {
        #[derive(Serialize)]
        struct Frame<'a> {
            from: &'a Author,
            data: &'a RawValue,
        }
        encode(&Frame { from, data }, true)
    }

    pub(crate) fn redacted(redacted: Seq) -> Encoded {
        #[derive(Serialize)]
        struct Frame {
            redacted: Seq,
        }
        encode(&Frame { redacted }, true)
    }

    pub(crate) fn synced(synced: Seq) -> Encoded {
        #[derive(Serialize)]
        struct Frame {
            synced: Seq,
        }
        encode(&Frame { synced }, false)
    }

    pub(crate) fn ack(ack: &Ack<'_>) -> Encoded {
        encode(ack, true)
    }

    pub(crate) fn error(code: ErrorCode, message: &str, id: Option<u64>) -> Encoded {
        error_for_now(code, message, id, None)
    }

    /// An error that may be over after a while.
    pub(crate) fn error_for_now(
        code: ErrorCode,
        message: &str,
        id: Option<u64>,
        retry_after: Option<Duration>,
    ) -> Encoded {
        #[derive(Serialize)]
        struct Body<'a> {
            code: ErrorCode,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after_ms: Option<u128>,
        }
        #[derive(Serialize)]
        struct Frame<'a> {
            error: Body<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<u64>,
        }
        metrics::refused(code);
        let error = Body {
            code,
            message,
            retry_after_ms: retry_after.map(|time| time.as_millis()),
        };
        encode(&Frame { error, id }, true)
    }

    pub(crate) fn presence(presence: &Presence<'_>) -> Encoded {
        #[derive(Serialize)]
        struct Frame<'a> {
            presence: &'a Presence<'a>,
        }
        encode(&Frame { presence }, false)
    }

    /// The connection may stay by its new token, which expires after this time.
    pub(crate) fn renewed(expires_in: Duration) -> Encoded {
        #[derive(Serialize)]
        struct Renewed {
            expires_in_ms: u128,
        }
        #[derive(Serialize)]
        struct Frame {
            renewed: Renewed,
        }
        let expires_in_ms = expires_in.as_millis();
        encode(
            &Frame {
                renewed: Renewed { expires_in_ms },
            },
            true,
        )
    }

    pub(crate) fn pong(pong: &serde_json::Number) -> Encoded {
        #[derive(Serialize)]
        struct Frame<'a> {
            pong: &'a serde_json::Number,
        }
        encode(&Frame { pong }, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Encoded {
        let data = RawValue::from_string(r#"{"type":"Said","text":"hi"}"#.to_owned()).unwrap();
        frames::event(Seq(17), &Author::Server, &data)
    }

    fn sent(frame: &Encoded, dialect: Dialect) -> Option<Message> {
        frame.for_dialect(dialect).map(Message::from)
    }

    #[test]
    fn each_dialect_has_its_frames() {
        let event = event();
        let synced = frames::synced(Seq(17));
        let text = r#"{"seq":17,"from":"@server","data":{"type":"Said","text":"hi"}}"#;
        assert_eq!(sent(&event, Dialect::Plain), Some(Message::text(text)));
        assert_eq!(sent(&event, Dialect::Json), Some(Message::text(text)));
        assert_eq!(sent(&synced, Dialect::Plain), None);
        let binary = Message::binary(&b"\x81\xa6synced\x11"[..]);
        assert_eq!(sent(&synced, Dialect::MessagePack), Some(binary));
        for dialect in [Dialect::Plain, Dialect::Json, Dialect::MessagePack] {
            assert_eq!(synced.is_for(dialect), sent(&synced, dialect).is_some());
        }
    }

    #[test]
    fn a_frame_is_transcoded_once_and_only_if_somebody_asks_for_it() {
        let frame = event();
        let copies = vec![frame.clone(); 100];
        assert!(sent(&copies[0], Dialect::Json).is_some());
        let waiting = copies[1].for_dialect(Dialect::MessagePack).unwrap();
        assert!(frame.0.binary.get().is_none(), "nobody has sent it");
        let first = Message::from(waiting).into_data();
        let threads = copies.into_iter().map(|copy| {
            std::thread::spawn(move || sent(&copy, Dialect::MessagePack).unwrap().into_data())
        });
        for thread in threads {
            let bytes = thread.join().unwrap();
            assert_eq!(bytes.as_ptr(), first.as_ptr(), "they are the same bytes");
        }
    }

    #[test]
    fn what_waits_for_a_connection_is_small() {
        assert_eq!(size_of::<Encoded>(), size_of::<usize>());
        assert!(size_of::<Frame>() <= 56);
        assert!(size_of::<Outgoing>() <= 32);
    }
}
