//! The settings of a game's rooms, as the struct's attribute declares them.

use std::time::Duration;

/// What the attribute on the struct says of every room of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many seats there are; `None` is no limit.
    pub(crate) seats: Option<u32>,
    pub(crate) spectators: bool,
    /// How many events are kept for newcomers.
    pub(crate) history: usize,
    /// How long the place of a member whose connection is gone is held.
    pub(crate) reconnect: Duration,
    /// How long a room that nobody is in is kept; `None` is for good.
    pub(crate) empty_timeout: Option<Duration>,
    /// How long a handler may take.
    pub(crate) handler_timeout: Duration,
}

impl Settings {
    /// No limit of players, no spectators, no history, no time to reconnect; an empty room is kept
    /// for five minutes, and a handler may take ten seconds.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            seats: None,
            spectators: false,
            history: 0,
            reconnect: Duration::ZERO,
            empty_timeout: Some(Duration::from_secs(5 * 60)),
            handler_timeout: Duration::from_secs(10),
        }
    }

    /// How many players there are at most: the room is full with that many.
    #[must_use]
    pub const fn players(mut self, most: u32) -> Self {
        self.seats = Some(most);
        self
    }

    /// Those who find no seat, or ask for the role in their token, watch.
    #[must_use]
    pub const fn spectators(mut self) -> Self {
        self.spectators = true;
        self
    }

    /// How many events are kept for newcomers.
    #[must_use]
    pub const fn history(mut self, events: usize) -> Self {
        self.history = events;
        self
    }

    /// How long the place of a member whose connection is gone is held.
    #[must_use]
    pub const fn reconnect(mut self, time: Duration) -> Self {
        self.reconnect = time;
        self
    }

    /// How long a handler may take.
    #[must_use]
    pub const fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.handler_timeout = timeout;
        self
    }

    /// How long an empty room is kept.
    #[must_use]
    pub const fn empty_timeout(mut self, timeout: Duration) -> Self {
        self.empty_timeout = Some(timeout);
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
