//! The codecs of the protocol, as others than the server have them.

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

/// How frames stand on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// `tapaculo.v1.json`, and what a bare connection has.
    #[default]
    Json,
    /// `tapaculo.v1.msgpack`.
    MessagePack,
}

impl Codec {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// The subprotocol with all frames in this codec.
    #[must_use]
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Json => "tapaculo.v1.json",
            Self::MessagePack => "tapaculo.v1.msgpack",
        }
    }

    /// A frame as it is sent.
    ///
    /// # Panics
    /// Never: every JSON value can be said.
    #[must_use]
    pub fn encode(self, frame: &Value) -> Message {
        match self {
            Self::Json => Message::text(frame.to_string()),
            Self::MessagePack => {
                let bytes = rmp_serde::to_vec(frame).expect("it can say all that JSON can");
                Message::binary(bytes)
            }
        }
    }

    /// A frame as it was sent.
    ///
    /// # Panics
    /// If it is not of this codec.
    #[must_use]
    pub fn decode(self, message: &Message) -> Value {
        match (self, message) {
            (Self::Json, Message::Text(text)) => {
                serde_json::from_str(text).expect("frames are JSON")
            }
            (Self::MessagePack, Message::Binary(bytes)) => {
                let frame = unpacked(bytes);
                assert!(frame.is_object(), "a map: {frame}");
                frame
            }
            _ => panic!("a connection of {self:?} is told {message:?}"),
        }
    }
}

/// The one value that these bytes are in MessagePack.
///
/// # Panics
/// If they are none, or more than one.
#[must_use]
pub fn unpacked(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = rmp_serde::from_read(&mut rest).expect("MessagePack");
    assert!(rest.is_empty(), "{rest:x?} comes after {value}");
    value
}
