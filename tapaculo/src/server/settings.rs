//! What the builder of a server has been told, and what holds where it was told nothing.

use super::tokens::Endpoint;
use crate::{
    limits::{ConnectionLimits, MessageLimits},
    session::Heartbeat,
};

/// How a server serves its games.
#[derive(Default)]
pub(super) struct Settings {
    /// Whether anyone may have a token.
    pub(super) guest_tokens: bool,
    /// The login at `POST /token`.
    pub(super) endpoint: Option<Endpoint>,
    /// `None` for as many as come.
    pub(super) max_connections: Option<usize>,
    /// `None` for as many as are made.
    pub(super) max_rooms: Option<usize>,
    /// `None` where nobody counts messages.
    pub(super) limits: Option<MessageLimits>,
    /// `None` where nobody counts who comes how often.
    pub(super) connection_limits: Option<ConnectionLimits>,
    /// As they were given; `None` for the server's own.
    pub(super) allowed_origins: Option<Vec<String>>,
    /// As they were given.
    pub(super) trusted_proxies: Vec<String>,
    pub(super) heartbeat: Heartbeat,
    /// How many events and frames may wait for one connection.
    pub(super) buffer: Option<usize>,
}

impl Settings {
    /// Whether a server can work by them.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.heartbeat.every.is_zero() || self.heartbeat.patience.is_zero() {
            anyhow::bail!(
                "a heartbeat takes time: with_heartbeat(every, patience) of more than zero"
            );
        }
        let counts = self.limits.as_ref();
        if counts.is_some_and(|limits| limits.max_messages_per_window == 0) {
            anyhow::bail!("nobody could say a word: with_limits with `max_messages_per_window: 0`");
        }
        if self.guest_tokens && self.endpoint.is_some() {
            anyhow::bail!(
                "tokens are for anyone or for those who log in: with_guest_tokens() or \
                 with_token_endpoint(login), one of them; for both, let the login admit guests, \
                 each as a user of its own, its name with something random behind it"
            );
        }
        Ok(())
    }

    /// Whether tokens are to be signed.
    pub(super) fn gives_tokens(&self) -> bool {
        self.guest_tokens || self.endpoint.is_some()
    }
}
