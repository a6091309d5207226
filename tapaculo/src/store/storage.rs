//! What a server may be given to keep its rooms in.

use super::Store;
use std::{fmt, sync::Arc};

pub(super) mod sealed {
    /// Keeps other implementations out: what is kept of a room is the crate's own affair.
    pub trait Sealed {
        /// What keeps the rooms.
        fn keeper(self) -> super::Keeper;
    }
}

/// What keeps rooms, as nobody outside can see it.
pub struct Keeper(pub(crate) Arc<dyn Store>);

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a server keeps its rooms: given to [`Server::with_store`](crate::Server::with_store). The
/// crate's own, [`FileStore`](crate::FileStore), are all there are.
pub trait Storage: sealed::Sealed {}
