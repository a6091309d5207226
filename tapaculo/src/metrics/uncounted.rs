//! What is called where nothing is counted: empty, each as its twin in `counted`.

use super::{BannedBy, Ended, Handler};
use crate::protocol::{ErrorCode, Outgoing};
use axum::Router;
use std::collections::VecDeque;

pub(crate) fn begin(_games: impl Iterator<Item = &'static str>) {}

pub(crate) fn refused(_code: ErrorCode) {}

pub(crate) fn banned(_by: BannedBy) {}

pub(crate) fn caught_up(_resumed: bool) {}

#[allow(dead_code, reason = "stores that keep something are to call it")]
pub(crate) fn stored(_begun: Begun, _is_saved: bool) {}

#[allow(dead_code, reason = "nodes that have leases are to call it")]
pub(crate) fn lease_lost() {}

pub(crate) fn count_rejections<S>(routes: Router<S>) -> Router<S> {
    routes
}

/// When something began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun;

impl Begun {
    pub(crate) fn now() -> Self {
        Self
    }
}

/// One game's figures.
#[derive(Clone, Debug)]
pub(crate) struct GameMeter;

impl GameMeter {
    pub(crate) fn of(_game: &'static str) -> Self {
        Self
    }

    pub(crate) fn handled(&self, _what: Handler, _begun: Begun) {}

    pub(crate) fn room(self) -> OpenRoom {
        OpenRoom
    }

    pub(crate) fn connection(self) -> OpenConnection {
        OpenConnection
    }
}

/// A room, for as long as there is one.
#[derive(Debug)]
pub(crate) struct OpenRoom;

/// A connection, for as long as it is open.
#[derive(Debug)]
pub(crate) struct OpenConnection;

impl OpenConnection {
    pub(crate) fn message(&self) {}

    pub(crate) fn received(&self, _bytes: usize) {}

    pub(crate) fn sent(&self, _frames: &VecDeque<Outgoing>) {}

    pub(crate) fn ended(&mut self, _how: Ended) {}
}
