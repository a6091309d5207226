//! Testing a game: a room in memory, with a clock that stands still and a fixed seed.
//!
//! A [`TestRoom`] drives the same room core as the server, without a socket and without a runtime
//! to set up. Its clock stands still until [`advance`](TestRoom::advance): timers, ticks and
//! reconnection times then come one by one, each at its time. What is posted through a
//! [`RoomHandle`](crate::RoomHandle) is done with the next call that takes `&mut self`. Only a handler that waits for
//! something outside of the room, as with `tokio::time::sleep`, waits for real. The guide has
//! [a chapter](crate::docs::testing) about it.
//!
//! ```
//! use tapaculo::{prelude::*, testing::TestRoom};
//! use serde_json::json;
//!
//! #[derive(serde::Serialize)]
//! enum Said { Count(u32) }
//!
//! #[tapaculo::game(players = 2, event = Said)]
//! #[derive(Default)]
//! struct Counter { count: u32 }
//!
//! #[tapaculo::game]
//! impl Counter {
//!     #[message]
//!     fn add(&mut self, room: &mut Room<Self>, amount: u32) -> Result<u32, String> {
//!         self.count = self.count.checked_add(amount).ok_or("too much")?;
//!         room.broadcast(Said::Count(self.count));
//!         Ok(self.count)
//!     }
//! }
//!
//! let mut room = TestRoom::<Counter>::new();
//! room.join("alice").unwrap();
//! room.join("bob").unwrap();
//! let reply = room.send("alice", json!({"type": "Add", "amount": 3})).unwrap();
//! assert_eq!(reply, Some(json!(3)));
//! assert_eq!(room.received("bob"), [json!({"Count": 3})]);
//! let refused = room.send("bob", json!({"type": "Add", "amount": u32::MAX})).unwrap_err();
//! assert_eq!(refused.code(), "rejected");
//! assert_eq!(refused.to_string(), "too much");
//! ```

mod drive;
mod member;

pub use self::member::Refused;

use self::{
    drive::TestAlarm,
    member::{TestMember, refusal},
};
use crate::{
    clock::Timestamp,
    game::{Connection, Game, Identity, Newcomer, Options, Posts},
    ids::{Role, RoomId, SessionId, UserId},
    protocol::{Close, Dialect, Position, Seq},
    room::{self, Departure, Ear, Effects, Input, Keep, Live, Outlet, Ticket},
};
use serde_json::{Value, value::RawValue};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// When a test room's time begins: 1 January 2025, 00:00 UTC.
const BEGINNING: Timestamp = Timestamp::from_millis(1_735_689_600_000);

/// A room of a game in memory: the [module](self) has an example, and the guide a
/// [chapter](crate::docs::testing).
pub struct TestRoom<G: Game> {
    live: Live<G>,
    /// What code outside the room asks of it.
    posts: Arc<Posts>,
    alarm: Arc<TestAlarm>,
    options: Options,
    now: Timestamp,
    next_connection: u64,
    /// The test has had the state in hand since the last input.
    is_state_set: bool,
    failures: Vec<String>,
    members: BTreeMap<String, TestMember>,
}

impl<G: Game> fmt::Debug for TestRoom<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRoom")
            .field("now", &self.now)
            .field("members", &self.members.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl<G: Game> Default for TestRoom<G> {
    fn default() -> Self {
        Self::new()
    }
}

/// A room that nobody is in yet.
fn live<G: Game>(
    seed: [u8; 32],
    now: Timestamp,
    posts: &Arc<Posts>,
    alarm: &Arc<TestAlarm>,
) -> Live<G> {
    let identity = Identity {
        game: G::NAME,
        room: RoomId::new("test").expect("`test` is a valid name"),
        epoch: "test".to_owned(),
        settings: G::SETTINGS,
        opened: 0,
    };
    let (posts, alarm) = (Arc::clone(posts), Arc::new(Arc::clone(alarm)));
    let keep = Keep::memory(G::NAME, &G::SETTINGS);
    Live::new(identity, None, seed, now, posts, alarm, keep)
}

impl<G: Game> TestRoom<G> {
    /// A room called `test` that nobody has joined yet, with seed 0.
    #[must_use]
    pub fn new() -> Self {
        Self::with_seed(0)
    }

    /// The same, with the randomness of another seed.
    ///
    /// # Panics
    /// Never: the name `test` is a valid one.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        // Every call looks whether there are any.
        let posts = Posts::new(|| ());
        let alarm = Arc::new(TestAlarm::default());
        let live = live(bytes, BEGINNING, &posts, &alarm);
        Self {
            live,
            posts,
            alarm,
            options: Options::default(),
            now: BEGINNING,
            next_connection: 0,
            is_state_set: false,
            failures: Vec::new(),
            members: BTreeMap::new(),
        }
    }

    /// A room that the first to join opens with these options.
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// #[derive(Default, serde::Deserialize)]
    /// struct Options { goal: u32 }
    ///
    /// # #[tapaculo::game]
    /// # struct Race { goal: u32 }
    /// # #[tapaculo::game]
    /// # impl Race {
    /// #[create]
    /// fn create(options: Options) -> Self {
    ///     Self { goal: options.goal }
    /// }
    /// # }
    ///
    /// let mut room = TestRoom::<Race>::with_options(serde_json::json!({"goal": 100}));
    /// room.join("alice").unwrap();
    /// assert_eq!(room.state().goal, 100);
    /// ```
    ///
    /// # Panics
    /// Never: a JSON value can be encoded.
    #[must_use]
    pub fn with_options(options: Value) -> Self {
        let raw = serde_json::value::to_raw_value(&options).expect("a JSON value is JSON");
        Self {
            options: Options::new(Some(raw)),
            ..Self::new()
        }
    }

    /// A user comes to play; where all seats are taken, to watch, if the game has spectators.
    ///
    /// Joining again takes over the place with a new connection.
    ///
    /// # Errors
    /// If the room is full or the game refuses.
    ///
    /// # Panics
    /// If the user is not a valid [`UserId`].
    #[track_caller]
    pub fn join(&mut self, user: &str) -> Result<(), Refused> {
        self.join_as(user, None, Role::Player)
    }

    /// A user comes to play, with a name to show.
    ///
    /// # Errors
    /// If the room is full or the game refuses.
    ///
    /// # Panics
    /// If the user is not a valid [`UserId`].
    #[track_caller]
    pub fn join_named(&mut self, user: &str, name: &str) -> Result<(), Refused> {
        self.join_as(user, Some(name.into()), Role::Player)
    }

    /// A user comes to watch.
    ///
    /// # Errors
    /// If the game has no spectators.
    ///
    /// # Panics
    /// If the user is not a valid [`UserId`].
    #[doc(alias = "spectate")]
    #[track_caller]
    pub fn watch(&mut self, user: &str) -> Result<(), Refused> {
        self.join_as(user, None, Role::Spectator)
    }

    #[track_caller]
    fn join_as(&mut self, user: &str, name: Option<Arc<str>>, role: Role) -> Result<(), Refused> {
        self.connect(user, name, role, None)
    }

    /// A member is back on a new connection, with the position up to which it has received
    /// everything: it is told what it has missed, or, if that is no longer known, what a newcomer is
    /// told. [In the guide](crate::docs::reconnection) both are shown.
    ///
    /// # Errors
    /// If it has given up its place and there is none for it now.
    ///
    /// # Panics
    /// If the user has never joined.
    #[track_caller]
    pub fn reconnect(&mut self, user: &str) -> Result<(), Refused> {
        let TestMember {
            name, role, seq, ..
        } = self.member(user);
        let (name, role) = (name.clone(), *role);
        let position = Position {
            epoch: self.live.machine().table().identity.epoch.clone(),
            seq: *seq,
        };
        self.connect(user, name, role, Some(position))
    }

    #[track_caller]
    fn connect(
        &mut self,
        user: &str,
        name: Option<Arc<str>>,
        role: Role,
        position: Option<Position>,
    ) -> Result<(), Refused> {
        let id = UserId::new(user).expect("a test's user has a valid name");
        let connection = Connection(self.next_connection);
        self.next_connection += 1;
        let outlet = Arc::new(Outlet::new(connection, id.clone(), Dialect::Json));
        let newcomer = Newcomer {
            user: id,
            name: name.clone(),
            session: SessionId::new("test").expect("`test` is a valid name"),
            role,
            position,
            expires: None,
            came: self.now,
        };
        let options = self.options.clone();
        let entering = self
            .live
            .join(Ear::Here(Arc::clone(&outlet)), newcomer, options, self.now);
        let limit = G::SETTINGS.handler_timeout;
        if self.alarm.drive(limit, entering) {
            self.now = self.now + limit;
        }
        self.failures.extend_from_slice(self.live.failures());
        let mut member = TestMember {
            outlet,
            name,
            role,
            next_id: 1,
            seq: Seq::default(),
            frames: Vec::new(),
            gone: false,
            closed: None,
        };
        member.drain();
        self.attend();
        member.drain();
        if member.closed.is_some() || self.live.machine().is_over() {
            let refused = member.frames.iter().find_map(refusal);
            return Err(
                refused.unwrap_or_else(|| Refused::unavailable("the room is over".to_owned()))
            );
        }
        if let Some(before) = self.members.remove(user) {
            member.frames.splice(..0, before.frames);
            member.next_id = before.next_id; // it is the same session
        }
        self.members.insert(user.to_owned(), member);
        Ok(())
    }

    /// A member sends a message, as on the wire; answers with the handler's reply.
    ///
    /// # Errors
    /// If the message is refused.
    ///
    /// # Panics
    /// If the user is not in the room.
    #[track_caller]
    pub fn send(&mut self, user: &str, message: Value) -> Result<Option<Value>, Refused> {
        let member = self.member_mut(user);
        let id = member.next_id;
        member.next_id += 1;
        self.send_with_id(user, id, message)
    }

    /// The same with an id of one's own, perhaps one that was sent before.
    #[track_caller]
    pub(crate) fn send_with_id(
        &mut self,
        user: &str,
        id: u64,
        message: Value,
    ) -> Result<Option<Value>, Refused> {
        let json: Box<RawValue> =
            serde_json::value::to_raw_value(&message).expect("a JSON value is JSON");
        let message = room::decode::<G>(&json);
        self.run(Input::Message {
            connection: self.member(user).outlet.connection,
            ticket: Some(Ticket::new(id, json.get())),
            message,
        });
        let frames = &mut self.member_mut(user).frames;
        let answer = frames
            .iter()
            .position(|frame| {
                frame["ack"] == id || (frame["id"] == id && frame["error"].is_object())
            })
            .map(|at| frames.remove(at));
        match answer {
            Some(frame) => refusal(&frame).map_or_else(|| Ok(frame.get("reply").cloned()), Err),
            None => Err(Refused::unavailable(format!(
                "`{user}` is not in the room any more"
            ))),
        }
    }

    /// A member's connection is gone without a word. Its place is held for the game's `reconnect`
    /// time; without one it has left.
    ///
    /// # Panics
    /// If the user has never joined.
    #[track_caller]
    pub fn disconnect(&mut self, user: &str) {
        self.go(user, Departure::Dropped);
    }

    /// A member says goodbye (it closes its connection with 1000) and gives up its place.
    ///
    /// # Panics
    /// If the user has never joined.
    #[track_caller]
    pub fn leave(&mut self, user: &str) {
        self.go(user, Departure::GaveUp);
    }

    #[track_caller]
    fn go(&mut self, user: &str, departure: Departure) {
        let member = self.member_mut(user);
        member.gone = true;
        let connection = member.outlet.connection;
        self.run(Input::Leave(connection, departure));
    }

    /// Time passes, and what it was to bring happens on the way, each thing at its time: timers, ticks,
    /// the end of seats that were held, the end of a room that is empty.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # #[tapaculo::game(players = 1, reconnect = "60s")]
    /// # #[derive(Default)]
    /// # struct Chair;
    /// # #[tapaculo::game]
    /// # impl Chair {}
    /// let mut room = TestRoom::<Chair>::new();
    /// room.join("alice").unwrap();
    /// room.disconnect("alice");
    /// assert!(room.join("bob").is_err());
    /// room.advance(Duration::from_secs(60));
    /// room.join("bob").unwrap();
    /// ```
    pub fn advance(&mut self, duration: Duration) {
        self.attend();
        let until = self.now + duration;
        while let Some(due) = self.live.machine().deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.run(Input::Due);
        }
        self.now = self.now.max(until);
    }

    /// The server ends and is started again, with a store: the room goes on from what is saved of it,
    /// and everybody is away until they [`reconnect`](Self::reconnect).
    ///
    /// ```
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// #[tapaculo::game(persist, players = 1, reconnect = "60s")]
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Score {
    ///     points: u32,
    ///     #[serde(skip)]
    ///     cached: bool,
    /// }
    ///
    /// #[tapaculo::game]
    /// impl Score {
    ///     #[message]
    ///     fn score(&mut self) {
    ///         self.points += 1;
    ///         self.cached = true;
    ///     }
    /// }
    ///
    /// let mut room = TestRoom::<Score>::new();
    /// room.join("alice").unwrap();
    /// room.send("alice", serde_json::json!({"type": "Score"})).unwrap();
    /// room.restart();
    /// assert_eq!(room.state().points, 1);
    /// assert!(!room.state().cached, "what is skipped is not saved");
    /// room.reconnect("alice").unwrap();
    /// ```
    ///
    /// # Panics
    /// If the game does not say `persist`, or what is saved of it can't be read.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(
            G::PERSIST.is_some(),
            "`{}` is not kept: #[tapaculo::game(persist)]",
            G::NAME
        );
        self.attend();
        self.keep_set_state();
        let cells = self.live.machine().all_cells(&Effects::default());
        let cells = cells.into_iter().collect();
        self.run(Input::Close(Close::Restarting));
        let posts = Posts::new(|| ());
        self.live = live(Default::default(), self.now, &posts, &self.alarm);
        self.posts = posts;
        if let Err(why) = self.live.restore(&cells, self.now) {
            panic!("what is saved of the room can't be read: {why}");
        }
        while self.live.machine().table().roster.has_missing() {
            self.run(Input::Due);
        }
    }

    /// The hooks, timers and ticks that have failed since the last call, each with its reason: nobody
    /// is told, so they are only in the log elsewhere. A good test ends with
    /// `assert!(room.failures().is_empty())`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tapaculo::{prelude::*, testing::TestRoom};
    /// # #[tapaculo::game]
    /// # #[derive(Default)]
    /// # struct Clock;
    /// # #[tapaculo::game]
    /// # impl Clock {
    /// #[tick(every = "1s")]
    /// fn strike(&mut self) -> Result<(), &'static str> {
    ///     Err("it is not wound up")
    /// }
    /// # }
    ///
    /// let mut room = TestRoom::<Clock>::new();
    /// room.join("alice").unwrap();
    /// room.advance(Duration::from_secs(1));
    /// assert_eq!(room.failures(), ["a tick: it is not wound up"]);
    /// ```
    pub fn failures(&mut self) -> Vec<String> {
        self.attend();
        std::mem::take(&mut self.failures)
    }

    /// The room's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Hands the room an input, and what code outside has asked for meanwhile.
    fn run(&mut self, input: Input<G::Message>) {
        self.run_one(input);
        self.attend();
    }

    fn run_one(&mut self, input: Input<G::Message>) {
        self.keep_set_state();
        let limit = G::SETTINGS.handler_timeout;
        let running = self.live.run(input, self.now);
        if self.alarm.drive(limit, running) {
            self.now = self.now + limit;
        }
        self.failures.extend_from_slice(self.live.failures());
        self.members.values_mut().for_each(TestMember::drain);
    }

    /// What the test has made of the state is what is saved of it, and gone back to.
    fn keep_set_state(&mut self) {
        if std::mem::take(&mut self.is_state_set)
            && let Err(refusal) = self.live.keep_state()
        {
            let why = refusal.why();
            panic!("the state that the test has set can't be kept: {why}");
        }
    }

    fn attend(&mut self) {
        while let Some(post) = self.posts.pop() {
            self.run_one(Input::Post(post));
        }
        self.members.values_mut().for_each(TestMember::drain);
    }

    /// The events that a member has received since the last call: their `data`, in order. Its other
    /// frames are taken away, too: [`frames`](Self::frames) shows them all.
    ///
    /// # Panics
    /// If the user has never joined.
    #[track_caller]
    pub fn received(&mut self, user: &str) -> Vec<Value> {
        let frames = self.frames(user);
        let events = frames.into_iter();
        events
            .filter_map(|mut frame| frame.get_mut("data").map(Value::take))
            .collect()
    }

    /// All frames that a member has received since the last call of either, answers to
    /// [`send`](Self::send) apart.
    ///
    /// # Panics
    /// If the user has never joined.
    #[track_caller]
    pub fn frames(&mut self, user: &str) -> Vec<Value> {
        self.attend();
        std::mem::take(&mut self.member_mut(user).frames)
    }

    /// The code with which the room closed a member's connection, if it did.
    ///
    /// # Panics
    /// If the user has never joined.
    #[track_caller]
    #[must_use]
    pub fn closed(&self, user: &str) -> Option<u16> {
        self.member(user).closed
    }

    /// What a member sees now: the game's `#[view]` for it.
    ///
    /// # Panics
    /// If the user is not in the room, or the game has no view.
    #[track_caller]
    #[must_use]
    pub fn view(&self, user: &str) -> Value {
        let id = UserId::new(user).expect("a test's user has a valid name");
        let place = self.live.machine().table().roster.by_user(&id);
        let member = &place
            .unwrap_or_else(|| panic!("`{user}` is not in this test room"))
            .member;
        let view = self.state().view(member).expect("the game has a view");
        let view = view.expect("the view can be encoded");
        serde_json::from_str(view.get()).expect("encoded JSON is JSON")
    }

    /// The state of the game.
    ///
    /// # Panics
    /// If nobody has joined yet, or the room is over.
    #[track_caller]
    #[must_use]
    pub fn state(&self) -> &G {
        let game = self.live.machine().game();
        game.expect("nobody has joined this test room yet, or it is over: it has no state")
    }

    /// The state of the game, to be put where a test wants to begin: a position, a score, a hand
    /// of cards.
    ///
    /// # Panics
    /// If nobody has joined yet, or the room is over.
    #[track_caller]
    pub fn state_mut(&mut self) -> &mut G {
        self.is_state_set = true;
        let game = self.live.game_mut();
        game.expect("nobody has joined this test room yet, or it is over: it has no state")
    }

    /// Whether the room is gone: empty for too long, closed by its game, or broken by a panic. On a
    /// server the next who joins gets a new room; here a room that is over stays so.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.live.machine().is_over()
    }

    #[track_caller]
    fn member(&self, user: &str) -> &TestMember {
        let member = self.members.get(user);
        member.unwrap_or_else(|| panic!("`{user}` has not joined this test room"))
    }

    #[track_caller]
    fn member_mut(&mut self, user: &str) -> &mut TestMember {
        self.members
            .get_mut(user)
            .unwrap_or_else(|| panic!("`{user}` has not joined this test room"))
    }
}
