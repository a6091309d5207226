//! To a client it makes no difference which node it is on: servers in one process, on a real Redis.
//!
//! A process of its own: beside browsers, so many servers are slow.

mod chess_cluster;
mod closures;
mod ending;
mod everywhere;
mod joining;
mod members;
mod messages;
mod moving;
mod operators;
mod slow;
mod unkept;

use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tapaculo::{Metadata, RedisPubSub, Server, prelude::*};
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Received},
    redis::Redis,
    server::TestServer,
};
use tokio::{runtime::Runtime, time::timeout};

/// How long a lease is where a node is to be missed soon.
const LEASE: Duration = Duration::from_secs(1);

/// Notes that everyone writes and sees.
#[tapaculo::game(
    persist,
    players = 3,
    spectators,
    event = String,
    history = 100,
    reconnect = "30s",
    handler_timeout = "1500ms"
)]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Notes {
    lines: Vec<String>,
}

#[tapaculo::game]
impl Notes {
    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), String> {
        if player.user().as_str() == "mallory" {
            return Err("not you".to_owned());
        }
        room.broadcast(format!("{} is here", player.user()));
        Ok(())
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>, player: &Player) {
        room.broadcast(format!("{} has left", player.user()));
    }

    #[message(spectators)]
    fn write(&mut self, room: &mut Room<Self>, member: &Member, line: String) -> usize {
        self.lines.push(line.clone());
        room.broadcast(format!("{}: {line}", member.user()));
        self.lines.len()
    }

    #[message]
    fn whisper(&self, room: &mut Room<Self>, to: UserId, line: String) {
        room.send_to(&to, line);
    }

    #[message]
    fn tell_others(&self, room: &mut Room<Self>, player: &Player, line: String) {
        room.broadcast_except(player.user(), line);
    }

    #[message]
    fn tell_seat(&self, room: &mut Room<Self>, seat: Seat, line: String) {
        room.broadcast_to(|member| member.seat() == Some(seat), line);
    }

    #[message]
    fn hint(&self, room: &mut Room<Self>, line: String) {
        room.broadcast_volatile(line);
    }

    #[message]
    fn redact(&self, room: &mut Room<Self>, seq: u64) {
        room.redact(seq);
    }

    #[message]
    fn refuse(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.lines.push("never".to_owned());
        room.broadcast("never".to_owned());
        Err("no".to_owned())
    }

    #[message]
    fn panic(&mut self, room: &mut Room<Self>) {
        self.lines.push("never".to_owned());
        room.broadcast("never".to_owned());
        panic!("this panic is part of a test");
    }

    /// Takes so long.
    #[message]
    async fn ponder(&mut self, room: &mut Room<Self>, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        self.lines.push("hm".to_owned());
        room.broadcast("hm".to_owned());
    }

    #[message]
    fn remind(&self, room: &mut Room<Self>, ms: u64, line: String) {
        room.after(Duration::from_millis(ms), NotesTimer::Ring { line });
    }

    #[timer]
    fn ring(&mut self, room: &mut Room<Self>, line: String) {
        self.lines.push(line.clone());
        room.broadcast(line);
    }

    #[message]
    fn call_me(&self, room: &mut Room<Self>, player: &Player, name: String) {
        room.set_metadata(player.user(), Metadata::named(name));
    }

    #[message]
    fn kick(&self, room: &mut Room<Self>, user: UserId) {
        room.kick(&user, "out");
    }

    #[message]
    fn close(&self, room: &mut Room<Self>) {
        room.close("over");
    }

    #[view]
    fn view(&self) -> Vec<String> {
        self.lines.clone()
    }
}

/// A node that may be killed: what it runs on is its own.
struct Node {
    runtime: Option<Runtime>,
    server: TestServer,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.die();
    }
}

impl Node {
    /// Starts one more node.
    async fn start(
        redis: &Redis,
        configure: impl FnOnce(Server) -> Server + Send + 'static,
    ) -> Self {
        let pubsub = RedisPubSub::new(redis.url()).expect("it is a URL");
        let pubsub = pubsub.with_lease(LEASE);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let starting = runtime.spawn(TestServer::start(|server| {
            configure(server.with_pubsub(pubsub))
        }));
        let server = starting.await.expect("it starts");
        Self {
            runtime: Some(runtime),
            server,
        }
    }

    /// One of the game that these tests are about.
    async fn of_notes(redis: &Redis) -> Self {
        Self::start(redis, Server::with_game::<Notes>).await
    }

    /// Does nothing more from now on, not even close its sockets.
    fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Is asked to end, and has ended.
    async fn end(&self) {
        let handle = self.server.handle.clone();
        timeout(DEADLINE, handle.shutdown()).await.expect("in time");
    }
}

impl std::ops::Deref for Node {
    type Target = TestServer;
    fn deref(&self) -> &TestServer {
        &self.server
    }
}

/// A Redis and two nodes.
async fn two() -> (Arc<Redis>, Node, Node) {
    let redis = Redis::start().await;
    let (one, two) = (Node::of_notes(&redis).await, Node::of_notes(&redis).await);
    (Arc::new(redis), one, two)
}

fn write(line: &str) -> Value {
    json!({"type": "Write", "line": line})
}

/// The next event: its number and what it says.
async fn event(client: &mut Client) -> (u64, String) {
    let (_, event) = client.until("from").await;
    let data = event["data"].as_str().expect("it is a text").to_owned();
    (event["seq"].as_u64().expect("it has a number"), data)
}

/// Reads up to the event that says this, and answers with its number.
async fn until(client: &mut Client, line: &str) -> u64 {
    loop {
        let (seq, said) = event(client).await;
        if said == line {
            return seq;
        }
    }
}

/// Reads to the end of the connection; answers with the events' numbers and texts, and the code.
async fn to_the_end(client: &mut Client) -> (Vec<(u64, String)>, Option<u16>) {
    let mut events = Vec::new();
    loop {
        match client.next().await {
            Received::Frame(frame) if frame.get("from").is_some() => {
                let data = frame["data"].as_str().expect("a text").to_owned();
                events.push((frame["seq"].as_u64().unwrap_or(0), data));
            }
            Received::Frame(_) => {}
            Received::Closed(code) => return (events, code),
        }
    }
}

#[tokio::test]
async fn members_on_two_nodes_are_in_one_room() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.connect("bob", "r").await;
    let (_, welcome) = bob.until("welcome").await;
    let members = welcome["welcome"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 2, "{welcome}");
    bob.until("synced").await;
    until(&mut alice, "bob is here").await;

    for (client, others, user) in [(0, 1, "alice"), (1, 0, "bob")] {
        let both = [&mut alice, &mut bob];
        let (_, ack) = both[client].ask(write("hello")).await;
        assert!(ack["reply"].is_number(), "{ack}");
        let (_, heard) = event(both[others]).await;
        assert_eq!(heard, format!("{user}: hello"));
    }
}
