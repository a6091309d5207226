//! Who came first: connections are numbered in the order in which they come in, so that the newest of
//! a user's is known, however long each takes from there to its room.

use crate::game::Connection;
use axum::extract::Request;
use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

/// Through the whole process, for a server may have several listeners.
static NEXT: AtomicU64 = AtomicU64::new(FIRST);

/// Below are the numbers of connections that were there before.
const FIRST: u64 = 1 << 32;

/// The next of those.
static NEXT_FOUND: AtomicU64 = AtomicU64::new(0);

/// A number for a connection that comes in now.
pub(super) fn next() -> Connection {
    Connection(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A number for a connection on another node that was a member's before this node had the room: whoever
/// comes in is newer.
pub(super) fn next_found() -> Connection {
    Connection(NEXT_FOUND.fetch_add(1, Ordering::Relaxed) % FIRST)
}

/// The requests of one client, on one socket.
pub(super) struct Arrivals {
    /// For the first request, which the client has connected for.
    first: Cell<Option<Connection>>,
}

impl Arrivals {
    /// A socket has been accepted.
    pub(super) fn begin() -> Self {
        Self {
            first: Cell::new(Some(next())),
        }
    }

    /// Marks a request with its number.
    pub(super) fn mark<B>(&self, request: &mut hyper::Request<B>) {
        let number = self.first.take().unwrap_or_else(next);
        request.extensions_mut().insert(number);
    }
}

/// The number of a request: its mark or, where another server accepted its socket, the next.
pub(super) fn number(request: &Request) -> Connection {
    let marked = request.extensions().get().copied();
    marked.unwrap_or_else(next)
}
