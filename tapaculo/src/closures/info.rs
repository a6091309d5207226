//! What a `Context` tells of its room: who is there, what was said, what is known of a player.

use crate::{
    clock::Timestamp,
    game::{Metadata, PastEvent, Table},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A room and its players: [`Context::get_room_info`](super::Context::get_room_info).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomInfo {
    /// The room's name.
    pub room_id: String,
    /// How many players there are, connected or not; spectators apart.
    pub member_count: usize,
    /// How many players there may be; `None` is no limit.
    pub max_members: Option<usize>,
    /// Whether there is no seat left.
    pub is_full: bool,
    /// The players, in order of arrival.
    pub members: Vec<String>,
    /// How many watch.
    pub spectator_count: usize,
    /// When the room was made.
    pub created: Timestamp,
}

impl RoomInfo {
    pub(super) fn of(table: &Table) -> Self {
        let occupancy = table.occupancy();
        Self {
            room_id: table.identity.room.to_string(),
            member_count: occupancy.players,
            max_members: occupancy.seats,
            is_full: occupancy.is_full,
            members: players(table),
            spectator_count: occupancy.spectators,
            created: occupancy.created,
        }
    }
}

/// The players, in order of arrival.
pub(super) fn players(table: &Table) -> Vec<String> {
    let members = table.roster.places().map(|place| &place.member);
    let players = members.filter(|member| member.seat().is_some());
    players.map(|player| player.user().to_string()).collect()
}

/// A message that a room remembers: [`Context::get_message_history`](super::Context::get_message_history).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredMessage {
    /// Whose message caused it, or `"@server"`.
    pub from: String,
    /// What was said.
    pub data: Value,
    /// When it was said.
    pub timestamp: Timestamp,
}

impl From<PastEvent> for StoredMessage {
    fn from(event: PastEvent) -> Self {
        Self {
            from: event
                .from
                .map_or_else(|| "@server".to_owned(), String::from),
            data: event.data,
            timestamp: event.at,
        }
    }
}

/// What a room knows of a player: set with
/// [`Context::set_user_metadata`](super::Context::set_user_metadata).
///
/// The name and the picture are shown to everyone, in `welcome` and `presence`; what players choose
/// for themselves is for the handlers to check.
///
/// ```
/// use tapaculo::PlayerMetadata;
///
/// let alice = PlayerMetadata {
///     user_id: "alice".to_owned(),
///     display_name: "Alice".to_owned(),
///     ..Default::default()
/// };
/// assert_eq!(alice.avatar_url, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlayerMetadata {
    /// The user that it is about, in the room or not.
    pub user_id: String,
    /// The name to show; where it is empty, the token's.
    pub display_name: String,
    /// The address of a picture.
    pub avatar_url: Option<String>,
    /// Whatever is to be remembered.
    pub custom: Value,
    /// Nothing: a literal ends in `..Default::default()`, so that there can be more fields later.
    #[doc(hidden)]
    #[serde(skip)]
    pub __end_with_default: (),
}

impl PlayerMetadata {
    pub(super) fn of(user_id: &str, metadata: &Metadata) -> Self {
        let metadata = metadata.clone();
        Self {
            user_id: user_id.to_owned(),
            display_name: metadata.name.unwrap_or_default(),
            avatar_url: metadata.avatar,
            custom: metadata.custom,
            __end_with_default: (),
        }
    }
}

impl From<PlayerMetadata> for Metadata {
    fn from(metadata: PlayerMetadata) -> Self {
        let name = metadata.display_name;
        Self {
            name: (!name.is_empty()).then_some(name),
            avatar: metadata.avatar_url,
            custom: metadata.custom,
        }
    }
}
