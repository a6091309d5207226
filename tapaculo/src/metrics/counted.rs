//! What is called where something happens, and counts it.

use super::{
    BannedBy, Ended, Handler,
    meters::{Meters, OfGame, meters},
};
use crate::protocol::{ErrorCode, Outgoing};
use axum::{Router, middleware::map_response, response::Response};
use std::{collections::VecDeque, fmt, sync::Arc, time::Instant};

/// Counts an error frame.
pub(crate) fn refused(code: ErrorCode) {
    if let Some(meters) = meters() {
        meters.refused(code);
    }
}

/// Counts a user who is banned and was not before.
pub(crate) fn banned(by: BannedBy) {
    if let Some(meters) = meters() {
        meters.banned(by);
    }
}

/// Counts a client that came back with a position: whether it goes on from there.
pub(crate) fn caught_up(resumed: bool) {
    if let Some(meters) = meters() {
        meters.caught_up(resumed);
    }
}

/// Counts what was given to the store, and how long that took.
#[allow(dead_code, reason = "stores that keep something are to call it")]
pub(crate) fn stored(begun: Begun, is_saved: bool) {
    if let Some(meters) = meters() {
        meters.stored(begun.0.elapsed(), is_saved);
    }
}

/// Counts that this node has lost its lease.
#[allow(dead_code, reason = "nodes that have leases are to call it")]
pub(crate) fn lease_lost() {
    if let Some(meters) = meters() {
        meters.lease_lost();
    }
}

/// Counts the requests that these routes refuse.
pub(crate) fn count_rejections<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes.layer(map_response(async |response: Response| {
        let status = response.status();
        if (status.is_client_error() || status.is_server_error())
            && let Some(meters) = meters()
        {
            meters.rejected(status.as_u16());
        }
        response
    }))
}

/// When something began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun(Instant);

impl Begun {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }
}

/// One game's figures; none as long as no server was built.
#[derive(Clone)]
pub(crate) struct GameMeter(Option<(Arc<Meters>, Arc<OfGame>)>);

impl GameMeter {
    pub(crate) fn of(game: &'static str) -> Self {
        Self(meters().map(|meters| {
            let of_game = meters.game(game);
            (meters, of_game)
        }))
    }

    /// Counts a method of the game that has run since then.
    pub(crate) fn handled(&self, what: Handler, begun: Begun) {
        if let Some((_, game)) = &self.0 {
            game.handled(what).record(begun.0.elapsed());
        }
    }

    /// Counts a room for as long as there is one.
    pub(crate) fn room(self) -> OpenRoom {
        if let Some((_, game)) = &self.0 {
            game.rooms.increment(1);
        }
        OpenRoom(self)
    }

    /// Counts a connection for as long as it is open.
    pub(crate) fn connection(self) -> OpenConnection {
        if let Some((_, game)) = &self.0 {
            game.opened.increment(1);
            game.connections.increment(1);
        }
        OpenConnection {
            meter: self,
            ended: Ended::Lost,
        }
    }
}

impl fmt::Debug for GameMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GameMeter").field(&self.0.is_some()).finish()
    }
}

/// A room, for as long as there is one.
#[derive(Debug)]
pub(crate) struct OpenRoom(GameMeter);

impl Drop for OpenRoom {
    fn drop(&mut self) {
        if let Some((_, game)) = &self.0.0 {
            game.rooms.decrement(1);
        }
    }
}

/// A connection, for as long as it is open.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    meter: GameMeter,
    ended: Ended,
}

impl OpenConnection {
    /// Counts a message for the game.
    pub(crate) fn message(&self) {
        if let Some((_, game)) = &self.meter.0 {
            game.messages.increment(1);
        }
    }

    /// Counts a frame that the client has sent.
    pub(crate) fn received(&self, bytes: usize) {
        if let Some((_, game)) = &self.meter.0 {
            game.received_bytes.increment(bytes as u64);
        }
    }

    /// Counts frames that are for the client, which are now to be written.
    pub(crate) fn sent(&self, frames: &VecDeque<Outgoing>) {
        if let Some((_, game)) = &self.meter.0
            && !frames.is_empty()
        {
            let bytes: usize = frames.iter().map(|frame| frame.as_json().len()).sum();
            game.sent_frames.increment(frames.len() as u64);
            game.sent_bytes.increment(bytes as u64);
        }
    }

    /// One side has said that it is to end.
    pub(crate) fn ended(&mut self, how: Ended) {
        self.ended = how;
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let Some((meters, game)) = &self.meter.0 else {
            return;
        };
        game.connections.decrement(1);
        match self.ended {
            Ended::ByServer(close) => meters.closed_by_server(close),
            Ended::ByClient(code) => meters.closed_by_client(code),
            Ended::Lost => meters.lost.increment(1),
        }
    }
}
