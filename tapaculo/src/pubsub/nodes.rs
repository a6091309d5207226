//! What a node of a cluster can do with the others: its lease, and what they tell each other.

use super::everywhere::Everywhere;
use crate::store::{NodeId, RoomKey, Store, StoreError};
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::{sync::mpsc, time::Instant};

/// How long a room that was claimed is kept if nothing is saved of it and nobody touches it.
pub(crate) const CLAIM_KEPT: Duration = Duration::from_secs(3600);

/// The other nodes: only Redis has them.
///
/// What is handed over (`forward`, `tell`, `publish`) arrives once or not at all, and never
/// twice: after an `Unavailable` it may have arrived.
pub(crate) trait Nodes: Store + Everywhere {
    /// This node's name in its present life.
    fn me(&self) -> NodeId;

    /// Until when, by the monotonic clock, this node may speak for its rooms; in the past once it could
    /// not renew.
    fn good_until(&self) -> Instant;

    /// Whether this node may speak for its rooms.
    fn has_lease(&self) -> bool {
        self.good_until() > Instant::now()
    }

    /// Takes up a new life, at the start and after the lease was lost: a new name. An error while Redis
    /// is away: then this node has no lease yet, and hears nothing that is for it alone.
    fn begin(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Renews the lease once. `Lost` if it had run out: everything owned is to be given up, then
    /// `begin`.
    fn renew(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Gives the lease back, at a shutdown.
    fn end(&self) -> BoxFuture<'_, ()>;

    /// How long a lease is, and how often to renew it.
    fn timing(&self) -> Timing;

    /// Which of these nodes are gone.
    fn gone<'a>(&'a self, nodes: &'a [NodeId]) -> BoxFuture<'a, Result<Vec<NodeId>, StoreError>>;

    /// Hands something to whoever owns the room, in one step. `None` if nobody does.
    fn forward<'a>(
        &'a self,
        room: &'a RoomKey,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Option<NodeId>, StoreError>>;

    /// Hands something to a node's inbox.
    fn tell<'a>(
        &'a self,
        node: &'a NodeId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Hands something to all nodes, as news of users are by the script that keeps them.
    #[cfg(test)]
    fn tell_all(&self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Hands something to all nodes that listen to the room.
    fn publish<'a>(
        &'a self,
        room: &'a RoomKey,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Is ready once this node hears what is published for the room. After an error it does not listen.
    fn listen<'a>(&'a self, room: &'a RoomKey) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends it; something that was published before may still come.
    fn unlisten<'a>(&'a self, room: &'a RoomKey) -> BoxFuture<'a, Result<(), StoreError>>;

    /// What comes in; the second call gets a channel in which nothing comes.
    fn hear(&self) -> mpsc::Receiver<Heard>;

    /// Refreshes the lifetime of rooms' keys that have had no commit for long.
    fn touch<'a>(
        &'a self,
        rooms: &'a [(RoomKey, Duration)],
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// What a node hears.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// For this node alone.
    Inbox(Vec<u8>),
    /// For all nodes.
    All(Vec<u8>),
    /// Published for a room.
    Room(RoomKey, Vec<u8>),
    /// Something was not heard, because the subscriptions were lost for a while, or because more was
    /// said than could be acted on.
    Again,
}

/// How long a lease is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// How long the rooms of a node that says nothing more stay its own.
    pub(crate) lease: Duration,
    /// How often a node is to say that it is there.
    pub(crate) renew: Duration,
}
