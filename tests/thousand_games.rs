//! A thousand games of chess through one server: nothing is lost on the way, and nothing is left
//! behind.
//!
//! A process of its own: its allocator counts what server and clients have in use, since what an
//! allocator keeps of what was freed is no measure of either.

#[path = "../examples/chess_server/chess.rs"]
mod chess;
#[path = "../examples/chess_server/clock.rs"]
mod clock;
#[path = "../examples/chess_server/outcome.rs"]
mod outcome;
#[path = "../examples/chess_server/position.rs"]
mod position;
#[path = "../examples/chess_server/wire.rs"]
mod wire;

use cap::Cap;
use std::{
    alloc::System,
    sync::Arc,
    time::{Duration, Instant},
};
use tapaculo_tests::{DEADLINE, chess::play_all, server::TestServer};
use tokio::time::{sleep, timeout};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// For how long nothing may go any more until all that was to go is gone: longer than a room of
/// chess is kept when it is empty.
const QUIET: Duration = Duration::from_secs(12);

const GAMES: u64 = 1000;

/// How many other games stand while those are played, so that the server is one in use.
const TABLES: usize = 10;

/// How many bytes may be left of each game: less than anything that is kept for it.
const MOST_LEFT: u64 = 32;

/// Waits until the bytes in use go down no further, and answers with how many they are.
async fn settled() -> usize {
    let settling = async {
        let mut lowest = (HEAP.allocated(), Instant::now());
        while lowest.1.elapsed() < QUIET {
            sleep(Duration::from_millis(50)).await;
            if HEAP.allocated() < lowest.0 {
                lowest = (HEAP.allocated(), Instant::now());
            }
        }
        lowest.0
    };
    let settled = timeout(5 * DEADLINE, settling).await;
    settled.expect("it settles in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_games_lose_repeat_and_reorder_nothing_and_leave_nothing_behind() {
    // Those who sit at the standing tables do not read, so they are not asked whether they live.
    let server = TestServer::start(|server| {
        let never = Duration::from_secs(24 * 60 * 60);
        server
            .with_game::<chess::Chess>()
            .with_heartbeat(never, never)
    });
    let server = Arc::new(server.await);
    // The first games leave what any later one needs: threads, timers, tables.
    play_all(&server, 1000..1064).await;
    let mut standing = Vec::new();
    for table in 0..TABLES {
        for user in ["white", "black"] {
            standing.push(server.join(user, &format!("table {table}")).await);
        }
    }
    let before = settled().await;
    play_all(&server, 0..GAMES).await;
    let after = HEAP.allocated();
    let back = settled().await;
    println!(
        "bytes in use: {before} before the thousand games, {after} after them, {back} once the \
         rooms are gone"
    );
    assert!(
        back <= before + before / 10,
        "{back} bytes, {before} before"
    );
    let grown = back.saturating_sub(before) as u64;
    assert!(
        grown < MOST_LEFT * GAMES,
        "{} bytes a game are left",
        grown / GAMES
    );
    drop(standing);
}
