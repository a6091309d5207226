//! To a client it makes no difference which node it is on: two servers, one Redis.

use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::{RedisPubSub, prelude::*};
use tapaculo_tests::{client::Client, redis::Redis, server::TestServer};

#[tapaculo::game(persist, players = 2, spectators, event = String, history = 10, reconnect = "30s")]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Notes {
    lines: Vec<String>,
}

#[tapaculo::game]
impl Notes {
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
    fn kick(&self, room: &mut Room<Self>, user: UserId) {
        room.kick(&user, "out");
    }

    #[view]
    fn view(&self) -> Vec<String> {
        self.lines.clone()
    }
}

async fn node(redis: &Redis) -> TestServer {
    let pubsub = RedisPubSub::new(redis.url()).expect("it is a URL");
    let pubsub = pubsub.with_lease(Duration::from_secs(1));
    TestServer::start(|server| server.with_game::<Notes>().with_pubsub(pubsub)).await
}

fn write(line: &str) -> Value {
    json!({"type": "Write", "line": line})
}

async fn event(client: &mut Client) -> (u64, String) {
    let (_, event) = client.until("from").await;
    let data = event["data"].as_str().expect("it is a text").to_owned();
    (event["seq"].as_u64().expect("it has a number"), data)
}

#[tokio::test]
async fn members_on_two_nodes_are_in_one_room() {
    let redis = Redis::start().await;
    let (one, two) = (node(&redis).await, node(&redis).await);
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.connect("bob", "r").await;
    let (_, welcome) = bob.until("welcome").await;
    let members = welcome["welcome"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 2, "{welcome}");
    bob.until("synced").await;

    for (client, others, user) in [(0, 1, "alice"), (1, 0, "bob")] {
        let both = [&mut alice, &mut bob];
        let (_, ack) = both[client].ask(write("hello")).await;
        assert!(ack["reply"].is_number(), "{ack}");
        let (_, heard) = event(both[others]).await;
        assert_eq!(heard, format!("{user}: hello"));
    }
    let whisper = json!({"type": "Whisper", "to": "alice", "line": "psst"});
    bob.ask(whisper).await;
    assert_eq!(event(&mut alice).await.1, "psst");

    // Who comes last is on the other node, and sees the same.
    let mut carol = two.connect("carol", "r").await;
    let (_, state) = carol.until("state").await;
    assert_eq!(state["state"], json!(["hello", "hello"]));
    let kick = json!({"type": "Kick", "user": "bob"});
    alice.ask(kick).await;
    assert_eq!(bob.closed().await, Some(4011));
}

#[tokio::test]
async fn operators_ask_any_node() {
    let redis = Redis::start().await;
    let (one, two) = (node(&redis).await, node(&redis).await);
    let mut alice = one.join("alice", "r").await;
    let room = RoomId::new("r").unwrap();
    for node in [&two, &one] {
        let handle = &node.handle;
        handle.broadcast("notes", &room, &"soon").await.unwrap();
        assert_eq!(event(&mut alice).await.1, "soon");
        let nobody = RoomId::new("nobody").unwrap();
        let closed = handle.close_room("notes", &nobody, "").await;
        assert_eq!(closed.unwrap_err().to_string(), "there is no such room");
        let mallory = UserId::new("mallory").unwrap();
        let kicked = handle.kick("notes", &room, &mallory, "").await;
        assert_eq!(
            kicked.unwrap_err().to_string(),
            "the user is not in the room"
        );
    }
    assert_eq!(one.handle.rooms().await.len(), 1);
    assert!(two.handle.rooms().await.is_empty(), "the other has it");
    let mut bob = two.join("bob", "r").await;
    let user = UserId::new("bob").unwrap();
    two.handle.kick("notes", &room, &user, "go").await.unwrap();
    assert_eq!(bob.closed().await, Some(4011));
    two.handle.close_room("notes", &room, "bye").await.unwrap();
    assert_eq!(alice.closed().await, Some(4010));
}
