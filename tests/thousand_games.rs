//! A thousand games of chess through one server: nothing is lost on the way, and nothing is left
//! behind.
//!
//! A process of its own: its allocator counts what server and clients have in use, since what an
//! allocator keeps of what was freed is no measure of either.

#[path = "../examples/chess_server/chess.rs"]
mod chess;
#[path = "../examples/chess_server/outcome.rs"]
mod outcome;
#[path = "../examples/chess_server/position.rs"]
mod position;

use cap::Cap;
use std::{alloc::System, sync::Arc, time::Duration};
use tapaculo::Server;
use tapaculo_tests::{DEADLINE, chess::play_all, server::TestServer};
use tokio::time::{sleep, timeout};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Waits until no more than so many bytes are in use.
async fn in_use_is_down_to(bytes: usize) {
    let down = async {
        while HEAP.allocated() > bytes {
            sleep(Duration::from_millis(50)).await;
        }
    };
    if timeout(DEADLINE, down).await.is_err() {
        panic!("{} bytes are still in use, not {bytes}", HEAP.allocated());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_games_lose_repeat_and_reorder_nothing_and_leave_nothing_behind() {
    let server = TestServer::start(Server::with_game::<chess::Chess>).await;
    let server = Arc::new(server);
    let cold = HEAP.allocated();
    // The first games leave what any later one needs: threads, timers, tables.
    play_all(&server, 1000..1064).await;
    in_use_is_down_to(cold + cold / 4).await;
    let before = HEAP.allocated();
    play_all(&server, 0..1000).await;
    let after = HEAP.allocated();
    in_use_is_down_to(before + before / 10).await;
    let back = HEAP.allocated();
    println!("bytes in use: {before} before, {after} after them, {back} once the rooms are gone");
}
