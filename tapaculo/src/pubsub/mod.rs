//! How the nodes of a server speak to each other; in memory, there is one node.

#[cfg_attr(
    not(feature = "redis-backend"),
    allow(dead_code, reason = "without it there are no other nodes")
)]
pub(crate) mod everywhere;
#[cfg_attr(
    not(feature = "redis-backend"),
    allow(dead_code, reason = "without it there are no other nodes")
)]
mod nodes;

pub(crate) use self::nodes::{Heard, Nodes, Timing};
#[cfg(feature = "redis-backend")]
mod redis;

#[cfg(feature = "redis-backend")]
pub use self::redis::{BackoffConfig, RedisConfigError, RedisPubSub};

mod sealed {
    /// Keeps other implementations out: it also holds leases, bans and stored rooms.
    pub trait Sealed: Send + Sync + 'static {
        /// The other nodes; `None` if this is the only one. Connects to nothing yet.
        fn nodes(&self) -> Option<Others> {
            None
        }
    }

    /// The other nodes, as nobody outside can see them.
    #[derive(Debug)]
    pub struct Others(pub(crate) std::sync::Arc<dyn super::nodes::Nodes>);
}

/// What connects the nodes of a server: given to
/// [`Server::with_pubsub`](crate::Server::with_pubsub). The crate's own are all there are.
pub trait PubSub: sealed::Sealed {
    /// How many events and frames may wait for one connection that does not take them; `None` is no
    /// bound by number.
    #[doc(hidden)]
    fn buffer(&self) -> Option<usize>;
}

/// One node, everything in memory: what a server has that is not told otherwise.
///
/// ```
/// use tapaculo::{InMemoryPubSub, Server};
///
/// let server = Server::new().with_pubsub(InMemoryPubSub::with_buffer(128));
/// # drop(server);
/// ```
#[derive(Clone, Debug, Default)]
pub struct InMemoryPubSub {
    buffer: Option<usize>,
}

impl InMemoryPubSub {
    /// One node. What may wait for a connection is bounded by bytes, 256 KiB, and by the events that
    /// its room keeps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a bound by number as well: a connection that takes nothing is closed with `4108`
    /// once more than so many events and frames wait for it. It may come back and resume.
    #[must_use]
    pub fn with_buffer(messages: usize) -> Self {
        Self {
            buffer: Some(messages),
        }
    }
}

impl sealed::Sealed for InMemoryPubSub {}

impl PubSub for InMemoryPubSub {
    fn buffer(&self) -> Option<usize> {
        self.buffer
    }
}
