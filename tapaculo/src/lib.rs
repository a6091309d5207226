//! Multiplayer games and real-time rooms: a plain struct with annotated methods becomes a typed
//! server.
//!
//! You write a struct, the state of one room, and annotated methods, its rules;
//! [`#[tapaculo::game]`](macro@game) turns them into a server of rooms that speaks JSON or MessagePack
//! over WebSockets.
//!
//! ```
//! use tapaculo::{prelude::*, testing::TestRoom};
//!
//! /// A counter that everybody in the room may move.
//! #[tapaculo::game(event = u32)]
//! #[derive(Default)]
//! struct Counter { count: u32 }
//!
//! #[tapaculo::game]
//! impl Counter {
//!     /// `{"type": "Add", "amount": 2}`; an `Err` reaches only the sender.
//!     #[message]
//!     fn add(&mut self, room: &mut Room<Self>, amount: u32) -> Result<(), String> {
//!         self.count = self.count.checked_add(amount).ok_or("that is too much")?;
//!         room.broadcast(self.count);
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In memory; `Server` does the same over sockets.
//! let mut room = TestRoom::<Counter>::new();
//! room.join("alice")?;
//! room.join("bob")?;
//! room.send("alice", serde_json::json!({"type": "Add", "amount": 2}))?;
//! assert_eq!(room.received("bob"), [2]);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to go from here
//!
//! [The guide](docs) is a book. Its first chapter, [a first game in ten
//! minutes](docs::first_game), goes from an empty folder to a page that two people play on; the others
//! are about one subject each, such as [reconnection](docs::reconnection),
//! [hidden information](docs::hidden_information) and [deployment](docs::deployment).
//!
//! To look something up:
//!
//! | item | what for |
//! | --- | --- |
//! | [`#[tapaculo::game]`](macro@game) | the options of a game, and what its methods may take |
//! | [`Room`] | what a handler reads of its room and says to it |
//! | [`TestRoom`](testing::TestRoom) | a room in memory, for tests of the rules |
//! | [`Server`] and [`ServerHandle`] | how games are served; what their operator sees and does |
//! | [`JwtAuth`] and [`Login`] | who gets in |
//! | [`closures`] and [`Context`] | rooms without a macro |
//! | [The protocol](docs::protocol) and [security](docs::security) | what clients speak; what is promised, and what is not |

// Says of each item which feature it needs, where docs.rs builds this.
#![cfg_attr(docsrs, feature(doc_cfg))]

// How a frame travels, from the top down: the `server` checks a request and takes it up as a
// connection; its `session` reads a frame and hands the message to the `room`, which, one input at
// a time, lets the `game` handle it, and whose `log` is what every other connection then writes to
// its player. One game is the crate's own: the `closures` of the builder, which run beside their room.
// Beside them: `auth` (tokens), `limits` (how much a user may send, and who may come how often),
// `protocol` (what frames look like), `store` (where rooms are saved), `pubsub` (what connects the
// nodes of a server), `metrics` (how much of all that happens) and `testing` (a room without a socket).

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
// The macro's output names the crate from outside; tests of the crate itself use it too.
#[cfg(test)]
extern crate self as tapaculo;

pub mod auth;
mod clock;
pub mod closures;
#[cfg_attr(
    not(feature = "redis-backend"),
    allow(dead_code, reason = "without it there are no other nodes")
)]
mod cluster;
pub mod docs;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod game;
pub mod ids;
mod limits;
mod log;
mod metrics;
pub mod prelude;
mod protocol;
mod pubsub;
mod room;
pub mod server;
mod session;
#[cfg_attr(
    not(all(feature = "file-store", feature = "redis-backend")),
    allow(dead_code, reason = "without them rooms are in memory only")
)]
mod store;
pub mod testing;

#[cfg(feature = "redis-backend")]
#[doc(inline)]
pub use self::pubsub::{BackoffConfig, RedisConfigError, RedisPubSub};
#[cfg(feature = "file-store")]
#[doc(inline)]
pub use self::store::{FileStore, FileStoreError, FileStoreErrorKind, Storage};
#[doc(inline)]
pub use self::{
    auth::{AuthError, AuthErrorKind, JwtAuth, JwtKey, JwtOptions, Login},
    clock::Timestamp,
    closures::{
        Context, ContextError, Envelope, PlayerMetadata, RoomEventHandler, RoomInfo, RoomSettings,
        StoredMessage,
    },
    game::{
        Member, Metadata, NoTimer, Occupancy, PastEvent, Player, PostError, Room, RoomHandle,
        SavedState, SavedStateError, TimerId,
    },
    ids::{Role, RoomId, Seat, SessionId, UserId},
    limits::{ConnectionLimits, MessageLimits},
    pubsub::{InMemoryPubSub, PubSub},
    server::{LoginRefused, Server, ServerHandle},
};
pub use tapaculo_macros::{
    create, game, message, migrate, on_disconnect, on_empty, on_full, on_join, on_leave,
    on_reconnect, tick, timer, validate, view,
};

/// The crates whose types are part of this API: [`Server::with_routes`], [`Room::rng`].
///
/// They are in a module of their own, so that `use tapaculo::*;` does not stand in the way of
/// `use rand::…`.
pub mod reexport {
    #[doc(no_inline)]
    pub use {async_trait, axum, rand};
}
