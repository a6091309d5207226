//! Ten thousand rooms with a timer each, while a thousand others play: all come at their time, and
//! cancelled ones never.
//!
//! A process of its own: what else runs in it would be late on its account.

use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tapaculo::prelude::*;
use tapaculo_tests::{DEADLINE, server::TestServer};
use tokio::time::{sleep, timeout};

/// How late a timer may come.
const LATEST: Duration = Duration::from_millis(50);

const ROOMS: usize = 10_000;

/// How many of them take their timer back: one in so many.
const CANCELLED: usize = 5;

const TABLES: usize = 1000;

/// How late the timers came.
static LATE: Mutex<Vec<Duration>> = Mutex::new(Vec::new());

/// How many came that had been cancelled.
static GHOSTS: AtomicU64 = AtomicU64::new(0);

#[tapaculo::game(event = u64, empty_timeout = "1h")]
#[derive(Default)]
struct Alarm {
    set: Option<TimerId>,
}

#[tapaculo::game]
impl Alarm {
    #[message]
    fn set(&mut self, room: &mut Room<Self>, millis: u64, cancelled: bool) {
        let after = Duration::from_millis(millis);
        let due = room.now() + after;
        self.set = Some(room.after(after, AlarmTimer::Ring { due, cancelled }));
    }

    #[message]
    fn cancel(&mut self, room: &mut Room<Self>) {
        if let Some(set) = self.set {
            room.cancel(set);
        }
    }

    #[timer]
    fn ring(&mut self, room: &mut Room<Self>, due: Timestamp, cancelled: bool) {
        assert!(room.now() >= due, "it is early");
        GHOSTS.fetch_add(u64::from(cancelled), Ordering::SeqCst);
        LATE.lock()
            .expect("not poisoned")
            .push(room.now().since(due));
    }

    /// A move in a game.
    #[message]
    fn play(&mut self, room: &mut Room<Self>, player: &Player) {
        room.broadcast(player.seat().index() as u64);
    }
}

/// Two who play, about twice a second, until it is over.
async fn play(server: Arc<TestServer>, table: usize, over: Arc<AtomicBool>) -> u64 {
    let room = format!("table {table}");
    let mut players = [
        server.join("white", &room).await,
        server.join("black", &room).await,
    ];
    let mut moves = 0;
    while !over.load(Ordering::SeqCst) {
        for player in &mut players {
            player.tell(json!({"type": "Play"})).await;
            moves += 1;
            sleep(Duration::from_millis(500)).await;
        }
    }
    moves
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_timers_come_within_50_ms_of_their_time_and_cancelled_ones_never() {
    let server = Arc::new(TestServer::start(tapaculo::Server::with_game::<Alarm>).await);
    let over = Arc::new(AtomicBool::new(false));
    let tables: Vec<_> = (0..TABLES)
        .map(|table| tokio::spawn(play(Arc::clone(&server), table, Arc::clone(&over))))
        .collect();

    // All are set before the first is due, and are due at any time in the ten seconds after that.
    let setting = Instant::now();
    let first = Duration::from_secs(30);
    let mut rng = StdRng::seed_from_u64(1);
    for hundred in 0..ROOMS / 100 {
        let set = (0..100).map(|number| {
            let room = hundred * 100 + number;
            let due = first + Duration::from_millis(rng.random_range(0..10_000));
            let server = &server;
            async move {
                let mut client = server.join("alice", &format!("room {room}")).await;
                let millis = due.saturating_sub(setting.elapsed()).as_millis() as u64;
                let cancelled = room % CANCELLED == 0;
                let set = json!({"type": "Set", "millis": millis, "cancelled": cancelled});
                client.tell(set).await;
                if cancelled {
                    client.tell(json!({"type": "Cancel"})).await;
                }
                client.close().await;
            }
        });
        join_all(set).await;
    }
    let set_in = setting.elapsed();
    assert!(
        set_in < first,
        "they took {set_in:?} to set: this machine is too slow"
    );

    // How late a thread is at the same time that does nothing but sleep: the machine's part of it.
    let bare = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let mut latest = Duration::ZERO;
            std::thread::sleep(first.saturating_sub(setting.elapsed()));
            while !over.load(Ordering::SeqCst) {
                let due = Instant::now() + Duration::from_millis(5);
                std::thread::sleep(Duration::from_millis(5));
                latest = latest.max(due.elapsed());
            }
            latest
        }
    });
    let all = ROOMS - ROOMS / CANCELLED;
    let rung = async {
        while LATE.lock().expect("not poisoned").len() < all {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let rung = timeout(first + 2 * DEADLINE, rung).await;
    rung.expect("all come");
    // Any ghost would have come by now: the last of all were due.
    let last = setting + first + Duration::from_secs(11);
    tokio::time::sleep_until(last.into()).await;
    over.store(true, Ordering::SeqCst);
    let bare = bare.join().expect("a thread that sleeps");
    let mut moves = 0;
    for table in tables {
        moves += table.await.expect("the others play on");
    }

    let mut late = std::mem::take(&mut *LATE.lock().expect("not poisoned"));
    late.sort_unstable();
    let latest = late[late.len() - 1];
    println!(
        "{} timers, set in {set_in:?}; late by {:?} (median), {:?} (99 %), {latest:?} (the last); \
         a thread that sleeps by up to {bare:?}; {moves} moves meanwhile",
        late.len(),
        late[late.len() / 2],
        late[late.len() * 99 / 100],
    );
    assert_eq!(late.len(), all);
    assert_eq!(GHOSTS.load(Ordering::SeqCst), 0);
    assert!(
        moves as usize > TABLES * 10,
        "the others play: {moves} moves"
    );
    assert!(
        latest <= LATEST + bare,
        "{latest:?}; a thread that sleeps {bare:?}"
    );
}
