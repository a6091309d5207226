//! Anything may happen in any order, and everyone still has exactly what it should: members that
//! come, go, resume, are taken over, cut anywhere and kicked, while others speak and take back.

use super::NoAlarm;
use crate::{
    clock::Timestamp,
    game::{Connection, Declared, Game, Identity, Newcomer, Options, Posts},
    prelude::*,
    protocol::{Dialect, Position, Seq},
    room::{Departure, Ear, Input, Keep, Live, Outlet, Taken, Ticket},
};
use futures_util::FutureExt;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

const USERS: [&str; 5] = ["ann", "ben", "cleo", "dora", "erin"];

/// Remembers what it said to whom, and what it took back.
#[tapaculo::game(
    players = 4,
    spectators,
    history = 10,
    reconnect = "60s",
    empty_timeout = "1h",
    event = Said
)]
#[derive(Default)]
struct Gossip {
    said: BTreeMap<u64, Audience>,
    redacted: BTreeSet<u64>,
}

#[derive(Serialize)]
struct Said {
    seq: u64,
}

enum Audience {
    All,
    AllBut(UserId),
    Only(UserId),
}

impl Audience {
    fn has(&self, user: &str) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(but) => *but != user,
            Self::Only(only) => *only == user,
        }
    }
}

impl Gossip {
    fn say(&mut self, room: &mut Room<Self>, to: Audience) {
        let seq = room.last_seq() + 1;
        match &to {
            Audience::All => room.broadcast(Said { seq }),
            Audience::AllBut(user) => room.broadcast_except(user, Said { seq }),
            Audience::Only(user) => room.send_to(user, Said { seq }),
        }
        self.said.insert(seq, to);
    }

    fn take_back(&mut self, room: &mut Room<Self>, seq: u64) {
        room.redact(seq);
        if self.said.contains_key(&seq) {
            self.redacted.insert(seq);
        }
    }
}

#[tapaculo::game]
impl Gossip {
    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>, player: &Player) {
        self.say(room, Audience::All);
        self.say(room, Audience::Only(player.user().clone()));
        let oldest = room.history(10).first().map(|event| event.seq);
        if let Some(oldest) = oldest.filter(|seq| seq % 5 == 0) {
            self.take_back(room, oldest);
        }
    }

    #[on_reconnect]
    fn returned(&mut self, room: &mut Room<Self>, player: &Player) {
        self.say(room, Audience::All);
        self.say(room, Audience::Only(player.user().clone()));
        let last = room.last_seq();
        if last.is_multiple_of(3) {
            self.take_back(room, last - last % 7);
        }
    }

    #[on_disconnect]
    fn dropped(&mut self, room: &mut Room<Self>) {
        self.say(room, Audience::All);
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>) {
        self.say(room, Audience::All);
    }

    #[view]
    fn view(&self, _viewer: &Member) -> usize {
        self.said.len()
    }

    #[message(spectators)]
    fn talk(&mut self, room: &mut Room<Self>, from: &Member, to: String, times: u32) {
        for _ in 0..times {
            let to = match to.as_str() {
                "all" => Audience::All,
                "others" => Audience::AllBut(from.user().clone()),
                user => Audience::Only(UserId::new(user).unwrap()),
            };
            self.say(room, to);
        }
    }

    #[message(spectators)]
    fn forget(&mut self, room: &mut Room<Self>, seq: u64) {
        self.take_back(room, seq);
    }

    /// Says something, and takes it back at once.
    #[message(spectators)]
    fn blurt(&mut self, room: &mut Room<Self>) {
        self.say(room, Audience::All);
        self.take_back(room, room.last_seq());
    }

    #[message(spectators)]
    fn kick(&mut self, room: &mut Room<Self>, user: UserId) {
        room.kick(&user, "");
    }

    #[message(spectators)]
    fn mutter(&mut self, room: &mut Room<Self>) {
        room.broadcast_volatile(Said { seq: 0 });
    }
}

/// What a client has been told, on all of its connections.
#[derive(Default)]
struct Client {
    connection: u64,
    /// `None` when the connection is cut.
    outlet: Option<Arc<Outlet>>,
    /// Taken from the room, and still under way.
    under_way: VecDeque<Value>,
    /// As `protocol.md` has it: the last number in an event or in `synced`; none before a greeting
    /// is whole.
    position: Option<u64>,
    synced: bool,
    /// The `seq` of the last state: what came before that need not be shown.
    state: u64,
    /// On this connection.
    last: u64,
    shown: BTreeSet<u64>,
}

impl Client {
    fn take(&mut self, most: usize) -> bool {
        let Some(outlet) = &self.outlet else {
            return false;
        };
        let mut frames = VecDeque::new();
        let taken = outlet.take(most, &mut frames);
        let frames = frames
            .iter()
            .map(|frame| serde_json::from_str(frame.as_json()));
        self.under_way.extend(frames.map(Result::unwrap));
        if matches!(taken, Taken::Close(_)) {
            self.outlet = None;
        }
        taken == Taken::More
    }

    fn hear(&mut self, most: usize) {
        for _ in 0..most {
            let Some(frame) = self.under_way.pop_front() else {
                return;
            };
            let seq = frame["seq"].as_u64();
            if frame["welcome"]["resumed"] == false {
                self.shown.clear();
                self.position = None;
            } else if frame.get("state").is_some() {
                self.state = seq.unwrap();
            } else if let Some(seq) = seq.filter(|_| frame.get("data").is_some()) {
                assert_eq!(frame["data"]["seq"], seq);
                assert!(seq > self.last, "{seq} after {}", self.last);
                self.last = seq;
                assert!(self.shown.insert(seq), "{seq} is told twice");
                self.position = self.position.map(|_| seq);
            } else if let Some(seq) = frame["redacted"].as_u64() {
                self.shown.remove(&seq);
            } else if let Some(seq) = frame["synced"].as_u64() {
                assert!(self.position.is_none_or(|position| position <= seq));
                self.position = Some(seq);
                self.synced = true;
            }
        }
    }

    fn hear_all(&mut self) {
        while self.take(64) {}
        self.hear(usize::MAX);
    }

    fn cut(&mut self) {
        self.outlet = None;
        self.under_way.clear();
        self.synced = false;
        self.last = 0;
    }
}

struct World {
    live: Live<Gossip>,
    clients: BTreeMap<&'static str, Client>,
    rng: StdRng,
    now: Timestamp,
    next: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let identity = Identity {
            game: "gossip",
            room: RoomId::new("r").unwrap(),
            epoch: "e".to_owned(),
            settings: Gossip::SETTINGS,
            opened: 0,
        };
        let now = Timestamp::from_millis(1);
        let posts = Posts::new(|| ());
        let keep = Keep::memory("gossip", &Gossip::SETTINGS);
        Self {
            live: Live::new(identity, None, [0; 32], now, posts, Arc::new(NoAlarm), keep),
            clients: USERS.map(|user| (user, Client::default())).into(),
            rng: StdRng::seed_from_u64(seed),
            now,
            next: 1,
        }
    }

    fn run(&mut self, input: Input<GossipMessage>) {
        let running = self.live.run(input, self.now);
        running.now_or_never().expect("it does not wait");
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.rng.random_range(0..all.len())]
    }

    fn step(&mut self) {
        self.now = self.now + Duration::from_millis(self.rng.random_range(0..2000));
        let user = self.one_of(&USERS);
        match self.rng.random_range(0..20) {
            0..=2 => self.connect(user),
            3 => {
                self.go(user);
                self.connect(user);
            }
            4..=10 => self.send(user),
            11 => {
                // In the middle of what is under way.
                let heard = self.rng.random_range(0..5);
                self.clients.get_mut(user).unwrap().hear(heard);
                self.go(user);
            }
            12 => self.run(Input::Due),
            13 => self.check(user),
            _ => {
                let (taken, heard) = (self.rng.random_range(1..80), self.rng.random_range(0..100));
                let client = self.clients.get_mut(user).unwrap();
                client.take(taken);
                client.hear(heard);
            }
        }
    }

    fn connect(&mut self, user: &'static str) {
        let connection = self.next;
        self.next += 1;
        let id = UserId::new(user).unwrap();
        let outlet = Arc::new(Outlet::new(
            Connection(connection),
            id.clone(),
            Dialect::Json,
        ));
        let client = self.clients.get_mut(user).unwrap();
        client.cut();
        client.connection = connection;
        client.outlet = Some(Arc::clone(&outlet));
        let position = client.position.map(|seq| Position {
            epoch: "e".to_owned(),
            seq: Seq(seq),
        });
        let newcomer = Newcomer {
            user: id,
            name: None,
            session: SessionId::new("s").unwrap(),
            role: Role::Player,
            position,
            expires: None,
            came: self.now,
        };
        let joining = self
            .live
            .join(Ear::Here(outlet), newcomer, Options::default(), self.now);
        joining.now_or_never().expect("it does not wait");
    }

    fn go(&mut self, user: &'static str) {
        let departure = match self.rng.random_range(0..5) {
            0 => Departure::GaveUp,
            _ => Departure::Dropped,
        };
        let client = self.clients.get_mut(user).unwrap();
        client.cut();
        let connection = Connection(client.connection);
        self.run(Input::Leave(connection, departure));
    }

    fn send(&mut self, user: &'static str) {
        let any = self
            .rng
            .random_range(0..self.live.machine().table().last.0 + 2);
        let to = self.one_of(&["all", "others", "ann", "ben"]);
        let times = self.one_of(&[1, 1, 2, 5, 70]);
        let message = match self.rng.random_range(0..14) {
            0 => json!({"type": "Mutter"}),
            1..=2 => json!({"type": "Forget", "seq": any}),
            3 => json!({"type": "Blurt"}),
            4 => json!({"type": "Kick", "user": self.one_of(&USERS)}),
            _ => json!({"type": "Talk", "to": to, "times": times}),
        };
        let json = serde_json::value::to_raw_value(&message).unwrap();
        let id = self.next;
        self.next += 1;
        self.run(Input::Message {
            connection: Connection(self.clients[user].connection),
            ticket: Some(Ticket::new(id, json.get())),
            message: Ok(Gossip::read(&json).unwrap()),
        });
    }

    /// Has a client hear all there is, and compares.
    fn check(&mut self, user: &'static str) {
        let client = self.clients.get_mut(user).unwrap();
        client.hear_all();
        if client.outlet.is_none() || !client.synced {
            return;
        }
        let game = self.live.machine().game().unwrap();
        let told = game.said.iter().filter(|(_, to)| to.has(user));
        let told: BTreeSet<_> = told.map(|(seq, _)| *seq).collect();
        let told: BTreeSet<_> = told.difference(&game.redacted).copied().collect();
        let wrong: Vec<_> = client.shown.difference(&told).collect();
        assert!(wrong.is_empty(), "{user} must not have {wrong:?}");
        // Before the state there may be gaps: it is history.
        let missing = told.difference(&client.shown);
        let missing: Vec<_> = missing.filter(|seq| **seq > client.state).collect();
        assert!(missing.is_empty(), "{user} misses {missing:?}");
    }
}

#[test]
fn everyone_has_exactly_what_it_should_whatever_happens() {
    for seed in 0..300 {
        let steps = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..400 {
                world.step();
            }
            for user in USERS {
                world.check(user);
            }
        });
        assert!(steps.is_ok(), "with seed {seed}");
    }
}
