//! Games that panic, take too long or are asked too much, and everyone they must not trouble.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tapaculo::prelude::*;
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Received},
    server::TestServer,
};
use tokio::time::timeout;

/// Fails where its options say.
#[tapaculo::game(
    name = "brittle",
    players = 2,
    reconnect = "20ms",
    handler_timeout = "1ms",
    event = String,
    empty_timeout = "1ms"
)]
struct Brittle {
    fails_in: String,
}

/// The same, but what has failed never was.
#[tapaculo::game(
    name = "tough",
    players = 2,
    rollback,
    reconnect = "20ms",
    handler_timeout = "1ms",
    event = String,
    empty_timeout = "1ms"
)]
#[derive(Clone)]
struct Tough {
    fails_in: String,
}

/// How often each game has failed in each place.
static FAILED: Mutex<BTreeMap<(&str, String), u64>> = Mutex::new(BTreeMap::new());

fn failed(game: &'static str, place: &str) -> u64 {
    let failed = FAILED.lock().expect("not poisoned");
    failed.get(&(game, place.to_owned())).copied().unwrap_or(0)
}

fn fail(game: &'static str, place: &str) {
    let mut failed = FAILED.lock().expect("not poisoned");
    *failed.entry((game, place.to_owned())).or_default() += 1;
}

/// Keeps thousands of panics that are meant to be out of the test's output.
fn quieten() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let words = info.payload().downcast_ref::<&str>();
        let meant = words.is_some_and(|words| *words == "this panic is part of a test");
        if !meant {
            usual(info);
        }
    }));
}

fn at(game: &'static str, fails_in: &str, place: &str) {
    if fails_in == place {
        fail(game, place);
        panic!("this panic is part of a test");
    }
}

#[derive(Default, serde::Deserialize)]
struct FailOptions {
    #[serde(default)]
    fails_in: String,
}

/// The same rules for both.
macro_rules! failing {
    ($game:ident, $timer:ident, $name:literal) => {
        #[tapaculo::game]
        impl $game {
            #[create]
            fn create(_room: &RoomId, options: FailOptions) -> Self {
                at($name, &options.fails_in, "create");
                let fails_in = options.fails_in;
                Self { fails_in }
            }

            #[on_join]
            fn joined(&mut self) {
                at($name, &self.fails_in, "on_join");
            }

            #[on_full]
            fn full(&mut self) {
                at($name, &self.fails_in, "on_full");
            }

            #[on_disconnect]
            fn dropped(&mut self) {
                at($name, &self.fails_in, "on_disconnect");
            }

            #[on_reconnect]
            fn returned(&mut self) {
                at($name, &self.fails_in, "on_reconnect");
            }

            #[on_leave]
            fn left(&mut self) {
                at($name, &self.fails_in, "on_leave");
            }

            #[on_empty]
            fn empty(&mut self) {
                at($name, &self.fails_in, "on_empty");
            }

            #[view]
            fn view(&self, _viewer: &Member) -> &'static str {
                at($name, &self.fails_in, "view");
                "fine"
            }

            #[validate(act)]
            fn valid(&self) -> Result<(), String> {
                at($name, &self.fails_in, "a validator");
                Ok(())
            }

            #[message]
            fn act(&mut self, room: &mut Room<Self>) {
                room.broadcast("acted".to_owned());
                room.after(Duration::from_millis(1), $timer::Ring);
                at($name, &self.fails_in, "a handler");
            }

            #[message]
            async fn wait(&mut self) {
                if self.fails_in == "a timeout" {
                    fail($name, "a timeout");
                    std::future::pending::<()>().await;
                }
                at($name, &self.fails_in, "an async handler");
            }

            #[timer]
            fn ring(&mut self, room: &mut Room<Self>) {
                at($name, &self.fails_in, "a timer");
                room.broadcast("rang".to_owned());
            }

            #[tick(every = "1ms")]
            fn tick(&mut self) {
                at($name, &self.fails_in, "a tick");
            }
        }
    };
}

failing!(Brittle, BrittleTimer, "brittle");
failing!(Tough, ToughTimer, "tough");

const PLACES: [&str; 14] = [
    "create",
    "on_join",
    "on_full",
    "on_disconnect",
    "on_reconnect",
    "on_leave",
    "on_empty",
    "view",
    "a validator",
    "a handler",
    "an async handler",
    "a timeout",
    "a timer",
    "a tick",
];

/// Comes into a room of a game, or is refused.
async fn join(
    server: &TestServer,
    (game, user, room): (&str, &str, &str),
    fails_in: &str,
) -> Client {
    let options = json!({"fails_in": fails_in});
    let token = server.token_with(user, room, &json!({"options": options}));
    let url = server.url(&format!("/ws/{game}?token={token}"));
    let request = tapaculo_tests::client::Request::new(url);
    let client = request
        .protocols(tapaculo_tests::client::JSON)
        .connect()
        .await;
    client.expect("the upgrade is accepted")
}

/// Lets everything happen in a room that may, until its game has failed.
async fn live(server: &TestServer, game: &'static str, place: &str, room: &str) {
    let before = failed(game, place);
    while failed(game, place) == before {
        let mut alice = join(server, (game, "alice", room), place).await;
        let mut bob = join(server, (game, "bob", room), place).await;
        for data in [json!({"type": "Act"}), json!({"type": "Wait"})] {
            alice.try_send(json!({"data": data})).await;
            bob.try_send(json!({"data": data})).await;
        }
        // One socket drops and comes back, the other is taken over.
        drop(alice);
        alice = join(server, (game, "alice", room), place).await;
        bob = join(server, (game, "bob", room), place).await;
        alice.close().await;
        bob.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_stays_in_its_room() {
    quieten();
    // The bystanders are not read while the rooms fail, which takes as long as it takes.
    let server = TestServer::start(|server| {
        let never = Duration::from_secs(24 * 60 * 60);
        let server = server.with_heartbeat(never, never);
        server.with_game::<Brittle>().with_game::<Tough>()
    })
    .await;
    let server = Arc::new(server);
    // Two who have nothing to do with it.
    let mut well = Vec::new();
    for game in ["brittle", "tough"] {
        let mut user = join(&server, (game, "carol", "well"), "nowhere").await;
        user.until("synced").await;
        well.push(user);
    }
    let mut failing = tokio::task::JoinSet::new();
    for game in ["brittle", "tough"] {
        for place in PLACES {
            let server = Arc::clone(&server);
            failing.spawn(async move {
                for round in 0..100 {
                    let room = format!("{place} {round}");
                    let lived = timeout(DEADLINE, live(&server, game, place, &room));
                    lived.await.expect("it fails in time");
                    // The room is as good as new: no seat is taken.
                    let seats = timeout(DEADLINE, both_seats(&server, game, &room));
                    let seats = seats.await.expect("there are seats in time");
                    assert_eq!(seats, [0, 1], "{game}, {room}");
                }
                assert!(failed(game, place) >= 100, "{game}, {place}");
            });
        }
    }
    while let Some(done) = failing.join_next().await {
        done.expect("no promise was broken");
        for user in &mut well {
            user.tell(json!({"type": "Act"})).await;
            while user.event().await != "rang" {}
        }
    }
}

/// Two come into a room in which nothing fails any more, once the one before is gone; answers with
/// their seats.
async fn both_seats(server: &TestServer, game: &str, room: &str) -> [u64; 2] {
    loop {
        let dora = seat_in(server, game, "dora", room).await;
        let erin = seat_in(server, game, "erin", room).await;
        // If the first of them has come into the room before, that one failed once more.
        let is_one_room = dora.epoch == erin.epoch;
        dora.client.close().await;
        erin.client.close().await;
        if is_one_room {
            return [dora.seat.min(erin.seat), dora.seat.max(erin.seat)];
        }
    }
}

struct Seated {
    client: Client,
    seat: u64,
    epoch: Value,
}

/// Comes in, again and again until there is a seat.
async fn seat_in(server: &TestServer, game: &str, user: &str, room: &str) -> Seated {
    loop {
        let mut client = join(server, (game, user, room), "nowhere").await;
        while let Received::Frame(mut frame) = client.next().await {
            let welcome = &mut frame["welcome"];
            if let Some(seat) = welcome["seat"].as_u64() {
                let epoch = welcome["epoch"].take();
                return Seated {
                    client,
                    seat,
                    epoch,
                };
            }
        }
    }
}
