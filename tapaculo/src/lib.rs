//! Multiplayer games and real-time rooms: a plain struct with annotated methods becomes a typed
//! server.
//!
//! How a frame travels, from the top down: the [`server`] checks a request and takes it up as a
//! connection; its `session` reads a frame and hands the message to the `room`, which, one input
//! at a time, lets the [`mod@game`] handle it, and whose log is what every other connection then
//! writes to its player. Beside them: [`auth`] (tokens), `protocol` (what frames look like),
//! `log` (the room's events), `store` (where rooms are saved) and [`testing`] (a room without a
//! socket).

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
// The macro's output names the crate from outside; tests of the crate itself use it too.
#[cfg(test)]
extern crate self as tapaculo;

pub mod auth;
mod clock;
pub mod docs;
pub mod game;
pub mod ids;
mod log;
pub mod prelude;
mod protocol;
mod room;
pub mod server;
mod session;
mod store;
pub mod testing;

pub use self::{
    auth::{AuthError, AuthErrorKind, JwtAuth},
    clock::Timestamp,
    game::{Member, NoEvent, Player, Room},
    ids::{Role, RoomId, Seat, SessionId, UserId},
    server::{Server, ServerHandle},
};
pub use tapaculo_macros::{
    create, game, message, on_empty, on_full, on_join, on_leave, validate, view,
};

// Their types are part of this API: `Server::with_routes`, `Room::rng`.
#[doc(no_inline)]
pub use {axum, rand};

/// The README's game compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
