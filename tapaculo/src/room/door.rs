//! What a room is to whoever comes to it, be it here or on another node.

use super::{Departure, Ear, Far, Found, Standing, Ticket, Unfit};
use crate::{
    clock::Timestamp,
    cluster::Replica,
    game::{Census, Connection, Identity, Newcomer, Options, Post},
    protocol::Close,
    store::{NodeId, StoreError},
};
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

/// Somebody at the door of a room.
pub(crate) struct Visitor {
    pub(crate) ear: Ear,
    pub(crate) newcomer: Newcomer,
    pub(crate) options: Options,
}

/// A room of any game.
///
/// The futures must be polled to their end: a handler that has begun is to finish, whatever
/// happens to the connection that caused it.
pub(crate) trait Door: Send + Sync {
    /// Asks for a place; what comes of it is in the visitor's outlet. Gives the visitor back if
    /// the room is over, and there is to be a new one.
    fn join(self: Arc<Self>, visitor: Visitor) -> BoxFuture<'static, Result<(), Visitor>>;

    /// Reads a message, outside the lock; the future handles it, or the reason why it is none.
    fn message(
        self: Arc<Self>,
        connection: Connection,
        ticket: Option<Ticket>,
        data: Result<&RawValue, Unfit>,
    ) -> BoxFuture<'static, ()>;

    /// A connection is gone.
    fn leave(
        self: Arc<Self>,
        connection: Connection,
        departure: Departure,
    ) -> BoxFuture<'static, ()>;

    /// Who is here; `None` if the room is over.
    fn census(self: Arc<Self>) -> BoxFuture<'static, Option<Census>>;

    /// Code outside the room asks something of it, and waits until it is done; `None` if the room was
    /// over before. This future alone may be dropped: once polled, what is asked for is done.
    fn post(self: Arc<Self>, post: Post) -> BoxFuture<'static, Option<()>>;

    /// The moment of a call that the room asked for has come.
    fn due(self: Arc<Self>, call: Call) -> BoxFuture<'static, ()>;

    /// Everyone is to go.
    fn close(self: Arc<Self>, close: Close) -> BoxFuture<'static, ()>;

    /// Members whose connections were missing are still there; answers where the room stands then, or
    /// `None` if it is over.
    fn found(self: Arc<Self>, _found: Vec<(Ear, Found)>) -> BoxFuture<'static, Option<Standing>> {
        Box::pin(async { None })
    }

    /// How long its record is to be kept if nothing is saved of it; `None` if it is not this node's.
    fn keep_for(&self) -> Option<Duration> {
        None
    }

    /// The replica that this is, of a room that another node has.
    fn replica(&self) -> Option<Arc<Replica>> {
        None
    }

    /// Where the room stands; `None` if it is over, or elsewhere.
    fn standing(&self) -> Option<Standing> {
        None
    }

    /// The publications after a number, if all of them are still there.
    fn replay(self: Arc<Self>, _after: u64) -> BoxFuture<'static, Option<Vec<Arc<[u8]>>>> {
        Box::pin(async { None })
    }

    /// The number here of a connection on another node, if that is a member's.
    fn known(self: Arc<Self>, _far: Far) -> BoxFuture<'static, Option<Connection>> {
        Box::pin(async { None })
    }

    /// The nodes on which this one depends for the room: those that have members of it or, if it is
    /// elsewhere, the one that has it.
    fn nodes(&self) -> Vec<NodeId> {
        Vec::new()
    }

    /// A node is gone, and its connections with it.
    fn node_gone(self: Arc<Self>, _node: NodeId) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Why there is no room to go to.
#[derive(Debug)]
pub(crate) enum NoRoom {
    /// The server ends.
    Ending,
    /// It would be one more than the server takes.
    TooMany,
    /// The store can't be asked.
    Unavailable(#[expect(dead_code, reason = "for whoever prints it")] StoreError),
    /// What was saved of it can't be read.
    Unreadable,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ending => "the server ends",
            Self::TooMany => "the server has all the rooms it can take",
            Self::Unavailable(_) => "the room can't be served right now",
            Self::Unreadable => "what was saved of the room can't be read",
        })
    }
}

/// A call that a room has asked for: its time and its number.
pub(crate) type Call = (Timestamp, u64);

/// Whoever keeps the rooms.
pub(crate) trait Keeper: Send + Sync {
    /// The room is over: a new one of its name may be made.
    fn forget(&self, room: &Identity);

    /// The room was given up, and members on other nodes count on it: it is to be opened again.
    fn go_on(&self, _room: &Identity) {}

    /// The room wants to be called at a moment.
    fn call_at(&self, at: Timestamp, room: Weak<dyn Door>) -> Call;

    /// The room does not want that call any more.
    fn call_off(&self, call: Call);
}
