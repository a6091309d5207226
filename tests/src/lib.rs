//! What the end-to-end tests share: a client that is not our own code, and servers on free ports.

pub mod browser;
pub mod chess;
pub mod client;
pub mod codec;
pub mod forge;
pub mod http;
pub mod process;
pub mod proxy;
pub mod returning;
pub mod server;
pub mod wire;

use std::time::Duration;

/// How long a test waits for anything before it fails.
pub const DEADLINE: Duration = Duration::from_secs(20);
