//! How connections end that are on another node than the room.

use super::{two, until, write};
use serde_json::json;
use tapaculo_tests::client::Request;

#[tokio::test]
async fn who_is_kicked_is_closed_with_4011_on_any_node() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    let mut carol = two.join("carol", "r").await;
    alice.tell(json!({"type": "Kick", "user": "bob"})).await;
    assert_eq!(bob.closed().await, Some(4011));
    until(&mut carol, "bob has left").await;
    carol.tell(json!({"type": "Kick", "user": "alice"})).await;
    assert_eq!(alice.closed().await, Some(4011));
    carol.tell(write("alone")).await;
}

#[tokio::test]
async fn a_room_that_is_closed_is_closed_on_every_node_after_the_answer_and_the_next_is_new() {
    let (_redis, one, two) = two().await;
    for round in 1..=5 {
        let mut alice = one.join("alice", "r").await;
        let mut bob = two.join("bob", "r").await;
        let (_, ack) = bob.ask(write("hello")).await;
        assert_eq!(ack["reply"], 1, "nothing is left of round {}", round - 1);
        let (_, ack) = bob.ask(json!({"type": "Close"})).await;
        assert!(ack.get("ack").is_some(), "{ack}");
        // Whoever comes at once comes to the next one.
        let (mut again, code) = tokio::join!(two.connect("carol", "r"), bob.closed());
        assert_eq!(code, Some(4010));
        assert_eq!(alice.closed().await, Some(4010));
        let (_, state) = again.until("state").await;
        assert_eq!(state["state"], json!([]));
        again.until("synced").await;
        again.tell(json!({"type": "Close"})).await;
        assert_eq!(again.closed().await, Some(4010));
    }
}

#[tokio::test]
async fn a_token_ends_and_is_renewed_on_a_node_that_has_not_got_the_room() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    // With the leeway of 30 s it has about a second left.
    let now = jsonwebtoken::get_current_timestamp();
    let short = json!({"exp": now - 28});
    let mut clients = Vec::new();
    for user in ["bob", "carol"] {
        let token = two.token_with(user, "r", &short);
        let request = Request::new(two.url("/ws")).protocols("tapaculo.v1.json");
        let request = request.header("Authorization", format!("Bearer {token}"));
        let mut client = request.connect().await.expect("accepted");
        client.until("synced").await;
        clients.push(client);
    }
    let fresh = two.token("carol", "r");
    clients[1].send(json!({"token": fresh})).await;
    clients[1].until("renewed").await;
    assert_eq!(clients[0].closed().await, Some(4002));
    clients[1].tell(write("still here")).await;
    until(&mut alice, "carol: still here").await;
}
