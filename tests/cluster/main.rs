//! Nothing is lost: whatever is killed, stopped or cut, a room has one history.
//!
//! A process of its own, and one test at a time: they measure how long somebody waits.

mod control;
mod nodes;

use tokio::sync::{Mutex, MutexGuard};

/// The server that is started again and again.
const PROGRAM: &str = env!("CARGO_BIN_EXE_cluster_node");

/// One test at a time.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
