//! The promises of the room core, kept without a socket.

use super::{Input, Live, Outlet, Taken};
use crate::{
    clock::Timestamp,
    game::{Connection, Game, Identity, Newcomer, Options, decode},
    ids::{Role, RoomId, SessionId, UserId},
    prelude::*,
    protocol::{Close, Dialect},
    store::{Commit, MemoryStore, Store, StoreError},
    testing::TestRoom,
};
use futures_util::{FutureExt, future::BoxFuture};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Fails where it is told to.
#[tapaculo::game(players = 2, spectators, event = Said, empty_timeout = "1m")]
struct Fragile {
    panics_in: String,
    count: u32,
}

#[derive(Serialize)]
struct Said(String);

#[derive(Default, serde::Deserialize)]
struct FragileOptions {
    #[serde(default)]
    panics_in: String,
    #[serde(default)]
    refuse: bool,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        self.at("drop");
    }
}

impl Fragile {
    fn at(&self, place: &str) {
        assert_ne!(self.panics_in, place, "this panic is part of a test");
    }
}

#[tapaculo::game(crate = tapaculo)]
impl Fragile {
    #[create]
    fn create(room: &RoomId, options: FragileOptions) -> Result<Self, String> {
        if options.refuse {
            return Err(format!("no room `{room}` today"));
        }
        let fragile = Self {
            panics_in: options.panics_in,
            count: 0,
        };
        fragile.at("create");
        Ok(fragile)
    }

    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>, player: &Player) {
        room.broadcast(Said(format!("{} joined", player.user())));
        self.at("on_join");
    }

    #[on_full]
    fn full(&mut self, room: &mut Room<Self>) {
        room.broadcast(Said("full".to_owned()));
        self.at("on_full");
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), String> {
        room.broadcast(Said(format!("{} left", player.user())));
        self.at("on_leave");
        if self.panics_in == "nowhere: on_leave fails" {
            return Err("not so fast".to_owned());
        }
        Ok(())
    }

    #[on_empty]
    async fn empty(&mut self) {
        self.at("on_empty");
    }

    #[view]
    fn view(&self, _viewer: &Member) -> u32 {
        self.at("view");
        self.count
    }

    #[validate]
    fn all(&self, _message: &FragileMessage) -> Result<(), String> {
        self.at("a validator");
        Ok(())
    }

    #[message]
    fn count(&mut self, room: &mut Room<Self>) -> u32 {
        self.count += 1;
        room.broadcast(Said(format!("{}", self.count)));
        self.at("a handler");
        self.count
    }

    #[message]
    async fn wait(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        room.broadcast(Said("waiting".to_owned()));
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.at("an async handler");
        Err("waited in vain".to_owned())
    }

    /// Says something to one member only.
    #[message]
    fn hint(&mut self, room: &mut Room<Self>, to: UserId) {
        room.send_to(&to, Said("psst".to_owned()));
    }

    /// Says so much at once, and replies with so much.
    #[message]
    fn burst(&mut self, room: &mut Room<Self>, events: usize, bytes: usize) -> String {
        for _ in 0..events {
            room.broadcast(Said("x".repeat(bytes)));
        }
        "x".repeat(bytes)
    }

    #[message]
    fn roll(&mut self, room: &mut Room<Self>) -> u32 {
        use rand::RngExt;
        room.rng().random_range(1..=6)
    }
}

fn room(panics_in: &str) -> TestRoom<Fragile> {
    TestRoom::with_options(json!({"panics_in": panics_in}))
}

fn join_both(room: &mut TestRoom<Fragile>) {
    room.join("alice").unwrap();
    room.join("bob").unwrap();
}

/// Everything that may run in a room, up to its end.
fn live_a_little(room: &mut TestRoom<Fragile>) {
    let _ = room.join("alice");
    let _ = room.join("bob");
    for tag in ["Count", "Wait"] {
        if !room.is_over() {
            let _ = room.send("alice", json!({"type": tag}));
        }
    }
    for user in ["bob", "alice"] {
        if !room.is_over() {
            room.disconnect(user);
        }
    }
}

#[test]
fn a_panic_anywhere_in_the_game_ends_its_room_with_1011_and_what_it_said_is_not_told() {
    // Where it panics, what was said there before, and who is still there to be told 1011.
    for (place, unheard, told) in [
        ("create", "", None),
        ("on_join", "alice joined", None),
        ("view", "", None),
        ("on_full", "full", Some("alice")),
        ("a validator", "1", Some("bob")),
        ("a handler", "1", Some("bob")),
        ("an async handler", "waiting", Some("bob")),
        ("on_leave", "bob left", Some("alice")),
        ("on_empty", "", None),
    ] {
        let mut fragile = room(place);
        live_a_little(&mut fragile);
        assert!(fragile.is_over(), "{place}");
        if let Some(user) = told {
            assert_eq!(fragile.closed(user), Some(1011), "{place}");
            let heard = fragile.received(user);
            assert!(!heard.contains(&json!(unheard)), "{place}: {heard:?}");
        }
    }
    // The same life ends no room that is well.
    let mut well = room("nowhere");
    live_a_little(&mut well);
    assert!(!well.is_over());
    assert!(well.received("alice").contains(&json!("bob left")));
}

#[test]
fn whoever_causes_a_panic_is_told_internal() {
    for (place, tag) in [
        ("a validator", "Count"),
        ("a handler", "Count"),
        ("an async handler", "Wait"),
    ] {
        let mut fragile = room(place);
        fragile.join("alice").unwrap();
        let refused = fragile.send("alice", json!({"type": tag})).unwrap_err();
        assert_eq!(refused.code(), "internal", "{place}");
    }
    for place in ["create", "on_join"] {
        let refused = room(place).join("alice").unwrap_err();
        assert_eq!(refused.code(), "internal", "{place}");
    }
}

#[test]
fn a_room_that_create_refuses_is_not_made() {
    let mut refusing = TestRoom::<Fragile>::with_options(json!({"refuse": true}));
    let refused = refusing.join("alice").unwrap_err();
    assert_eq!(refused.code(), "rejected");
    assert_eq!(refused.to_string(), "no room `test` today");
    assert!(refusing.is_over());

    let mut odd = TestRoom::<Fragile>::with_options(json!({"refuse": 7}));
    let refused = odd.join("alice").unwrap_err();
    assert!(refused.to_string().starts_with("the room's options: "));
}

#[test]
fn what_a_handler_says_before_it_fails_is_dropped_and_has_no_number() {
    let mut well = room("nowhere");
    join_both(&mut well);
    well.frames("bob");
    let refused = well.send("alice", json!({"type": "Wait"})).unwrap_err();
    assert_eq!(refused.to_string(), "waited in vain");
    assert_eq!(well.frames("bob"), [json!(null); 0]);
    well.send("alice", json!({"type": "Count"})).unwrap();
    let event = json!({"seq": 4, "from": "alice", "data": "1"});
    assert_eq!(well.frames("bob"), [event]);
}

#[test]
fn a_hook_that_fails_has_said_nothing_and_the_room_goes_on() {
    let mut well = room("nowhere: on_leave fails");
    join_both(&mut well);
    well.received("alice");
    well.disconnect("bob");
    assert_eq!(well.received("alice"), [json!(null); 0]);
    well.send("alice", json!({"type": "Count"})).unwrap();
}

#[test]
fn on_full_runs_each_time_the_last_seat_is_taken_and_not_for_spectators() {
    let mut well = room("nowhere");
    join_both(&mut well);
    well.watch("carol").unwrap();
    well.join("dave").unwrap();
    let full = |events: Vec<Value>| events.iter().filter(|event| **event == "full").count();
    assert_eq!(full(well.received("alice")), 1);
    well.disconnect("bob");
    well.join("erin").unwrap();
    assert_eq!(full(well.received("alice")), 1);
}

#[test]
fn an_empty_room_is_gone_after_its_timeout_and_not_before() {
    let mut well = room("nowhere");
    join_both(&mut well);
    well.advance(Duration::from_secs(600));
    assert!(!well.is_over(), "it is not empty");
    well.disconnect("alice");
    well.disconnect("bob");
    well.advance(Duration::from_secs(59));
    well.join("carol").unwrap();
    well.advance(Duration::from_secs(600));
    assert!(!well.is_over(), "somebody came in time");
    well.disconnect("carol");
    well.advance(Duration::from_millis(59_999));
    assert!(!well.is_over());
    well.advance(Duration::from_millis(1));
    assert!(well.is_over());
}

#[test]
fn nobody_joins_a_room_that_is_over() {
    let mut fragile = room("a handler");
    fragile.join("alice").unwrap();
    fragile.send("alice", json!({"type": "Count"})).unwrap_err();
    assert_eq!(fragile.join("bob").unwrap_err().code(), "unavailable");
}

#[tokio::test]
async fn a_test_room_works_within_a_runtime_of_one_thread_too() {
    let mut well = room("nowhere");
    join_both(&mut well);
    let refused = well.send("alice", json!({"type": "Wait"})).unwrap_err();
    assert_eq!(refused.to_string(), "waited in vain");
}

#[test]
fn a_room_of_the_same_seed_rolls_the_same_dice() {
    let rolls = |seed| {
        let mut room = TestRoom::<Fragile>::with_seed(seed);
        room.join("alice").unwrap();
        let roll = |_| room.send("alice", json!({"type": "Roll"})).unwrap();
        (0..20).map(roll).collect::<Vec<_>>()
    };
    assert_eq!(rolls(1), rolls(1));
    assert_ne!(rolls(1), rolls(2));
}

/// A store that saves when it is told to, and says what it was given.
#[derive(Debug, Default)]
struct SlowStore {
    commits: Mutex<Vec<(String, Vec<u64>)>>,
    open: AtomicBool,
    fails: AtomicBool,
}

impl Store for SlowStore {
    fn commit<'a>(&'a self, commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            while !self.open.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            if self.fails.load(Ordering::SeqCst) {
                return Err(StoreError("the disk is full".to_owned()));
            }
            let seqs = commit.events.iter().map(|event| event.seq.0).collect();
            let room = commit.room.room.to_string();
            self.commits.lock().unwrap().push((room, seqs));
            Ok(())
        })
    }
}

const NOW: Timestamp = Timestamp::from_millis(1);

fn live(store: Arc<dyn Store>) -> Live<Fragile> {
    let identity = Identity {
        game: "fragile",
        room: RoomId::new("r").unwrap(),
        epoch: "e".to_owned(),
        settings: <Fragile as crate::game::Declared>::SETTINGS,
    };
    Live::new(identity, [0; 32], NOW, store)
}

fn outlet(user: &str, connection: u64, dialect: Dialect) -> Arc<Outlet> {
    let user = UserId::new(user).unwrap();
    Arc::new(Outlet::new(Connection(connection), user, dialect))
}

fn newcomer(user: &str) -> Newcomer {
    Newcomer {
        user: UserId::new(user).unwrap(),
        name: None,
        session: SessionId::new("s").unwrap(),
        role: Role::Player,
    }
}

fn join(live: &mut Live<Fragile>, outlet: &Arc<Outlet>) {
    let joining = live.join(
        Arc::clone(outlet),
        newcomer(outlet.user.as_str()),
        Options::default(),
        NOW,
    );
    pollster::block_on(joining);
}

/// Alice on connection 1 and Bob on 2, who have taken nothing yet.
fn join_two(live: &mut Live<Fragile>) -> (Arc<Outlet>, Arc<Outlet>) {
    let alice = outlet("alice", 1, Dialect::Json);
    let bob = outlet("bob", 2, Dialect::Json);
    join(live, &alice);
    join(live, &bob);
    (alice, bob)
}

fn message(connection: u64, id: u64, tag: &str) -> Input<<Fragile as Game>::Message> {
    say(connection, id, &json!({"type": tag}))
}

fn say(connection: u64, id: u64, message: &Value) -> Input<<Fragile as Game>::Message> {
    let json = serde_json::value::to_raw_value(message).unwrap();
    Input::Message {
        connection: Connection(connection),
        id: Some(id),
        message: decode::<Fragile>(&json).unwrap(),
    }
}

/// All that waits, and the goodbye if there is one.
fn drain(outlet: &Outlet) -> (Vec<Value>, Option<Close>) {
    let mut frames = VecDeque::new();
    let close = loop {
        match outlet.take(2, &mut frames) {
            Taken::More => {}
            Taken::Nothing => break None,
            Taken::Close(close) => break Some(close),
        }
    };
    let parse = |frame: &tokio_tungstenite::tungstenite::Utf8Bytes| {
        serde_json::from_str(frame.as_str()).unwrap()
    };
    (frames.iter().map(parse).collect(), close)
}

#[test]
fn nothing_leaves_the_room_before_it_is_saved() {
    let store = Arc::new(SlowStore::default());
    store.open.store(true, Ordering::SeqCst);
    let mut live = live(Arc::clone(&store) as _);
    let (alice, bob) = join_two(&mut live);
    drain(&alice);
    drain(&bob);

    store.open.store(false, Ordering::SeqCst);
    {
        let mut handling = Box::pin(live.run(message(1, 1, "Count"), NOW));
        for _ in 0..3 {
            assert!(handling.as_mut().now_or_never().is_none());
            assert_eq!(drain(&alice), (vec![], None));
            assert_eq!(drain(&bob), (vec![], None));
        }
        store.open.store(true, Ordering::SeqCst);
        pollster::block_on(handling);
    }
    let event = json!({"seq": 4, "from": "alice", "data": "1"});
    let ack = json!({"ack": 1, "seq": 4, "reply": 1});
    assert_eq!(drain(&alice), (vec![event.clone(), ack], None));
    assert_eq!(drain(&bob), (vec![event], None));
    let commits = store.commits.lock().unwrap();
    assert_eq!(commits.last(), Some(&("r".to_owned(), vec![4])));
}

#[test]
fn what_could_not_be_saved_is_told_to_nobody_and_the_room_is_given_up() {
    let store = Arc::new(SlowStore::default());
    store.open.store(true, Ordering::SeqCst);
    let mut live = live(Arc::clone(&store) as _);
    let (alice, bob) = join_two(&mut live);
    drain(&alice);
    drain(&bob);

    store.fails.store(true, Ordering::SeqCst);
    pollster::block_on(live.run(message(1, 7, "Count"), NOW));
    let (frames, close) = drain(&alice);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["error"]["code"], "unavailable");
    assert_eq!(frames[0]["id"], 7);
    assert_eq!(close, Some(Close::TryLater));
    assert_eq!(drain(&bob), (vec![], Some(Close::TryLater)));
    assert!(live.machine().is_over());
}

#[test]
fn a_connection_that_takes_nothing_is_too_slow_once_the_log_has_moved_on() {
    let mut live = live(Arc::new(MemoryStore));
    let (alice, bob) = join_two(&mut live);
    drain(&bob);
    for id in 1..=crate::log::RESUME_EVENTS as u64 {
        let now = NOW + Duration::from_secs(id);
        pollster::block_on(live.run(message(1, id, "Count"), now));
        let (frames, close) = drain(&alice);
        assert_eq!(close, None);
        assert!(frames.iter().any(|frame| frame["ack"] == id));
    }
    assert!(!bob.is_too_slow());
    let now = NOW + Duration::from_secs(5000);
    pollster::block_on(live.run(message(1, 5000, "Count"), now));
    assert!(bob.is_too_slow());
    assert_eq!(drain(&bob), (vec![], Some(Close::TooSlow)));
    assert!(!alice.is_too_slow());
}

#[test]
fn events_for_others_never_make_a_reader_slow() {
    let mut live = live(Arc::new(MemoryStore));
    let (alice, bob) = join_two(&mut live);
    drain(&bob);
    for id in 1..=2000 {
        let now = NOW + Duration::from_secs(2 * id);
        let hint = say(1, id, &json!({"type": "Hint", "to": "alice"}));
        pollster::block_on(live.run(hint, now));
        drain(&alice);
    }
    assert!(!bob.is_too_slow());
    pollster::block_on(live.run(message(1, 5000, "Count"), NOW));
    let (frames, close) = drain(&bob);
    assert_eq!((frames.len(), close), (1, None));
}

#[test]
fn what_one_handler_says_makes_nobody_slow_however_much_it_is() {
    for (events, bytes) in [(3000, 1), (3, 200_000), (1, 1_000_000)] {
        let mut live = live(Arc::new(MemoryStore));
        let (alice, bob) = join_two(&mut live);
        drain(&alice);
        drain(&bob);
        let burst = json!({"type": "Burst", "events": events, "bytes": bytes});
        pollster::block_on(live.run(say(1, 7, &burst), NOW));
        let (frames, close) = drain(&bob);
        assert_eq!((frames.len(), close), (events, None));
        let (frames, close) = drain(&alice);
        assert_eq!((frames.len(), close), (events + 1, None));
        assert_eq!(frames[events]["ack"], 7);
    }
}

#[test]
fn who_is_replaced_is_told_so_however_slow_it_is() {
    let mut live = live(Arc::new(MemoryStore));
    let (alice, bob) = join_two(&mut live);
    drain(&bob);
    for id in 1..=2000 {
        let now = NOW + Duration::from_secs(2 * id);
        pollster::block_on(live.run(message(1, id, "Count"), now));
        drain(&alice);
    }
    assert!(bob.is_too_slow());
    join(&mut live, &outlet("bob", 3, Dialect::Json));
    assert_eq!(drain(&bob), (vec![], Some(Close::Replaced)));
}

#[test]
fn a_newcomer_is_announced_before_what_is_said_about_it() {
    let mut live = live(Arc::new(MemoryStore));
    let alice = outlet("alice", 1, Dialect::Json);
    join(&mut live, &alice);
    drain(&alice);
    join(&mut live, &outlet("bob", 2, Dialect::Json));
    let (frames, _) = drain(&alice);
    assert_eq!(frames[0]["presence"]["user"], "bob");
    assert_eq!(frames[1]["data"], "bob joined");
}

#[test]
fn a_token_for_watching_does_not_take_over_a_seat() {
    let mut room = room("nowhere");
    join_both(&mut room);
    assert_eq!(room.watch("alice").unwrap_err().code(), "rejected");
    room.send("alice", json!({"type": "Count"})).unwrap();
}

#[test]
fn a_game_that_panics_when_it_is_dropped_is_gone_all_the_same() {
    let mut room = room("drop");
    join_both(&mut room);
    room.disconnect("alice");
    room.disconnect("bob");
    room.advance(Duration::from_secs(60));
    assert!(room.is_over());
}

#[test]
fn a_newcomer_is_not_slow_while_it_is_greeted_and_misses_nothing_of_what_happens_meanwhile() {
    let mut live = live(Arc::new(MemoryStore));
    let (alice, bob) = join_two(&mut live);
    // All of the greeting is taken, and none of it has been sent.
    let mut greeting = VecDeque::new();
    assert_eq!(bob.take(usize::MAX, &mut greeting), Taken::More);
    let more = 2 * crate::log::RESUME_EVENTS as u64;
    for id in 1..=more {
        pollster::block_on(live.run(message(1, id, "Count"), NOW));
        drain(&alice);
    }
    assert!(!bob.is_too_slow());
    let (frames, close) = drain(&bob);
    assert_eq!(close, None);
    let counted = frames.iter().map(|frame| frame["data"].as_str().unwrap());
    let expected: Vec<_> = (1..=more).map(|count| count.to_string()).collect();
    assert_eq!(counted.collect::<Vec<_>>(), expected);
    // Now it reads the log as everyone does.
    pollster::block_on(live.run(message(1, 5000, "Count"), NOW));
    assert_eq!(drain(&bob).0.len(), 1);
}

#[test]
fn what_waits_behind_a_greeting_is_bounded_too() {
    let mut live = live(Arc::new(MemoryStore));
    let (alice, bob) = join_two(&mut live);
    let mut id = 0;
    while !bob.is_too_slow() {
        id += 1;
        assert!(id < 100_000, "it waits without bounds");
        pollster::block_on(live.run(message(1, id, "Count"), NOW));
        drain(&alice);
    }
    assert_eq!(drain(&bob), (vec![], Some(Close::TooSlow)));
}

#[test]
fn answers_that_nobody_takes_are_bounded() {
    let alice = outlet("alice", 1, Dialect::Json);
    let pong = crate::protocol::frames::pong(&1.into());
    let most = crate::log::RESUME_BYTES / pong.len();
    for _ in 0..=most {
        alice.answer(pong.clone());
    }
    assert!(!alice.is_too_slow());
    alice.answer(pong);
    assert!(alice.is_too_slow());
}

#[test]
fn a_plain_connection_gets_no_welcome_no_synced_and_no_presence() {
    let mut live = live(Arc::new(MemoryStore));
    let alice = outlet("alice", 1, Dialect::Plain);
    join(&mut live, &alice);
    join(&mut live, &outlet("bob", 2, Dialect::Json));
    let (frames, _) = drain(&alice);
    let keys: Vec<_> = frames
        .iter()
        .map(|frame| {
            let keys = ["state", "data", "welcome", "synced", "presence"];
            keys.into_iter().find(|key| frame.get(key).is_some())
        })
        .collect();
    assert_eq!(
        keys,
        [Some("state"), Some("data"), Some("data"), Some("data")]
    );
}

#[test]
fn the_first_goodbye_counts_and_comes_after_what_was_said_before_it() {
    let mut live = live(Arc::new(MemoryStore));
    let alice = outlet("alice", 1, Dialect::Json);
    join(&mut live, &alice);
    drain(&alice);
    pollster::block_on(live.run(message(1, 1, "Count"), NOW));
    pollster::block_on(live.run(Input::Close(Close::Restarting), NOW));
    alice.dismiss(Close::Internal);
    let (frames, close) = drain(&alice);
    assert_eq!(frames.len(), 2, "the event and its ack");
    assert_eq!(close, Some(Close::Restarting));
}
