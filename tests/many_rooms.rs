//! Room after room that somebody makes up: what they take is given back.
//!
//! A process of its own: its allocator counts what server and clients have in use.

use cap::Cap;
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::{
    alloc::System,
    time::{Duration, Instant},
};
use tapaculo::{game::Game, prelude::*};
use tapaculo_tests::{DEADLINE, server::TestServer};
use tokio::time::{sleep, timeout};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// How many connections there are at a time.
const AT_ONCE: usize = 32;

/// How many other rooms are in use, so that the server is one at work.
const STANDING: usize = 100;

/// How many rooms come first, for what any later one needs: threads, timers, tables.
const FIRST: usize = 200;

/// How many bytes may be left of each room.
const MOST_LEFT: usize = 64;

/// A room that is kept for so long that most of ten thousand are there at once.
#[tapaculo::game(history = 8, event = String, empty_timeout = "8s")]
#[derive(Default)]
struct Hut;

#[tapaculo::game]
impl Hut {
    #[message]
    fn say(&mut self, room: &mut Room<Self>, text: String) {
        room.broadcast(text);
    }
}

/// The same for a hundred thousand.
#[tapaculo::game(history = 8, event = String, empty_timeout = "150s")]
#[derive(Default)]
struct House;

#[tapaculo::game]
impl House {
    #[message]
    fn say(&mut self, room: &mut Room<Self>, text: String) {
        room.broadcast(text);
    }
}

/// Goes into a room of its own, says something, and leaves.
async fn visit(server: &TestServer, number: usize) {
    // As long as a name may be.
    let room = format!("{number:0128}");
    let mut visitor = server.join("visitor", &room).await;
    visitor.tell(json!({"type": "Say", "text": "hello"})).await;
    visitor.close().await;
}

/// Waits until no more than so many bytes are in use; answers with how many are.
async fn back_to(most: usize, time: Duration) -> usize {
    let back = async {
        while HEAP.allocated() > most {
            sleep(Duration::from_millis(50)).await;
        }
    };
    // What is still in use then is for the caller to judge.
    let _ = timeout(time, back).await;
    HEAP.allocated()
}

/// Makes up so many rooms of a game that keeps an empty one for so long.
async fn make_up<G: Game>(rooms: usize, kept: Duration) {
    let never = Duration::from_secs(24 * 60 * 60);
    let server = TestServer::start(|server| {
        // The members of the standing rooms are not asked whether they live, since they do not read.
        server.with_game::<G>().with_heartbeat(never, never)
    });
    let server = server.await;
    let mut standing = Vec::new();
    for number in 0..STANDING {
        standing.push(server.join("visitor", &format!("standing {number}")).await);
    }
    let visits = |numbers: std::ops::Range<usize>| {
        let visits = stream::iter(numbers).map(|number| visit(&server, number));
        visits.buffer_unordered(AT_ONCE).count()
    };
    visits(0..FIRST).await;
    let with_first = HEAP.allocated();
    let before = back_to(0, kept + DEADLINE / 10).await;
    assert!(before < with_first, "the first rooms are gone");

    let start = Instant::now();
    visits(FIRST..FIRST + rooms).await;
    let took = start.elapsed();
    let all = HEAP.allocated();
    let after = back_to(before + before / 50, kept + DEADLINE).await;
    println!(
        "many rooms: {rooms} rooms in {} s; bytes in use: {before} before, {all} with all of them, \
         {after} when their time was over",
        took.as_secs()
    );
    // Were they not there, there would be nothing to give back.
    assert!(
        all > before + 256 * rooms,
        "{} bytes a room",
        (all - before) / rooms
    );
    assert!(
        after <= before + before / 10,
        "{after} bytes, {before} before"
    );
    // Most of what is in use is the test's own connections: of the rooms themselves less is left
    // than their names.
    let left = after.saturating_sub(before) / rooms;
    assert!(left < MOST_LEFT, "{left} bytes a room are left");
    drop(standing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_rooms_give_their_memory_back_once_their_time_is_over() {
    make_up::<Hut>(10_000, Duration::from_secs(8)).await;
}

#[ignore = "takes minutes: `./tests/run --long` runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_rooms_give_their_memory_back_once_their_time_is_over() {
    make_up::<House>(100_000, Duration::from_secs(150)).await;
}
