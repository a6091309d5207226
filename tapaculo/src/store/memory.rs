//! Rooms in the memory of this process only: the room itself is the copy.

use super::{Claim, Claimed, Commit, NodeId, RoomKey, Store, StoreError};
use futures_util::future::BoxFuture;
use std::future::ready;

/// Keeps rooms in the memory of this process only: the room itself is the copy.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore;

impl Store for MemoryStore {
    fn keeps(&self) -> bool {
        false
    }

    fn claim<'a>(
        &'a self,
        _room: &'a RoomKey,
        _from: Option<&'a NodeId>,
    ) -> BoxFuture<'a, Result<Claimed, StoreError>> {
        Box::pin(ready(Ok(Claimed::Ours(Claim::default()))))
    }

    fn commit<'a>(&'a self, _commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }

    fn left(&self) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}
