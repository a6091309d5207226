//! Where a room is saved before anyone is told: the commit seam's other side.
//!
//! A store keeps *cells*, bytes by their names, for each room, and changes them in atomic steps. What
//! is in them is the room's business: `room/record`.

#[cfg(feature = "file-store")]
mod file;
mod memory;
#[cfg(feature = "file-store")]
mod storage;

pub(crate) use self::memory::MemoryStore;
#[cfg(feature = "file-store")]
pub use self::{
    file::{FileStore, FileStoreError, FileStoreErrorKind},
    storage::Storage,
};

use crate::ids::RoomId;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// What a store keeps of a room: cells by their names.
pub(crate) type Cells = BTreeMap<String, Vec<u8>>;

/// A room, as stores and nodes name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct RoomKey {
    pub(crate) game: Arc<str>,
    pub(crate) room: RoomId,
}

/// A node of a cluster, in this life of it: a random word.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NodeId(Arc<str>);

impl NodeId {
    /// The length of the word: a hundred bits.
    const CHARACTERS: usize = 20;

    pub(crate) fn random() -> Self {
        Self(crate::auth::word(Self::CHARACTERS).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for NodeId {
    fn from(word: String) -> Self {
        Self(word.into())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who has a room now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// This node, by this claim.
    Ours(Claim),
    /// Another one.
    Theirs(NodeId),
}

/// A room that is this node's to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The fencing token: higher than those of all claims before.
    pub(crate) term: u64,
    /// What was saved of the room, if anything was.
    pub(crate) saved: Option<Saved>,
}

/// What was saved of a room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) cells: Cells,
    /// The number of the last commit.
    pub(crate) number: u64,
    /// The newest commits may be missing: the storage has restarted since.
    pub(crate) doubtful: bool,
}

/// What one input changed, to be saved in one atomic step.
#[derive(Clone, Debug)]
pub(crate) struct Commit<'a> {
    pub(crate) room: &'a RoomKey,
    pub(crate) term: u64,
    /// Its number: one more than that of the commit before; the first is 1.
    pub(crate) number: u64,
    /// All that was kept before is to go first: these are all the cells there are.
    pub(crate) anew: bool,
    pub(crate) put: Vec<(String, Vec<u8>)>,
    pub(crate) delete: Vec<String>,
    pub(crate) then: Then,
    /// How long it is to be kept if nothing more is saved.
    pub(crate) keep_for: Duration,
    /// What other nodes are to be told once it is saved.
    pub(crate) publish: Option<Vec<u8>>,
}

/// What becomes of a room after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It goes on here.
    Keep,
    /// It is free for others to claim; its cells stay.
    Release,
    /// It is over: nothing is kept.
    Remove,
}

/// Why something was not saved, or not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// The store can't be reached, or did not answer in time: it may have happened or not.
    Unavailable(String),
    /// Another has the room: nothing was saved.
    Lost,
    /// The store has lost what was saved before, for its number is another: nothing was saved.
    Behind,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the store is not available: {why}"),
            Self::Lost => f.write_str("another node has the room"),
            Self::Behind => f.write_str("the store has lost what was saved before"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Keeps rooms. What a handler did leaves the server only after its commit.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// Whether it outlives the process; otherwise nothing needs to be written for it.
    fn keeps(&self) -> bool;

    /// Asks for a room; `from`, if given, is a node that is known to be gone.
    fn claim<'a>(
        &'a self,
        room: &'a RoomKey,
        from: Option<&'a NodeId>,
    ) -> BoxFuture<'a, Result<Claimed, StoreError>>;

    /// Saves what one input changed: all of it or nothing. May be repeated with the same number.
    fn commit<'a>(&'a self, commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The rooms that were saved here and that nobody has, to go on with at the start.
    fn left(&self) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>>;
}
