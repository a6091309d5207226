//! What the builder of a server has been told, and what holds where it was told nothing.

use super::tokens::Endpoint;
use crate::{
    limits::{ConnectionLimits, MessageLimits},
    pubsub::Nodes,
    session::Heartbeat,
    store::{MemoryStore, Store},
};
use std::sync::Arc;

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
    /// The other nodes, if there may be some.
    pub(super) nodes: Option<Arc<dyn Nodes>>,
    /// Where rooms are kept; `None` for the nodes' own store or, without other nodes, memory.
    pub(super) store: Option<Arc<dyn Store>>,
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
        if self.nodes.is_some() && self.store.is_some() {
            anyhow::bail!(
                "RedisPubSub keeps the rooms, too: with_pubsub(RedisPubSub…) or with_store(…), one \
                 of them"
            );
        }
        Ok(())
    }

    /// Where rooms are kept.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        match (&self.store, &self.nodes) {
            (Some(store), _) => Arc::clone(store),
            (None, Some(nodes)) => Arc::clone(nodes) as _,
            (None, None) => Arc::new(MemoryStore),
        }
    }

    /// Whether tokens are to be signed.
    pub(super) fn gives_tokens(&self) -> bool {
        self.guest_tokens || self.endpoint.is_some()
    }
}
