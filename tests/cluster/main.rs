//! Nothing is lost: whatever is killed, stopped or cut, a room has one history.
//!
//! A process of its own, and one test at a time: they measure how long somebody waits.

mod bad_network;
mod control;
mod cost;
mod file_store;
mod nodes;
mod owner_killed;
mod owner_stopped;
mod redis_forgets;
mod redis_killed;
mod rolling_restart;

use std::time::Duration;
use tapaculo_tests::cluster::load::Shape;
use tokio::sync::{Mutex, MutexGuard};

/// The server that is started again and again.
const PROGRAM: &str = env!("CARGO_BIN_EXE_cluster_node");

/// A lease that does not make the tests long.
const SHORT_LEASE: Duration = Duration::from_secs(1);

/// The lease that nodes have unless told.
const LONG_LEASE: Duration = Duration::from_secs(10);

/// Who plays, mostly.
const SHAPE: Shape = Shape {
    rooms: 4,
    players: 4,
    patient: 0,
    pause: Duration::from_millis(20),
    seed: 0,
};

/// One test at a time.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
