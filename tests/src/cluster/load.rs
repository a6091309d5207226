//! Many players in several rooms at once, and what they have to tell in the end.

use super::{
    Entrances,
    check::Account,
    diary::Diary,
    ledger::Ledger,
    player::{Character, Order, Player, Progress},
};
use crate::{
    DEADLINE,
    client::{Client, JSON, Received, Request},
    server::SECRET,
};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tapaculo::JwtAuth;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How often is looked whether something has come to pass.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many keys a player has.
const KEYS: u64 = 1_000_000;

/// How much there is to do.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// In how many rooms.
    pub rooms: u64,
    /// How many players each has.
    pub players: u64,
    /// How many of those would wait for anything.
    pub patient: u64,
    /// About how long a player waits between two messages.
    pub pause: Duration,
    /// What is done at random is the same for the same seed.
    pub seed: u64,
}

/// Players at work; their tasks end with this.
#[derive(Debug)]
pub struct Load {
    rooms: Vec<Playing>,
    entrances: Entrances,
    seed: u64,
    start: Instant,
}

#[derive(Debug)]
struct Playing {
    room: String,
    orders: watch::Sender<Order>,
    /// The patient ones first.
    players: Vec<(Arc<Progress>, JoinHandle<Diary>)>,
    patient: usize,
}

impl Drop for Load {
    fn drop(&mut self) {
        for room in &self.rooms {
            for (_, task) in &room.players {
                task.abort();
            }
        }
    }
}

/// The name of a room.
#[must_use]
pub fn room_name(number: u64) -> String {
    // With characters that a key of Redis or a channel could trip over.
    format!("room {{{number}}}:/*")
}

fn token(user: &str, room: &str) -> String {
    let token = JwtAuth::new(SECRET).sign_access(user, room, user, 24 * 60 * 60);
    token.expect("valid names")
}

impl Load {
    /// Has them begin.
    #[must_use]
    pub fn start(entrances: &Entrances, shape: Shape) -> Self {
        let start = Instant::now();
        let rooms = (0..shape.rooms).map(|room| {
            let orders = watch::Sender::new(Order::Play);
            let players = (0..shape.players).map(|number| {
                let is_patient = number < shape.patient;
                let number = room * shape.players + number;
                let user = format!("player {number}");
                let character = Character {
                    token: token(&user, &room_name(room)),
                    user,
                    first_key: number * KEYS,
                    pause: shape.pause,
                    is_patient,
                    rng: StdRng::seed_from_u64(shape.seed * 1000 + number),
                };
                let orders = orders.subscribe();
                let player = Player::new(character, entrances.clone(), orders, start);
                (player.progress(), tokio::spawn(player.play()))
            });
            Playing {
                room: room_name(room),
                players: players.collect(),
                patient: shape.patient as usize,
                orders,
            }
        });
        Self {
            rooms: rooms.collect(),
            entrances: entrances.clone(),
            seed: shape.seed,
            start,
        }
    }

    fn progress(&self) -> impl Iterator<Item = &Progress> {
        let players = self.rooms.iter().flat_map(|room| &room.players);
        players.map(|(progress, _)| &**progress)
    }

    /// How many messages were acked so far.
    #[must_use]
    pub fn acked(&self) -> u64 {
        self.progress().map(Progress::acked).sum()
    }

    /// Waits until so many were acked in all.
    ///
    /// # Panics
    /// If for a long time none is.
    pub async fn has_acked(&self, all: u64) {
        while self.acked() < all {
            self.goes_on(1).await;
        }
    }

    /// Waits until every player has had so many more of its messages acked; answers with how long
    /// that took.
    ///
    /// # Panics
    /// If for a long time it has not.
    pub async fn goes_on(&self, each: u64) -> Duration {
        self.go_on(each, || self.progress()).await
    }

    /// The same of those who don't wait for anything.
    ///
    /// # Panics
    /// If for a long time it has not.
    pub async fn impatient_go_on(&self, each: u64) -> Duration {
        let impatient = || {
            let players = self
                .rooms
                .iter()
                .flat_map(|room| &room.players[room.patient..]);
            players.map(|(progress, _)| &**progress)
        };
        self.go_on(each, impatient).await
    }

    async fn go_on<'a, I>(&self, each: u64, who: impl Fn() -> I) -> Duration
    where
        I: Iterator<Item = &'a Progress>,
    {
        let start = Instant::now();
        let before: Vec<_> = who().map(Progress::acked).collect();
        let more = || {
            who()
                .zip(&before)
                .map(|(progress, before)| progress.acked() - before)
        };
        while more().any(|more| more < each) {
            if start.elapsed() > 2 * DEADLINE {
                let late = who().zip(more()).filter(|(_, more)| *more < each);
                let late: Vec<_> = late.map(|(player, more)| (more, player.last())).collect();
                let now = self.start.elapsed();
                panic!("at {now:?} these have not gone on: {late:?}");
            }
            sleep(LOOK_EVERY).await;
        }
        start.elapsed()
    }

    /// Has them all come to an end, and gives their accounts. All entrances have to be open.
    ///
    /// # Panics
    /// If their last messages are not answered in time.
    pub async fn finish(mut self) -> Vec<Account> {
        for room in &self.rooms {
            room.orders.send_replace(Order::Settle);
        }
        let start = Instant::now();
        // Who does not is found by the checker.
        while !self.progress().all(Progress::is_settled) && start.elapsed() < 2 * DEADLINE {
            sleep(LOOK_EVERY).await;
        }
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut accounts = Vec::new();
        for Playing {
            room,
            orders,
            players,
            ..
        } in self.rooms.drain(..)
        {
            let reading = read(&self.entrances, &room, &mut rng);
            let finally = timeout(2 * DEADLINE, reading).await;
            let finally = finally.expect("the room is shown in time");
            orders.send_replace(Order::Reach(finally.entries.len() as u64));
            let start = Instant::now();
            let all_done = || players.iter().all(|(_, task)| task.is_finished());
            while !all_done() && start.elapsed() < DEADLINE / 2 {
                sleep(LOOK_EVERY).await;
            }
            // Those who are behind say so in their diaries.
            orders.send_replace(Order::Stop);
            let mut diaries = Vec::new();
            for (_, task) in players {
                diaries.push(task.await.expect("a player does not panic"));
            }
            accounts.push(Account {
                room,
                finally,
                diaries,
            });
        }
        accounts
    }
}

/// What a room is once nothing is due any more.
async fn read(entrances: &Entrances, room: &str, rng: &mut StdRng) -> Ledger {
    loop {
        if let Some(ledger) = look(entrances, room, rng).await
            && ledger.due == 0
        {
            return ledger;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Comes into a room through a node, up to `synced`; `None` if it can't be served right now.
pub async fn enter(address: SocketAddr, user: &str, room: &str) -> Option<Client> {
    let request = Request::new(format!("ws://{address}/ws"))
        .protocols(JSON)
        .header("Authorization", format!("Bearer {}", token(user, room)));
    let mut client = request.connect().await.ok()?;
    loop {
        match client.next().await {
            Received::Frame(frame) if frame.get("synced").is_some() => return Some(client),
            Received::Frame(_) => {}
            Received::Closed(_) => return None,
        }
    }
}

/// What somebody else is shown of a room; `None` if it can't be served right now.
async fn look(entrances: &Entrances, room: &str, rng: &mut StdRng) -> Option<Ledger> {
    let address = entrances.any(rng).expect("an entrance is open");
    let mut reader = enter(address, "reader", room).await?;
    // By the room itself, not by what a node may remember of it.
    let (_, mut answer) = reader.ask(json!({"type": "Read"})).await;
    let ledger = serde_json::from_value(answer["reply"].take()).ok()?;
    reader.close().await;
    Some(ledger)
}
