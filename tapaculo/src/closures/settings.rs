//! `RoomSettings`: what all rooms of closures are like.

use crate::game::Settings;
use std::time::Duration;

/// What the rooms of [closures](self::super) are like, given by
/// [`Server::with_room_settings`](crate::Server::with_room_settings).
///
/// ```
/// use std::time::Duration;
/// use tapaculo::RoomSettings;
///
/// let settings = RoomSettings {
///     max_players: Some(4),
///     store_message_history: true,
///     ..Default::default()
/// };
/// assert_eq!(settings.max_history_messages, 100);
/// assert_eq!(settings.empty_room_timeout, Some(Duration::from_secs(300)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSettings {
    /// How many players there may be; `None` is no limit, and zero an error when the server starts.
    pub max_players: Option<usize>,
    /// Whether those who find no seat, or ask for the role in their token, may watch. They get what is
    /// said to everyone, and may not send messages.
    pub allow_spectators: bool,
    /// Whether what is said to everyone, or to everyone but its sender, is kept and told to newcomers.
    pub store_message_history: bool,
    /// How many of those messages are kept, the newest ones.
    pub max_history_messages: usize,
    /// How long a room that nobody is in is kept, with its history and metadata; `None` is for good.
    pub empty_room_timeout: Option<Duration>,
}

impl Default for RoomSettings {
    /// No limit of players, no spectators, no history (100 messages, once it is on), and five minutes
    /// for an empty room.
    fn default() -> Self {
        Self {
            max_players: None,
            allow_spectators: false,
            store_message_history: false,
            max_history_messages: 100,
            empty_room_timeout: Some(Duration::from_secs(300)),
        }
    }
}

impl RoomSettings {
    /// The settings as every game has them.
    pub(crate) fn for_rooms(&self, reconnect: Duration) -> Settings {
        let seats = self.max_players;
        Settings {
            // More seats than can be counted is no limit.
            seats: seats.and_then(|seats| u32::try_from(seats).ok()),
            spectators: self.allow_spectators,
            history: match self.store_message_history {
                true => self.max_history_messages,
                false => 0,
            },
            reconnect,
            empty_timeout: self.empty_room_timeout,
            ..Settings::new()
        }
    }
}
