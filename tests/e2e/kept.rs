//! A server that restarts goes on with its games.

use serde_json::{Value, json};
use std::path::Path;
use tapaculo::{FileStore, prelude::*};
use tapaculo_tests::{DEADLINE, client::Client, folder::Folder, server::TestServer};
use tokio::time::{Instant, sleep};

#[tapaculo::game(persist, players = 2, event = u32, reconnect = "1m")]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Tally {
    count: u32,
}

#[tapaculo::game]
impl Tally {
    #[message]
    fn count(&mut self, room: &mut Room<Self>) -> u32 {
        self.count += 1;
        room.broadcast(self.count);
        self.count
    }

    #[message]
    fn later(&self, room: &mut Room<Self>, millis: u64) {
        room.after(
            std::time::Duration::from_millis(millis),
            TallyTimer::Bell {},
        );
    }

    #[timer]
    fn bell(&mut self, room: &mut Room<Self>) {
        self.count += 100;
        room.broadcast(self.count);
    }

    #[view]
    fn view(&self) -> u32 {
        self.count
    }
}

/// The next version of the same game.
mod next {
    use tapaculo::prelude::*;

    #[derive(serde::Deserialize)]
    struct TallyV1 {
        count: u32,
    }

    #[tapaculo::game(
        persist,
        version = 2,
        name = "tally",
        players = 2,
        event = u32,
        reconnect = "1m"
    )]
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    pub(crate) struct Tally {
        counts: Vec<u32>,
    }

    #[tapaculo::game]
    impl Tally {
        #[migrate]
        fn migrate(old: SavedState) -> Result<Self, SavedStateError> {
            let TallyV1 { count } = old.read()?;
            Ok(Self {
                counts: vec![count],
            })
        }

        #[view]
        fn view(&self) -> Vec<u32> {
            self.counts.clone()
        }
    }
}

async fn open(path: &Path) -> FileStore {
    let began = Instant::now();
    loop {
        match FileStore::open(path) {
            Ok(store) => return store,
            // The server before has yet to let go of it.
            Err(error) if began.elapsed() > DEADLINE => panic!("{error}"),
            Err(_) => sleep(std::time::Duration::from_millis(5)).await,
        }
    }
}

async fn server<G: tapaculo::game::Game>(path: &Path) -> TestServer {
    let store = open(path).await;
    TestServer::start(|server| server.with_game::<G>().with_store(store)).await
}

/// Ends a server; its client is told.
async fn stop(server: TestServer, client: &mut Client) {
    let handle = server.handle.clone();
    let (closed, ()) = tokio::join!(client.closed(), handle.shutdown());
    assert_eq!(closed, Some(1012));
    server.ended().await;
}

fn count() -> Value {
    json!({"type": "Count"})
}

#[tokio::test]
async fn a_server_that_restarts_goes_on_with_its_games() {
    let folder = Folder::new("kept");
    let path = folder.path().join("games.redb");
    let first = server::<Tally>(&path).await;
    let mut alice = first.connect("alice", "r").await;
    let (_, welcome) = alice.until("welcome").await;
    let epoch = welcome["welcome"]["epoch"].as_str().unwrap().to_owned();
    let (_, ack) = alice.ask(count()).await;
    assert_eq!(ack["reply"], 1);
    alice.ask(json!({"type": "Later", "millis": 1})).await;
    let (_, rung) = alice.until("from").await;
    assert_eq!(rung["data"], 101);
    stop(first, &mut alice).await;

    let second = server::<Tally>(&path).await;
    let mut request = second.request("alice", "r");
    request.url = format!("{}?resume={epoch}-1", request.url);
    let mut alice = request.connect().await.unwrap();
    let (_, welcome) = alice.until("welcome").await;
    assert_eq!(welcome["welcome"]["resumed"], true);
    assert_eq!(welcome["welcome"]["acked"], 2);
    let (missed, _) = alice.until("synced").await;
    let said: Vec<_> = missed
        .iter()
        .filter_map(|frame| frame["data"].as_u64())
        .collect();
    assert_eq!(said, [101]);
    stop(second, &mut alice).await;

    // The next version of the program, too.
    let third = server::<next::Tally>(&path).await;
    let mut bob = third.connect("bob", "r").await;
    let (_, state) = bob.until("state").await;
    assert_eq!(state["state"], json!([101]));
    stop(third, &mut bob).await;

    // But not the one before it, which leaves it as it is.
    let fourth = server::<Tally>(&path).await;
    let mut bob = fourth.connect("bob", "r").await;
    let (_, error) = bob.until("error").await;
    assert_eq!(error["error"]["code"], "unavailable");
    assert_eq!(bob.closed().await, Some(1013));
    fourth.handle.shutdown().await;
    fourth.ended().await;
    let fifth = server::<next::Tally>(&path).await;
    let mut bob = fifth.connect("bob", "r").await;
    let (_, state) = bob.until("state").await;
    assert_eq!(state["state"], json!([101]));
}

/// A room that nobody comes back to goes on as well: its time runs.
#[tokio::test]
async fn what_was_to_happen_while_the_server_was_down_happens_when_it_is_up() {
    let folder = Folder::new("kept");
    let path = folder.path().join("games.redb");
    let first = server::<Tally>(&path).await;
    let mut alice = first.join("alice", "r").await;
    alice.ask(json!({"type": "Later", "millis": 50})).await;
    stop(first, &mut alice).await;
    let second = server::<Tally>(&path).await;
    let mut alice = second.join("alice", "r").await;
    let began = Instant::now();
    loop {
        let (_, ack) = alice.ask(count()).await;
        if ack["reply"].as_u64() > Some(100) {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "the bell never rang");
    }
}

#[tokio::test]
async fn a_backup_that_is_put_back_begins_a_new_epoch() {
    let folder = Folder::new("kept");
    let path = folder.path().join("games.redb");
    let first = server::<Tally>(&path).await;
    let mut alice = first.connect("alice", "r").await;
    let (_, welcome) = alice.until("welcome").await;
    let epoch = welcome["welcome"]["epoch"].as_str().unwrap().to_owned();
    alice.ask(count()).await;
    stop(first, &mut alice).await;

    drop(open(&path).await); // nobody has the file any more
    let store = FileStore::open_backup(&path).expect("it is a store");
    let second = TestServer::start(|server| server.with_game::<Tally>().with_store(store)).await;
    let mut request = second.request("alice", "r");
    request.url = format!("{}?resume={epoch}-1", request.url);
    let mut alice = request.connect().await.unwrap();
    let (_, welcome) = alice.until("welcome").await;
    assert_eq!(welcome["welcome"]["resumed"], false);
    assert_ne!(welcome["welcome"]["epoch"], epoch.as_str());
    let (_, state) = alice.until("state").await;
    assert_eq!(state["state"], 1, "it is what was saved");
}
