//! The words for refusals and the numbers for goodbyes.

use serde::{Deserialize, Serialize, Serializer};
use std::{fmt, sync::Arc};

/// Why a message was refused: the `code` of an error frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorCode {
    /// Not a frame of the protocol.
    BadFrame,
    /// Not a message of the game.
    BadMessage,
    /// The frame claims another sender than the token's user.
    ForgedSender,
    /// A validator or handler said no.
    Rejected,
    /// The message is over the size limit.
    TooLarge,
    /// Too many messages in too short a time.
    RateLimited,
    /// The user is banned for a while.
    Banned,
    /// Spectators may not send this.
    Spectator,
    /// No seat is free.
    RoomFull,
    /// The token that was to take the place of the connection's own is not accepted.
    Unauthorized,
    /// The same id with another body.
    Conflict,
    /// The id is not above the highest one, and its answer is not kept.
    StaleId,
    /// The room can't be served right now.
    Unavailable,
    /// The game is at fault.
    Internal,
}

impl ErrorCode {
    /// The code as it stands in a frame.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BadFrame => "bad_frame",
            Self::BadMessage => "bad_message",
            Self::ForgedSender => "forged_sender",
            Self::Rejected => "rejected",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Banned => "banned",
            Self::Spectator => "spectator",
            Self::RoomFull => "room_full",
            Self::Unauthorized => "unauthorized",
            Self::Conflict => "conflict",
            Self::StaleId => "stale_id",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the server closes a connection: the code of the close frame (RFC 6455, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Close {
    /// 1007: text that is not UTF-8.
    InvalidData,
    /// 1002: not the WebSocket protocol.
    ProtocolError,
    /// 1009: a frame over the hard limit.
    TooLarge,
    /// 1011: the room's game failed.
    Internal,
    /// 1012: the server is restarting.
    Restarting,
    /// 1013: the room can't be served, try later.
    TryLater,
    /// 4001: the token was revoked.
    Revoked,
    /// 4002: the token has expired.
    Expired,
    /// 4003: the room is full, or does not admit this user.
    Refused,
    /// 4008: the user is banned for a while.
    Banned,
    /// 4009: a newer connection of the same user took over.
    Replaced,
    /// 4010: the game closed the room.
    RoomClosed,
    /// 4011: the game sent the member away.
    Kicked,
    /// 4108: the client reads too slowly.
    TooSlow,
    /// 4201: the room is on another node now; come back at once.
    Moved,
}

impl Close {
    /// The number in the close frame.
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::ProtocolError => 1002,
            Self::InvalidData => 1007,
            Self::TooLarge => 1009,
            Self::Internal => 1011,
            Self::Restarting => 1012,
            Self::TryLater => 1013,
            Self::Revoked => 4001,
            Self::Expired => 4002,
            Self::Refused => 4003,
            Self::Banned => 4008,
            Self::Replaced => 4009,
            Self::RoomClosed => 4010,
            Self::Kicked => 4011,
            Self::TooSlow => 4108,
            Self::Moved => 4201,
        }
    }

    /// The words in the close frame, unless the game has its own.
    const fn words(self) -> &'static str {
        match self {
            Self::ProtocolError => "not the WebSocket protocol",
            Self::InvalidData => "text that is not UTF-8",
            Self::TooLarge => "frame too large",
            Self::Internal => "the room failed",
            Self::Restarting => "the server is restarting",
            Self::TryLater => "the room can't be served now",
            Self::Revoked => "the token was revoked",
            Self::Expired => "the token has expired",
            Self::Refused => "room full or not allowed",
            Self::Banned => "banned",
            Self::Replaced => "replaced by a newer connection",
            Self::RoomClosed => "the room is closed",
            Self::Kicked => "kicked",
            Self::TooSlow => "too slow",
            Self::Moved => "the room has moved",
        }
    }
}

/// The most bytes of words in a close frame (RFC 6455, section 5.5: 125 with the code).
const MOST_WORDS: usize = 123;

/// Why a connection is closed, perhaps in the game's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Goodbye {
    pub(crate) close: Close,
    words: Option<Arc<str>>,
}

impl Goodbye {
    pub(crate) fn new(close: Close, words: Arc<str>) -> Self {
        let words = (!words.is_empty()).then_some(words);
        Self { close, words }
    }

    /// The words in the close frame: as many of them as there is room for.
    pub(crate) fn words(&self) -> &str {
        let words = self.words.as_deref().unwrap_or(self.close.words());
        let ends = words.char_indices().map(|(at, c)| at + c.len_utf8());
        let end = ends.take_while(|end| *end <= MOST_WORDS).last();
        &words[..end.unwrap_or(0)]
    }
}

impl From<Close> for Goodbye {
    fn from(close: Close) -> Self {
        Self { close, words: None }
    }
}
