//! Somebody who does not read, on another node than the room.

use super::{Node, until};
use serde_json::json;
use std::time::Duration;
use tapaculo::prelude::*;
use tapaculo_tests::{client::Received, redis::Redis};

/// Says much.
#[tapaculo::game(persist, event = String, reconnect = "30s")]
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Loud;

#[tapaculo::game]
impl Loud {
    #[message]
    fn shout(&self, room: &mut Room<Self>) {
        room.broadcast("x".repeat(32 * 1024));
    }

    #[message]
    fn say(&self, room: &mut Room<Self>, line: String) {
        room.broadcast(line);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_on_another_node_is_closed_with_4108_and_nobody_else_notices() {
    let redis = Redis::start().await;
    let never = Duration::from_secs(24 * 60 * 60);
    let configure =
        move |server: tapaculo::Server| server.with_game::<Loud>().with_heartbeat(never, never);
    let one = Node::start(&redis, configure).await;
    let two = Node::start(&redis, configure).await;
    let mut alice = one.join("alice", "r").await;
    let mut slow = two.join("slow", "r").await;
    let mut bob = two.join("bob", "r").await;
    let mut said = 0;
    // Until the log has let go what the slow one was still to be told.
    for _ in 0..12 {
        for _ in 0..64 {
            alice.tell(json!({"type": "Shout"})).await;
            bob.event().await;
            said += 1;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut read = 0;
    let code = loop {
        match slow.next().await {
            Received::Frame(frame) => read += u32::from(frame.get("from").is_some()),
            Received::Closed(code) => break code,
        }
    };
    assert_eq!(code, Some(4108));
    assert!(read < said, "{read} of {said}");
    alice.tell(json!({"type": "Say", "line": "end"})).await;
    until(&mut bob, "end").await;
}
