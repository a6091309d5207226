//! Where a room is saved before anyone is told: the commit seam's other side.

use crate::{game::Identity, log::Entry};
use futures_util::future::BoxFuture;
use std::{fmt, future::ready, sync::Arc};

/// What one input changed, to be saved in one atomic step.
#[derive(Debug)]
pub(crate) struct Commit<'a> {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the memory store keeps no copy")
    )]
    pub(crate) room: &'a Identity,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the memory store keeps no copy")
    )]
    pub(crate) events: &'a [Arc<Entry>],
}

/// The commit did not happen; nothing of it may be told.
#[derive(Debug)]
pub(crate) struct StoreError(pub(crate) String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the room could not be saved: {}", self.0)
    }
}

impl std::error::Error for StoreError {}

/// Saves rooms. What a handler did leaves the server only after its commit.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// Saves what one input changed: all of it or, with an error, nothing.
    ///
    /// It is polled by whoever caused the input. A [`Context`](crate::Context) does that in a future
    /// that its owner may drop: a store that waits must first have the room run such inputs in tasks of
    /// their own.
    fn commit<'a>(&'a self, commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Keeps rooms in the memory of this process only: the room itself is the copy.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore;

impl Store for MemoryStore {
    fn commit<'a>(&'a self, _commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }
}
