//! Nothing is lost: whatever is killed, stopped or cut, a room has one history.
//!
//! A process of its own, and one test at a time: they measure how long somebody waits.

mod control;

use tokio::sync::{Mutex, MutexGuard};

/// One test at a time.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
