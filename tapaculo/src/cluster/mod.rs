//! One program on many nodes: a room is run by one of them, and the others carry their own sockets.
//!
//! The node that has a room, by a claim in the store, runs it as a single node would. What it tells its
//! members it publishes as well, and each node that has some of them holds a [`Replica`]: the same
//! delivery, fed by publications. What those members send is *forwarded*, and answered once it is
//! handled. When a node is gone, one of those that have members of its rooms claims them and goes on
//! from what was saved; the others find it and say who of theirs is still there.

mod counter;
mod letters;
mod lives;
mod post_office;
mod replica;

pub(crate) use self::{
    letters::{Reply, Request},
    lives::watch_over,
    post_office::{Cluster, Trouble},
    replica::Replica,
};

#[cfg(test)]
pub(crate) use self::letters::Letter;

use crate::{
    game::Connection,
    ids::RoomId,
    protocol::Close,
    room::{Door, NoRoom, Visitor},
    store::{Claim, RoomKey},
};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What this node knows of users, for what other nodes say of them.
pub(crate) trait Listener: Send + Sync {
    /// Something was said to all nodes.
    fn hear(&self, message: &[u8]);

    /// Something may have been said that was not heard.
    fn missed(self: Arc<Self>);
}

/// The rooms of this node, for what other nodes want of them.
pub(crate) trait Host: Send + Sync {
    /// The name of a game that is served.
    fn game(&self, name: &str) -> Option<&'static str>;

    /// A room that this node has open, or a replica of.
    fn door(&self, game: &str, room: &RoomId) -> Option<Arc<dyn Door>>;

    /// All of those.
    fn doors(&self) -> Vec<(&'static str, RoomId, Arc<dyn Door>)>;

    /// The room, which is opened if it is not: here, or a replica of it.
    fn find<'a>(
        &'a self,
        game: &'static str,
        room: &'a RoomId,
    ) -> BoxFuture<'a, Result<Arc<dyn Door>, NoRoom>>;

    /// Brings a visitor to its room.
    fn admit<'a>(
        &'a self,
        game: &'static str,
        room: &'a RoomId,
        visitor: Visitor,
    ) -> BoxFuture<'a, Result<Arc<dyn Door>, NoRoom>>;

    /// Goes on with a room that another node had: it takes over the members of its replica, and then
    /// that one's place.
    fn take_over<'a>(
        &'a self,
        game: &'static str,
        key: &'a RoomKey,
        claim: Claim,
        replica: &'a Replica,
    ) -> BoxFuture<'a, Result<(), NoRoom>>;

    /// A room is not to be found by that door any more.
    fn forget_door(&self, game: &'static str, room: &RoomId, door: &Arc<dyn Door>);

    /// Sends everyone away from all rooms.
    fn give_up_all(&self, close: Close) -> BoxFuture<'_, ()>;

    /// A number for a connection of another node's.
    fn next_connection(&self) -> Connection;

    /// A number for one that was there before this node had its room: lower than all others.
    fn next_found(&self) -> Connection;
}
