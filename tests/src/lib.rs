//! What the end-to-end tests share: a client that is not our own code, and servers on free ports.

pub mod browser;
pub mod chess;
pub mod client;
pub mod cluster;
pub mod codec;
pub mod figures;
pub mod folder;
pub mod forge;
pub mod http;
pub mod log;
pub mod node;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod returning;
pub mod server;
pub mod wire;

use std::time::Duration;
use tapaculo::{RoomId, UserId};

/// How long a test waits for anything before it fails: a machine of two cores on which several browsers,
/// nodes and builds run at once is slow.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A user's name.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn user(name: &str) -> UserId {
    UserId::new(name).expect("a user's name")
}

/// A room's name.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn room(name: &str) -> RoomId {
    RoomId::new(name).expect("a room's name")
}
