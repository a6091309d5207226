//! Connections that are lost, taken over and come back.

use crate::games::Gate;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex};
use tapaculo::{ConnectionLimits, prelude::*};
use tapaculo_tests::{
    client::{JSON, Request},
    codec::Codec,
    returning::Returning,
    server::TestServer,
};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

/// A game in which everybody says numbers to some of the others. What was said to whom is kept
/// beside it, to be compared with what was heard.
#[tapaculo::game(players = 3, spectators, reconnect = "60s", event = Heard, empty_timeout = "1s")]
#[derive(Default)]
struct Murmur {
    applied: u64,
}

#[derive(Serialize)]
struct Heard {
    by: UserId,
    n: u64,
}

/// What was said in each room: its number, and to whom.
type Said = BTreeMap<RoomId, Vec<(u64, Vec<UserId>)>>;

static SAID: Mutex<Said> = Mutex::new(BTreeMap::new());

fn said(room: &str) -> Vec<(u64, Vec<UserId>)> {
    let said = SAID.lock().expect("not poisoned");
    said.get(room).cloned().unwrap_or_default()
}

#[tapaculo::game]
impl Murmur {
    #[message]
    async fn wait(&mut self, room: &mut Room<Self>, player: &Player, gate: String) {
        Gate::of(&gate).pass().await;
        for n in 0..400 {
            let by = player.user().clone();
            room.broadcast(Heard { by, n });
        }
    }

    #[message]
    fn say(&mut self, room: &mut Room<Self>, player: &Player, n: u64, to: String) -> u64 {
        self.applied += 1;
        let event = || Heard {
            by: player.user().clone(),
            n,
        };
        let everyone = room.members();
        let hears: Box<dyn Fn(&Member) -> bool> = match to.as_str() {
            "all" => {
                room.broadcast(event());
                Box::new(|_| true)
            }
            "others" => {
                room.broadcast_except(player.user(), event());
                Box::new(|member| member.user() != player.user())
            }
            "even" => {
                let even = |member: &Member| member.seat().is_some_and(|s| s.index() % 2 == 0);
                room.broadcast_to(even, event());
                Box::new(even)
            }
            one => {
                room.send_to(&UserId::new(one).expect("a name"), event());
                Box::new(move |member| *member.user() == *one)
            }
        };
        let to = everyone.iter().filter(|member| hears(member));
        let to = to.map(|member| member.user().clone()).collect();
        let mut said = SAID.lock().expect("not poisoned");
        let said = said.entry(room.id().clone()).or_default();
        said.push((room.last_seq(), to));
        self.applied
    }
}

async fn murmur() -> TestServer {
    TestServer::start(tapaculo::Server::with_game::<Murmur>).await
}

const USERS: [&str; 3] = ["ann", "ben", "cleo"];

/// Three users in a room, one of whom speaks MessagePack, whose connections live for about so many bytes from here on.
async fn seated(server: &TestServer, room: &str, lives_for: usize, seed: u64) -> Vec<Returning> {
    let mut players = Vec::new();
    for (number, user) in (0..).zip(USERS) {
        let rng = StdRng::seed_from_u64(seed * 10 + number);
        let mut player = Returning::new(server, user, room, rng);
        // Whatever the others speak.
        player.codec = Codec::ALL[number as usize % 2];
        player
            .send(json!({"type": "Say", "n": 0, "to": user}))
            .await;
        player.until(|player| player.unanswered() == 0).await;
        player.lose();
        player.lives_for = Some(lives_for);
        players.push(player);
    }
    players
}

/// Checks that a player has heard what was said to it since it sat down: all of it, once, in order.
fn has_heard_all(player: &Returning, user: &str, room: &str) {
    let user = UserId::new(user).expect("a name");
    let told = said(room).into_iter();
    let told: Vec<_> = told
        .filter(|(_, to)| to.contains(&user))
        .map(|(seq, _)| seq)
        .collect();
    let heard = player
        .events
        .iter()
        .filter_map(|event| event["seq"].as_u64());
    assert_eq!(heard.collect::<Vec<_>>(), told, "{user} in {room}");
    // What came before an answer was there before it.
    for (seq, reached) in &player.acks {
        let due = told.iter().rev().find(|told| *told <= seq);
        assert!(
            due.is_none_or(|due| due <= reached),
            "{user}: {seq} before {due:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resume_or_reset() {
    const CUTS: usize = 1000;
    const ROOMS: usize = 20;
    let server = murmur().await;
    let mut cuts = 0;
    for seed in 0..ROOMS as u64 {
        let room = format!("cut {seed}");
        let players = seated(&server, &room, 1500, seed).await;
        let mut tasks = Vec::new();
        for (mut player, user) in players.into_iter().zip(USERS) {
            let mut rng = StdRng::seed_from_u64(1000 + seed);
            tasks.push(tokio::spawn(async move {
                let mut n = 0;
                while player.cuts < CUTS / ROOMS / USERS.len() + 1 {
                    let to = ["all", "others", "even", "ann", "ben", "cleo"];
                    let to = to[rng.random_range(0..to.len())];
                    n += 1;
                    player.send(json!({"type": "Say", "n": n, "to": to})).await;
                    player.until(|player| player.unanswered() < 3).await;
                }
                player.lives_for = None;
                player.until(|player| player.unanswered() == 0).await;
                (player, user, n)
            }));
        }
        let mut ended = Vec::new();
        for task in tasks {
            ended.push(task.await.expect("no promise was broken"));
        }
        // Each message was applied once, however often it was sent.
        let sent: u64 = ended.iter().map(|(_, _, n)| n + 1).sum();
        let applied = said(&room);
        assert_eq!(applied.len() as u64, sent, "room {seed}");
        for (mut player, user, _) in ended {
            let last = applied
                .iter()
                .rev()
                .find(|(_, to)| to.iter().any(|to| *to == *user));
            let last = last.map_or(0, |(seq, _)| *seq);
            player
                .until(|player| {
                    player
                        .events
                        .last()
                        .is_none_or(|event| event["seq"] == last)
                })
                .await;
            has_heard_all(&player, user, &room);
            assert_eq!(player.resets, 0);
            cuts += player.cuts;
        }
    }
    println!("{cuts} cuts");
    assert!(cuts >= CUTS, "{cuts} cuts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acked_once() {
    let server = murmur().await;
    let mut players = seated(&server, "thrice", 4000, 7).await;
    let player = &mut players[0];
    player.lives_for = None;
    player.copies = 3;
    for n in 1..=500 {
        player
            .send(json!({"type": "Say", "n": n, "to": "all"}))
            .await;
        if n % 2 == 0 {
            // What of it has arrived, and what is still sent again, is anybody's guess.
            player.lose();
        }
        player.until(|player| player.unanswered() == 0).await;
    }
    player.until(|player| player.events.len() == 501).await;
    has_heard_all(player, "ann", "thrice");
    // The replies count what was applied: one each.
    let replies: Vec<_> = player
        .answers
        .values()
        .map(|answer| answer["reply"].as_u64())
        .collect();
    let first = replies[1].expect("a reply");
    for (index, reply) in replies.iter().enumerate().skip(1) {
        assert_eq!(*reply, Some(first + index as u64 - 1));
    }
    assert!(player.cuts >= 250);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_connection_wins() {
    let server = murmur().await;
    let mut ben = server.join("ben", "double").await;
    let mut seated = server.join("ann", "double").await;
    for round in 0..1000 {
        let mut newer = server.connect("ann", "double").await;
        let (_, welcome) = newer.until("welcome").await;
        assert_eq!(welcome["welcome"]["seat"], 1);
        assert_eq!(
            welcome["welcome"]["members"].as_array().map(Vec::len),
            Some(2)
        );
        newer.until("synced").await;
        if round % 2 == 0 {
            // The older one goes, and takes nothing with it.
            assert_eq!(seated.closed().await, Some(4009));
            drop(seated);
            newer
                .tell(json!({"type": "Say", "n": 1, "to": "ann"}))
                .await;
            seated = newer;
        } else {
            // The newer one goes, and the user comes back to the one seat there is.
            drop(newer);
            drop(seated);
            seated = server.join("ann", "double").await;
            seated
                .tell(json!({"type": "Say", "n": 1, "to": "ann"}))
                .await;
        }
    }
    // As far as Ben knows, Ann came once and never left.
    ben.send(json!({"ping": 1})).await;
    let (before, _) = ben.until("pong").await;
    let moves = before
        .iter()
        .filter_map(|frame| frame["presence"]["event"].as_str());
    let joined = moves.clone().filter(|event| *event == "joined").count();
    assert_eq!(joined, 1);
    assert_eq!(moves.filter(|event| *event == "left").count(), 0);
}

#[tokio::test]
async fn seats_outlive_sockets() {
    let server = murmur().await;
    let mut ann = server.join("ann", "held").await;
    let mut ben = server.join("ben", "held").await;
    drop(server.join("cleo", "held").await);
    let is = |event: &'static str| move |frame: &Value| frame["presence"]["event"] == event;
    let heard = |frames: &[Value], event| frames.iter().any(is(event));
    loop {
        let (_, frame) = ben.until("presence").await;
        if heard(&[frame], "disconnected") {
            break;
        }
    }
    // The room is full: a fourth one watches, the third has its seat.
    let mut dora = server.connect("dora", "held").await;
    assert_eq!(
        dora.until("welcome").await.1["welcome"]["role"],
        "spectator"
    );
    let mut cleo = server.connect("cleo", "held").await;
    let (_, welcome) = cleo.until("welcome").await;
    assert_eq!(welcome["welcome"]["seat"], 2);
    loop {
        let (_, frame) = ann.until("presence").await;
        if heard(&[frame], "reconnected") {
            break;
        }
    }
    // Who says goodbye has left at once.
    cleo.until("synced").await;
    cleo.close().await;
    loop {
        let (_, frame) = ann.until("presence").await;
        if frame["presence"]["event"] == "left" {
            break;
        }
    }
    let mut erin = server.connect("erin", "held").await;
    assert_eq!(erin.until("welcome").await.1["welcome"]["seat"], 2);
}

/// A game for two with nobody who watches.
#[tapaculo::game(players = 2, reconnect = "60s")]
#[derive(Default)]
struct Duel;

#[tapaculo::game]
impl Duel {
    #[message]
    fn nod(&self) {}
}

#[tokio::test]
async fn a_full_room_takes_its_own_player_back_a_hundred_times_and_nobody_else_once() {
    let limits = ConnectionLimits {
        rooms_per_user: 1,
        joins_per_user: 1000,
        joins_per_address: 1000,
        ..ConnectionLimits::default()
    };
    let server = TestServer::start(|server| {
        let server = server.with_game::<Duel>();
        server.with_connection_limits(limits)
    });
    let server = server.await;
    let mut ann = server.join("ann", "full").await;
    let mut ben = Some(server.join("ben", "full").await);
    for round in 0..100 {
        // By turns the old connection is lost, or is there and nobody knows that it is dead; and
        // he comes with the same session as before, or with another.
        let before = ben.take().filter(|_| round % 2 == 0);
        let session = json!({"session_id": format!("s {}", round / 4)});
        let token = server.token_with("ben", "full", &session);
        let request = Request::new(server.url(&format!("/ws?token={token}"))).protocols(JSON);
        let mut back = request.connect().await.expect("his seat is held");
        let (_, welcome) = back.until("welcome").await;
        assert_eq!(welcome["welcome"]["seat"], 1, "{round}");
        back.until("synced").await;
        if let Some(mut before) = before {
            assert_eq!(before.closed().await, Some(4009), "{round}");
        }
        let mut eve = server.connect(&format!("eve {round}"), "full").await;
        assert_eq!(eve.frame().await["error"]["code"], "room_full", "{round}");
        assert_eq!(eve.closed().await, Some(4003), "{round}");
        back.tell(json!({"type": "Nod"})).await;
        ben = Some(back);
    }
    // As she sees it he has come once, and never left.
    let (heard, _) = ann.ask(json!({"type": "Nod"})).await;
    let told = heard
        .iter()
        .filter_map(|frame| frame["presence"]["event"].as_str());
    assert_eq!(told.clone().filter(|event| *event == "joined").count(), 1);
    assert_eq!(told.filter(|event| *event == "left").count(), 0);
}

#[tokio::test]
async fn a_goodbye_counts_though_the_client_does_not_wait_for_ours() {
    let server = murmur().await;
    let mut ben = server.join("ben", "r").await;
    let gate = Gate::of("goodbye");
    for round in 0..50 {
        let mut ann = server.connect("ann", "r").await;
        ann.send(json!({"data": {"type": "Wait", "gate": "goodbye"}}))
            .await;
        gate.begun().await;
        ann.raw(Message::Close(None)).await;
        // It reads nothing: its system answers the first of what it is told with RST, and the
        // rest can't be sent.
        drop(ann);
        gate.open();
        loop {
            let event = ben.until("presence").await.1["presence"]["event"].clone();
            assert_ne!(event, "disconnected", "round {round}");
            if event == "left" {
                break;
            }
        }
    }
}

#[tokio::test]
async fn only_a_goodbye_gives_up_the_seat() {
    let server = murmur().await;
    let mut ben = server.join("ben", "r").await;
    // A page that goes away, a client that is in trouble, an application's own reasons.
    for (code, moved) in [
        (Some(1001), "disconnected"),
        (Some(1011), "disconnected"),
        (Some(4000), "disconnected"),
        (Some(1000), "left"),
        (None, "left"),
    ] {
        let mut ann = server.join("ann", "r").await;
        let frame = code.map(|code: u16| CloseFrame {
            code: code.into(),
            reason: "".into(),
        });
        ann.raw(Message::Close(frame)).await;
        ann.closed().await;
        loop {
            let event = ben.until("presence").await.1["presence"]["event"].clone();
            if event == "left" || event == "disconnected" {
                assert_eq!(event, moved, "{code:?}");
                break;
            }
        }
    }
}
