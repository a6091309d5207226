//! A room that is kept: what is saved of it, when, and what it is when it is gone on with.

use super::NoAlarm;
use crate::{
    clock::Timestamp,
    game::{Connection, Declared, Game, Identity, Newcomer, Options, Posts},
    ids::{Role, RoomId, Seat, SessionId, UserId},
    prelude::*,
    protocol::{Close, Dialect, Outgoing, Position, Seq},
    room::{Departure, Ear, Found, Input, Keep, Live, Outlet, Taken, Ticket},
    store::{Cells, Claim, Claimed, Commit, NodeId, RoomKey, Store, StoreError, Then},
    testing::TestRoom,
};
use futures_util::{FutureExt, future::BoxFuture};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// What was said, and a few things more that a room has.
#[tapaculo::game(
    persist,
    players = 3,
    spectators,
    event = String,
    history = 5,
    reconnect = "30s",
    crate = tapaculo
)]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Diary {
    lines: Vec<String>,
    /// Its keys are no strings.
    marks: BTreeMap<(u8, u8), f32>,
}

#[tapaculo::game(crate = tapaculo)]
impl Diary {
    #[message]
    fn write(&mut self, room: &mut Room<Self>, player: &Player, line: String) -> usize {
        self.lines.push(line.clone());
        self.marks.insert((1, self.lines.len() as u8), 0.5);
        room.broadcast(format!("{}: {line}", player.user()));
        self.lines.len()
    }

    #[message]
    fn whisper(&self, room: &mut Room<Self>, to: UserId, line: String) {
        room.send_to(&to, line);
    }

    #[message]
    fn smudge(&mut self) -> Result<(), String> {
        self.lines.push("never".to_owned());
        Err("no".to_owned())
    }

    #[message]
    fn drop_it(&mut self) {
        self.lines.clear();
        panic!("this panic is part of a test");
    }

    #[message]
    fn redact(&self, room: &mut Room<Self>, seq: u64) {
        room.redact(seq);
    }

    #[message]
    fn throw(&self, room: &mut Room<Self>) -> u32 {
        room.rng().random_range(1..=1_000_000)
    }

    #[message]
    fn later(&self, room: &mut Room<Self>, seconds: u64, line: String) -> TimerId {
        room.after(Duration::from_secs(seconds), DiaryTimer::Remind { line })
    }

    #[message]
    fn never_mind(&self, room: &mut Room<Self>, timer: TimerId) {
        room.cancel(timer);
    }

    #[message]
    fn call_me(&self, room: &mut Room<Self>, player: &Player, name: String) {
        room.set_metadata(player.user(), Metadata::named(name));
    }

    #[timer]
    fn remind(&mut self, room: &mut Room<Self>, line: String) {
        self.lines.push(line.clone());
        room.broadcast(format!("remember {line}"));
    }

    #[on_disconnect]
    fn lost(&mut self, room: &mut Room<Self>, player: &Player) {
        self.lines.push(format!("{} is away", player.user()));
        room.broadcast(format!("{} is away", player.user()));
    }

    #[on_reconnect]
    fn found(&mut self, room: &mut Room<Self>, player: &Player) {
        room.broadcast(format!("{} is back", player.user()));
    }

    #[view]
    fn view(&self) -> Vec<String> {
        self.lines.clone()
    }
}

/// A store in memory that keeps what it is given, as a real one would.
#[derive(Debug, Default)]
struct Shelf {
    cells: Mutex<Cells>,
    number: AtomicU64,
    /// Saves nothing until it is told to.
    holds: AtomicBool,
    fails: AtomicBool,
    /// Has lost what it had.
    is_behind: AtomicBool,
}

impl Shelf {
    fn cells(&self) -> Cells {
        self.cells.lock().unwrap().clone()
    }
}

impl Store for Shelf {
    fn keeps(&self) -> bool {
        true
    }

    fn claim<'a>(
        &'a self,
        _room: &'a RoomKey,
        _from: Option<&'a NodeId>,
    ) -> BoxFuture<'a, Result<Claimed, StoreError>> {
        Box::pin(async { Ok(Claimed::Ours(Claim::default())) })
    }

    fn commit<'a>(&'a self, commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            while self.holds.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            if self.fails.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("the disk is full".to_owned()));
            }
            let mut cells = self.cells.lock().unwrap();
            if commit.anew {
                cells.clear();
                self.is_behind.store(false, Ordering::SeqCst);
            } else if self.is_behind.load(Ordering::SeqCst) {
                return Err(StoreError::Behind);
            }
            assert_eq!(
                commit.number,
                self.number.fetch_add(1, Ordering::SeqCst) + 1
            );
            cells.extend(commit.put);
            for cell in commit.delete {
                cells.remove(&cell);
            }
            if commit.then == Then::Remove {
                cells.clear();
            }
            Ok(())
        })
    }

    fn left(&self) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn live<G: Game>(shelf: &Arc<Shelf>) -> Live<G> {
    let settings = <G as Declared>::SETTINGS;
    let room = RoomId::new("r").unwrap();
    let identity = Identity {
        game: G::NAME,
        room: room.clone(),
        epoch: "e".to_owned(),
        settings,
        opened: 0,
    };
    let key = RoomKey {
        game: G::NAME.into(),
        room,
    };
    let number = shelf.number.load(Ordering::SeqCst);
    let keep = Keep::new(Arc::clone(shelf) as _, None, key, 1, number, &settings);
    let posts = Posts::new(|| ());
    Live::new(identity, None, [7; 32], NOW, posts, Arc::new(NoAlarm), keep)
}

/// The room as another process would go on with it.
fn again<G: Game>(shelf: &Arc<Shelf>, missing_until: Timestamp) -> Live<G> {
    let mut again = live(shelf);
    again.restore(&shelf.cells(), missing_until).unwrap();
    again
}

fn run<T>(code: impl Future<Output = T>) -> T {
    code.now_or_never().expect("it does not wait")
}

fn outlet(user: &str, connection: u64) -> Arc<Outlet> {
    let user = UserId::new(user).unwrap();
    Arc::new(Outlet::new(Connection(connection), user, Dialect::Json))
}

fn newcomer(user: &str, position: Option<Seq>) -> Newcomer {
    Newcomer {
        user: UserId::new(user).unwrap(),
        name: None,
        session: SessionId::new("s").unwrap(),
        role: Role::Player,
        position: position.map(|seq| Position {
            epoch: "e".to_owned(),
            seq,
        }),
        expires: None,
        came: NOW,
    }
}

fn join<G: Game>(live: &mut Live<G>, user: &str, connection: u64, now: Timestamp) -> Arc<Outlet> {
    let outlet = outlet(user, connection);
    let ear = Ear::Here(Arc::clone(&outlet));
    let newcomer = newcomer(user, None);
    run(live.mourn(&newcomer, now));
    run(live.join(ear, newcomer, Options::default(), now));
    outlet
}

fn say<G: Game>(connection: u64, id: u64, message: &Value) -> Input<G::Message> {
    let json = serde_json::value::to_raw_value(message).unwrap();
    Input::Message {
        connection: Connection(connection),
        ticket: Some(Ticket::new(id, json.get())),
        message: Ok(G::read(&json).unwrap()),
    }
}

fn write(connection: u64, id: u64, line: &str) -> Input<<Diary as Game>::Message> {
    say::<Diary>(connection, id, &json!({"type": "Write", "line": line}))
}

/// All that waits, and the goodbye if there is one.
fn drain(outlet: &Outlet) -> (Vec<Value>, Option<Close>) {
    let mut frames = VecDeque::new();
    let close = loop {
        match outlet.take(2, &mut frames) {
            Taken::More => {}
            Taken::Nothing => break None,
            Taken::Close(goodbye) => break Some(goodbye.close),
        }
    };
    let parse = |frame: &Outgoing| serde_json::from_str(frame.as_json()).unwrap();
    (frames.iter().map(parse).collect(), close)
}

fn all_cells<G: Game>(live: &Live<G>) -> Cells {
    let nothing = crate::room::Effects::default();
    live.machine().all_cells(&nothing).into_iter().collect()
}

#[test]
fn nothing_leaves_the_room_before_it_is_saved() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    let (alice, bob) = (
        join(&mut live, "alice", 1, NOW),
        join(&mut live, "bob", 2, NOW),
    );
    drain(&alice);
    drain(&bob);
    shelf.holds.store(true, Ordering::SeqCst);
    {
        let mut handling = Box::pin(live.run(write(1, 1, "one"), NOW));
        for _ in 0..3 {
            assert!(handling.as_mut().now_or_never().is_none());
            assert_eq!(drain(&alice), (vec![], None));
            assert_eq!(drain(&bob), (vec![], None));
        }
        shelf.holds.store(false, Ordering::SeqCst);
        run(handling);
    }
    let event = json!({"seq": 1, "from": "alice", "data": "alice: one"});
    let ack = json!({"ack": 1, "seq": 1, "reply": 1});
    assert_eq!(drain(&alice), (vec![event.clone(), ack], None));
    assert_eq!(drain(&bob), (vec![event], None));
    assert!(shelf.cells().contains_key("event:1"));
}

#[test]
fn what_could_not_be_saved_is_told_to_nobody_and_the_room_is_given_up() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    let (alice, bob) = (
        join(&mut live, "alice", 1, NOW),
        join(&mut live, "bob", 2, NOW),
    );
    drain(&alice);
    drain(&bob);
    let before = shelf.cells();
    shelf.fails.store(true, Ordering::SeqCst);
    run(live.run(write(1, 7, "one"), NOW));
    // Not even that it was refused: it may have been saved after all.
    assert_eq!(drain(&alice), (vec![], Some(Close::TryLater)));
    assert_eq!(drain(&bob), (vec![], Some(Close::TryLater)));
    assert!(live.machine().is_over());
    assert_eq!(shelf.cells(), before, "what was saved stays");
}

#[test]
fn a_room_goes_on_where_it_was() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    join(&mut live, "alice", 1, NOW);
    join(&mut live, "bob", 2, NOW);
    run(live.run(write(1, 1, "one"), NOW));
    run(live.run(
        say::<Diary>(2, 1, &json!({"type": "CallMe", "name": "Bob"})),
        NOW,
    ));
    run(live.run(
        say::<Diary>(
            1,
            2,
            &json!({"type": "Later", "seconds": 5, "line": "milk"}),
        ),
        NOW,
    ));
    run(live.run(say::<Diary>(1, 3, &json!({"type": "Smudge"})), NOW));
    let next = run(async {
        let mut other = again::<Diary>(&shelf, NOW + Duration::from_secs(60));
        let bob = outlet("bob", 9);
        let found = Found {
            user: bob.user.clone(),
            session: SessionId::new("s").unwrap(),
            came: NOW,
            connection: bob.connection,
        };
        other
            .found(vec![(Ear::Here(Arc::clone(&bob)), found)], NOW)
            .await;
        other
    });
    drop(live);
    let mut live = next;
    let bob = live.machine().table().roster.by_name("bob").unwrap();
    assert_eq!(bob.connection, Some(Connection(9)));
    assert_eq!(bob.member.name(), Some("Bob"));
    assert_eq!(live.machine().game().unwrap().lines, ["one"]);

    // Alice comes back with the position she had: she missed nothing, and her message is answered
    // as it was.
    let alice = outlet("alice", 10);
    let ear = Ear::Here(Arc::clone(&alice));
    let newcomer = newcomer("alice", Some(Seq(1)));
    assert!(run(live.mourn(&newcomer, NOW)));
    run(live.join(ear, newcomer, Options::default(), NOW));
    let (frames, _) = drain(&alice);
    assert_eq!(frames[0]["welcome"]["resumed"], true);
    assert_eq!(frames[0]["welcome"]["acked"], 3);
    assert_eq!(frames[0]["welcome"]["seat"], 0);
    let said: Vec<_> = frames
        .iter()
        .filter_map(|frame| frame["data"].as_str())
        .collect();
    assert_eq!(said, ["alice is away", "alice is back"]);
    run(live.run(write(10, 1, "one"), NOW));
    let (frames, _) = drain(&alice);
    assert_eq!(frames, [json!({"ack": 1, "seq": 1, "reply": 1})]);
    run(live.run(write(10, 1, "two"), NOW));
    assert_eq!(drain(&alice).0[0]["error"]["code"], "conflict");

    run(live.run(Input::Due, NOW + Duration::from_secs(5)));
    assert_eq!(drain(&alice).0[0]["data"], "remember milk");
    let lines = &live.machine().game().unwrap().lines;
    assert_eq!(lines, &["one", "alice is away", "milk"]);
}

#[test]
fn members_whose_connections_nobody_has_are_taken_for_lost() {
    let shelf = Arc::new(Shelf::default());
    let mut first = live::<Diary>(&shelf);
    join(&mut first, "alice", 1, NOW);
    join(&mut first, "bob", 2, NOW);
    let mut live = again::<Diary>(&shelf, NOW + Duration::from_secs(3));
    assert_eq!(live.deadline(), Some(NOW + Duration::from_secs(3)));
    for _ in 0..2 {
        run(live.run(Input::Due, NOW + Duration::from_secs(3)));
    }
    let lines = &live.machine().game().unwrap().lines;
    assert_eq!(lines, &["alice is away", "bob is away"]);
    let held = Some(NOW + Duration::from_secs(33));
    let places = live.machine().table().roster.places();
    assert!(places.into_iter().all(|place| place.held_until == held));
}

#[test]
fn a_missing_connection_keeps_its_place_against_one_that_is_older() {
    let shelf = Arc::new(Shelf::default());
    join(&mut live::<Diary>(&shelf), "alice", 1, NOW);
    let mut live = again::<Diary>(&shelf, NOW + Duration::from_secs(3));
    let earlier = Timestamp::from_millis(998_000);

    // It was held up on its way.
    let late = outlet("alice", 2);
    let newcomer = Newcomer {
        came: earlier,
        ..newcomer("alice", None)
    };
    assert!(!run(live.mourn(&newcomer, NOW)));
    let ear = Ear::Here(Arc::clone(&late));
    run(live.join(ear, newcomer, Options::default(), NOW));
    assert_eq!(drain(&late), (Vec::new(), Some(Close::Moved)));

    // It was replaced, and nobody could tell it so; the one that has replaced it is there as well.
    let mut ears = Vec::new();
    for (connection, came) in [(3, earlier), (4, NOW)] {
        let outlet = outlet("alice", connection);
        let found = Found {
            user: outlet.user.clone(),
            session: SessionId::new("s").unwrap(),
            came,
            connection: outlet.connection,
        };
        ears.push((Ear::Here(outlet), found));
    }
    let [Ear::Here(old), Ear::Here(new)] = [&ears[0].0, &ears[1].0] else {
        unreachable!();
    };
    let (old, new) = (Arc::clone(old), Arc::clone(new));
    run(live.found(ears, NOW));
    assert_eq!(drain(&old).1, Some(Close::Replaced));
    assert_eq!(drain(&new).1, None);
    let place = live.machine().table().roster.by_name("alice").unwrap();
    assert_eq!(place.connection, Some(new.connection));
}

#[test]
fn a_handler_that_fails_leaves_the_state_as_it_was_saved() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    let alice = join(&mut live, "alice", 1, NOW);
    run(live.run(write(1, 1, "one"), NOW));
    for (id, tag) in [(2, "Smudge"), (3, "DropIt")] {
        run(live.run(say::<Diary>(1, id, &json!({"type": tag})), NOW));
        assert_eq!(live.machine().game().unwrap().lines, ["one"]);
    }
    let (frames, close) = drain(&alice);
    assert_eq!(frames.last().unwrap()["error"]["code"], "internal");
    assert_eq!(close, None, "the room goes on");
}

#[test]
fn a_handler_that_fails_leaves_the_state_as_a_test_has_set_it() {
    let mut room = TestRoom::<Diary>::new();
    room.join("alice").unwrap();
    room.state_mut().lines = vec!["set".to_owned()];
    room.send("alice", json!({"type": "Smudge"})).unwrap_err();
    assert_eq!(room.state().lines, ["set"]);
    room.state_mut().lines = vec!["again".to_owned()];
    room.restart();
    assert_eq!(room.state().lines[0], "again");
}

#[test]
fn a_store_that_has_lost_what_it_had_gets_all_of_it_again() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    let alice = join(&mut live, "alice", 1, NOW);
    run(live.run(write(1, 1, "one"), NOW));
    shelf.cells.lock().unwrap().clear();
    shelf.is_behind.store(true, Ordering::SeqCst);
    drain(&alice);
    run(live.run(write(1, 2, "two"), NOW));
    let (frames, close) = drain(&alice);
    assert_eq!((frames.len(), close), (2, None));
    assert_eq!(shelf.cells(), all_cells(&live));
    assert!(shelf.cells().contains_key("event:1"));
}

#[test]
fn a_room_that_is_closed_leaves_nothing() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    join(&mut live, "alice", 1, NOW);
    assert!(!shelf.cells().is_empty());
    run(live.run(Input::Leave(Connection(1), Departure::GaveUp), NOW));
    let end = live.deadline().unwrap();
    run(live.run(Input::Due, end));
    assert!(live.machine().is_over());
    assert!(shelf.cells().is_empty());
}

#[test]
fn a_room_that_is_handed_over_stays() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    let alice = join(&mut live, "alice", 1, NOW);
    run(live.run(write(1, 1, "one"), NOW));
    run(live.run(Input::Close(Close::Restarting), NOW));
    assert_eq!(drain(&alice).1, Some(Close::Restarting));
    let live = again::<Diary>(&shelf, NOW);
    assert_eq!(live.machine().game().unwrap().lines, ["one"]);
}

#[test]
fn a_store_that_has_lost_what_it_had_gets_all_of_a_room_that_is_handed_over() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    let alice = join(&mut live, "alice", 1, NOW);
    let before = shelf.cells();
    run(live.run(write(1, 1, "one"), NOW));
    *shelf.cells.lock().unwrap() = before;
    shelf.is_behind.store(true, Ordering::SeqCst);
    run(live.run(Input::Close(Close::Restarting), NOW));
    assert_eq!(drain(&alice).1, Some(Close::Restarting));
    let live = again::<Diary>(&shelf, NOW);
    assert_eq!(live.machine().game().unwrap().lines, ["one"]);
    let place = live.machine().table().roster.by_name("alice").unwrap();
    assert_eq!(place.member.seat(), Some(Seat::new(0)));
}

#[test]
fn a_store_that_has_lost_what_it_had_keeps_nothing_of_a_room_that_is_closed() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Diary>(&shelf);
    join(&mut live, "alice", 1, NOW);
    run(live.run(Input::Leave(Connection(1), Departure::GaveUp), NOW));
    shelf.is_behind.store(true, Ordering::SeqCst);
    let end = live.deadline().unwrap();
    run(live.run(Input::Due, end));
    assert!(live.machine().is_over());
    assert!(shelf.cells().is_empty());
}

/// May lose as much as happens in two seconds.
#[tapaculo::game(persist = "2s", event = u32, crate = tapaculo)]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Hasty {
    count: u32,
}

#[tapaculo::game(crate = tapaculo)]
impl Hasty {
    #[message]
    fn count(&mut self, room: &mut Room<Self>) {
        self.count += 1;
        room.broadcast(self.count);
    }
}

#[test]
fn a_game_that_may_lose_some_is_saved_now_and_then_and_at_its_end() {
    let shelf = Arc::new(Shelf::default());
    let mut live = live::<Hasty>(&shelf);
    let count = |id| say::<Hasty>(1, id, &json!({"type": "Count"}));
    let alice = join(&mut live, "alice", 1, NOW);
    // Before anything may be missing in it, the record says so.
    assert!(!crate::room::past(&shelf.cells()).unwrap().is_complete);
    let saved = shelf.cells();
    run(live.run(count(1), NOW));
    assert!(drain(&alice).0.iter().any(|frame| frame["data"] == 1));
    assert_eq!(shelf.cells(), saved, "it was told before it is saved");
    let due = NOW + Duration::from_secs(2);
    assert_eq!(live.deadline(), Some(due));
    run(live.run(Input::Due, due));
    assert_eq!(
        again::<Hasty>(&shelf, NOW).machine().game().unwrap().count,
        1
    );
    run(live.run(count(2), due));
    assert_eq!(
        again::<Hasty>(&shelf, NOW).machine().game().unwrap().count,
        1
    );
    run(live.run(Input::Close(Close::Restarting), due));
    assert_eq!(
        again::<Hasty>(&shelf, NOW).machine().game().unwrap().count,
        2
    );
    assert!(crate::room::past(&shelf.cells()).unwrap().is_complete);

    // Who goes on with it says so first, too, and after a store has lost what it had.
    let mut live = again::<Hasty>(&shelf, NOW);
    join(&mut live, "alice", 2, NOW);
    assert!(!crate::room::past(&shelf.cells()).unwrap().is_complete);
    shelf.is_behind.store(true, Ordering::SeqCst);
    run(live.run(say::<Hasty>(2, 3, &json!({"type": "Count"})), NOW));
    let due = live.deadline().unwrap();
    run(live.run(Input::Due, due));
    assert!(crate::room::past(&shelf.cells()).unwrap().is_complete);
    run(live.run(say::<Hasty>(2, 4, &json!({"type": "Count"})), due));
    assert!(!crate::room::past(&shelf.cells()).unwrap().is_complete);
    assert_eq!(
        again::<Hasty>(&shelf, NOW).machine().game().unwrap().count,
        4
    );
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_that_says_why() {
    let shelf = Arc::new(Shelf::default());
    let mut first = live::<Diary>(&shelf);
    join(&mut first, "alice", 1, NOW);
    run(first.run(write(1, 1, "one"), NOW));
    let good = shelf.cells();
    let spoil: [(&str, &[u8], &str); 5] = [
        ("head", b"\xc1", "its cell `head`"),
        ("state", b"\x01", "its state"),
        ("event:1", b"\xc0", "its cell `event:1`"),
        ("place:x", b"\xc0", "its cell `place:x`"),
        ("answer:0\nalice", b"\xc0", "its cell `answer:0\\nalice`"),
    ];
    for (cell, bytes, words) in spoil {
        let mut cells = good.clone();
        cells.insert(cell.to_owned(), bytes.to_vec());
        let why = live::<Diary>(&shelf)
            .restore(&cells, NOW)
            .unwrap_err()
            .to_string();
        assert!(why.starts_with(words), "{why}");
    }
    assert_eq!(shelf.cells(), good);
}

/// The next version of the diary, by somebody who is sure of the one before.
#[tapaculo::game(persist, version = 2, name = "diary", crate = tapaculo)]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct SureDiary {
    first: String,
}

#[tapaculo::game(crate = tapaculo)]
impl SureDiary {
    #[migrate]
    fn migrate(old: SavedState) -> Result<Self, SavedStateError> {
        let Diary { lines, .. } = old.read()?;
        Ok(Self {
            first: lines[0].clone(),
        })
    }
}

#[test]
fn a_migration_that_panics_is_an_error_like_any_other() {
    let shelf = Arc::new(Shelf::default());
    let mut first = live::<Diary>(&shelf);
    join(&mut first, "alice", 1, NOW);
    let none = shelf.cells();
    run(first.run(write(1, 1, "one"), NOW));
    let mut sure = live::<SureDiary>(&shelf);
    let why = sure.restore(&none, NOW).unwrap_err().to_string();
    assert!(why.starts_with("its state: panicked: index out"), "{why}");
    sure.restore(&shelf.cells(), NOW).unwrap();
    assert_eq!(sure.machine().game().unwrap().first, "one");
}

/// Whatever happens, what was saved piece by piece is what there is, and a room made of it is the same.
#[test]
fn what_is_saved_is_what_there_is_whatever_happens() {
    for seed in 0..15 {
        let mut rng = StdRng::seed_from_u64(seed);
        let shelf = Arc::new(Shelf::default());
        let mut live = live::<Diary>(&shelf);
        let mut now = NOW;
        let mut next = 1;
        let mut ids = 0;
        for step in 0..150 {
            now = now + Duration::from_millis(rng.random_range(0..3000));
            let user = ["alice", "bob", "carol", "dave"][rng.random_range(0..4)];
            let place = live.machine().table().roster.by_name(user);
            let connection = place.and_then(|place| place.connection);
            ids += 1;
            let message = match rng.random_range(0..9) {
                0 | 1 => json!({"type": "Write", "line": "x".repeat(rng.random_range(0..3000))}),
                2 => json!({"type": "Whisper", "to": "bob", "line": "psst"}),
                3 => json!({"type": "Redact", "seq": rng.random_range(1..20)}),
                4 => json!({"type": "Throw"}),
                5 => json!({"type": "Later", "seconds": rng.random_range(1..20), "line": "z"}),
                6 => json!({"type": "NeverMind", "timer": rng.random_range(1..9)}),
                7 => json!({"type": "CallMe", "name": user.to_uppercase()}),
                _ => json!({"type": "Smudge"}),
            };
            match (connection, rng.random_range(0..20)) {
                (None, _) => {
                    join(&mut live, user, next, now);
                    next += 1;
                }
                (Some(connection), 0) => {
                    run(live.run(Input::Leave(connection, Departure::GaveUp), now));
                }
                (Some(connection), 1) => {
                    run(live.run(Input::Leave(connection, Departure::Dropped), now));
                }
                (Some(_), 2 | 3) => run(live.run(Input::Due, now)),
                (Some(_), 4) => {
                    live = again(&shelf, now + Duration::from_secs(1));
                }
                (Some(Connection(connection)), _) => {
                    run(live.run(say::<Diary>(connection, ids, &message), now));
                }
            }
            if live.machine().is_over() {
                assert!(shelf.cells().is_empty());
                break;
            }
            let saved = shelf.cells();
            // What has just been let go is deleted with the next commit.
            let mut there = all_cells(&live);
            let going = |cell: &String| cell.starts_with("event:") && !there.contains_key(cell);
            let gone: Vec<_> = saved.keys().filter(|cell| going(cell)).cloned().collect();
            assert!(gone.len() <= 3, "seed {seed}, step {step}: {gone:?}");
            let mut saved = saved;
            saved.retain(|cell, _| !gone.contains(cell));
            for cells in [&mut saved, &mut there] {
                // They are in order of their time, and that is in the head.
                cells.remove("head");
                cells.remove("forgotten");
            }
            let differ: Vec<_> = saved
                .iter()
                .filter(|(cell, bytes)| there.get(*cell) != Some(bytes))
                .map(|(cell, _)| cell)
                .chain(there.keys().filter(|cell| !saved.contains_key(*cell)))
                .collect();
            assert!(differ.is_empty(), "seed {seed}, step {step}: {differ:?}");
            let other = again::<Diary>(&shelf, now);
            let other: Cells = all_cells(&other);
            for (cell, bytes) in &there {
                assert_eq!(
                    other.get(cell),
                    Some(bytes),
                    "seed {seed}, step {step}: {cell}"
                );
            }
        }
    }
}
