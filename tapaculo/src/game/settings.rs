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
    pub(crate) empty_timeout: Duration,
}

impl Settings {
    /// No limit of players, no spectators, no history; an empty room is kept for five minutes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            seats: None,
            spectators: false,
            history: 0,
            empty_timeout: Duration::from_secs(5 * 60),
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

    /// How long an empty room is kept.
    #[must_use]
    pub const fn empty_timeout(mut self, timeout: Duration) -> Self {
        self.empty_timeout = timeout;
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
