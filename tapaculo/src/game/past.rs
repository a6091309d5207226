//! What a handler may read of its room as a whole: how full it is, and what was said.

use super::Member;
use crate::{
    clock::Timestamp,
    ids::UserId,
    log::Entry,
    protocol::{Author, Seq},
};
use serde::Serialize;
use serde_json::Value;

/// How full a room is: [`Room::info`](crate::Room::info).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Occupancy {
    /// How many players have a seat, connected or not.
    pub players: usize,
    /// How many watch.
    pub spectators: usize,
    /// How many seats there are; `None` is no limit.
    pub seats: Option<usize>,
    /// Whether the last seat is taken.
    pub is_full: bool,
    /// When the room was made.
    pub created: Timestamp,
}

/// Who is in a room, for those outside.
#[derive(Debug)]
pub(crate) struct Census {
    pub(crate) occupancy: Occupancy,
    /// In order of arrival, and whether each is connected.
    pub(crate) members: Vec<(Member, bool)>,
}

/// An event of the room's history: [`Room::history`](crate::Room::history).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PastEvent {
    /// Its number in the room, to redact it by.
    pub seq: u64,
    /// Whose message caused it; `None` for a hook, a timer or a tick.
    pub from: Option<UserId>,
    /// When it was said.
    pub at: Timestamp,
    /// The event, as it went out.
    pub data: Value,
}

impl PastEvent {
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let Seq(seq) = entry.seq;
        Some(Self {
            seq,
            from: match &entry.author {
                Author::User(user) => Some(user.clone()),
                Author::Server => None,
            },
            at: entry.at,
            data: entry.frame.event_data()?,
        })
    }
}
