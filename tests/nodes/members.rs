//! Who is there, as members on other nodes are told.

use super::{Node, two, until, write};
use serde_json::{Value, json};
use tapaculo_tests::client::Client;

/// The next frame of presence.
async fn presence(client: &mut Client) -> Value {
    client.until("presence").await.1["presence"].take()
}

fn moved(presence: &Value) -> (&str, &str) {
    let text = |key: &str| presence[key].as_str().expect("a text");
    (text("event"), text("user"))
}

#[tokio::test]
async fn everyone_is_told_who_comes_and_goes_on_other_nodes() {
    let (_redis, one, two) = two().await;
    let nodes = [&one, &two];
    for (mine, other) in [(0, 1), (1, 0)] {
        let (here, there): (&Node, &Node) = (nodes[mine], nodes[other]);
        let room = format!("room {mine}");
        let mut alice = here.join("alice", &room).await;
        let bob = there.join("bob", &room).await;
        assert_eq!(moved(&presence(&mut alice).await), ("joined", "bob"));
        drop(bob);
        assert_eq!(moved(&presence(&mut alice).await), ("disconnected", "bob"));
        let mut bob = there.join("bob", &room).await;
        assert_eq!(moved(&presence(&mut alice).await), ("reconnected", "bob"));
        let (before, _) = bob.ask(json!({"type": "CallMe", "name": "Bobby"})).await;
        let own = before.iter().find(|frame| frame.get("presence").is_some());
        let own = &own.expect("it is told so itself")["presence"];
        assert_eq!(moved(own), ("changed", "bob"));
        let changed = presence(&mut alice).await;
        assert_eq!(moved(&changed), ("changed", "bob"));
        assert_eq!(changed["name"], "Bobby");
        let mut carol = here.connect("carol", &room).await;
        let (_, welcome) = carol.until("welcome").await;
        assert_eq!(welcome["welcome"]["members"][1]["name"], "Bobby");
        assert_eq!(moved(&presence(&mut bob).await), ("joined", "carol"));
        bob.close().await;
        loop {
            let presence = presence(&mut alice).await;
            if moved(&presence) == ("left", "bob") {
                break;
            }
        }
        until(&mut alice, "bob has left").await;
    }
}

#[tokio::test]
async fn the_last_to_leave_a_node_and_the_next_to_come_miss_nothing() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    for round in 0..30 {
        let line = format!("{round}");
        let bob = two.join("bob", "r").await;
        // What is said while nobody of a node is there is not said to it.
        let (leaving, coming) = (bob.close(), two.connect("carol", "r"));
        let ((), mut carol) = match round % 2 {
            0 => tokio::join!(leaving, coming),
            _ => {
                leaving.await;
                alice.tell(write("nobody is there")).await;
                ((), coming.await)
            }
        };
        carol.until("synced").await;
        alice.tell(write(&line)).await;
        until(&mut carol, &format!("alice: {line}")).await;
        let (_, ack) = carol.ask(write("thanks")).await;
        assert!(ack["reply"].is_number(), "{ack}");
        carol.close().await;
        until(&mut alice, "carol has left").await;
    }
}
