//! Who is in a room, and how rooms come and go.

use crate::games::{Desk, Patience};
use serde_json::json;
use std::time::Duration;
use tapaculo::Server;
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Received},
    server::TestServer,
};
use tokio::time::timeout;

async fn desk() -> TestServer {
    TestServer::start(Server::with_game::<Desk>).await
}

/// Reads until an event with this `type`.
async fn until_event(client: &mut Client, kind: &str) -> serde_json::Value {
    loop {
        let event = client.event().await;
        if event["type"] == kind {
            return event;
        }
    }
}

#[tokio::test]
async fn who_finds_no_seat_is_told_and_closed_with_4003() {
    let server = TestServer::start(Server::with_game::<Patience>).await;
    let first = server.join("alice", "r").await;
    let mut second = server.connect("bob", "r").await;
    let error = second.frame().await;
    assert_eq!(error["error"]["code"], "room_full");
    assert_eq!(second.closed().await, Some(4003));
    // A freed seat is the next newcomer's.
    first.close().await;
    let seated = async {
        loop {
            let mut bob = server.connect("bob", "r").await;
            if let Received::Frame(frame) = bob.next().await
                && frame.get("welcome").is_some()
            {
                return frame;
            }
        }
    };
    let welcome = timeout(DEADLINE, seated).await.expect("the seat is freed");
    assert_eq!(welcome["welcome"]["seat"], 0);
}

#[tokio::test]
async fn a_spectator_where_there_are_none_is_closed_with_4003() {
    let server = TestServer::start(Server::with_game::<Patience>).await;
    let key = jsonwebtoken::EncodingKey::from_secret(tapaculo_tests::server::SECRET.as_bytes());
    let claims = json!({
        "sub": "eve", "room": "r", "session_id": "s", "exp": 9_999_999_999_u64,
        "role": "spectator"
    });
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key);
    let token = token.expect("it signs");
    let url = server.url(&format!("/ws?token={token}"));
    let mut eve = tapaculo_tests::client::Request::new(url)
        .connect()
        .await
        .expect("accepted");
    assert_eq!(eve.frame().await["error"]["code"], "rejected");
    assert_eq!(eve.closed().await, Some(4003));
}

#[tokio::test]
async fn whom_on_join_refuses_gets_its_words_and_4003_and_nobody_hears_of_it() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let mut intruder = server.connect("intruder", "r").await;
    let error = intruder.frame().await;
    let words = json!({"error": {"code": "rejected", "message": "not you"}});
    assert_eq!(error, words);
    assert_eq!(intruder.closed().await, Some(4003));
    let mut bob = server.connect("bob", "r").await;
    let (_, welcome) = bob.until("welcome").await;
    assert_eq!(welcome["welcome"]["seat"], 1, "the seat was not kept");
    let presence = &alice.until("presence").await.1["presence"];
    assert_eq!(presence["user"], "bob");
}

#[tokio::test]
async fn coming_and_going_is_told_to_the_others() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let bob = server.join("bob", "r").await;
    let (_, joined) = alice.until("presence").await;
    let expected = json!({"event": "joined", "user": "bob", "seat": 1, "role": "player"});
    assert_eq!(joined["presence"], expected);
    assert_eq!(
        until_event(&mut alice, "Full").await,
        json!({"type": "Full"})
    );
    let carol = server.join("carol", "r").await;
    let (_, joined) = alice.until("presence").await;
    let expected = json!({"event": "joined", "user": "carol", "seat": null, "role": "spectator"});
    assert_eq!(joined["presence"], expected);
    bob.close().await;
    let (_, left) = alice.until("presence").await;
    let expected = json!({"event": "left", "user": "bob", "seat": 1, "role": "player"});
    assert_eq!(left["presence"], expected);
    assert_eq!(alice.event().await, json!({"type": "Left", "who": "bob"}));
    carol.close().await;
    assert_eq!(alice.until("presence").await.1["presence"]["user"], "carol");
}

#[tokio::test]
async fn empty_rooms_go() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    alice.tell(json!({"type": "Say", "text": "hi"})).await;
    alice.close().await;
    let gone = async {
        loop {
            // A visit keeps the room: the next one comes when its time may be over.
            tokio::time::sleep(Duration::from_millis(300)).await;
            let mut visitor = server.connect("alice", "r").await;
            let (_, state) = visitor.until("state").await;
            visitor.close().await;
            if state["state"]["said"] == json!([]) {
                return state;
            }
        }
    };
    let state = timeout(DEADLINE, gone).await.expect("it goes");
    assert_eq!(state["seq"], 2, "a new room counts anew");
}

#[tokio::test]
async fn a_panic_closes_its_room_with_1011_and_no_other() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let mut elsewhere = server.join("carol", "other").await;
    let (before, error) = alice.ask(json!({"type": "Explode"})).await;
    assert!(
        before
            .iter()
            .all(|frame| frame["data"]["text"] != "never heard")
    );
    assert_eq!(error["error"]["code"], "internal");
    assert_eq!(error["id"], 1);
    assert_eq!(alice.closed().await, Some(1011));
    assert_eq!(bob.closed().await, Some(1011));
    elsewhere.tell(json!({"type": "Say", "text": "fine"})).await;
    // The room's name is free at once, its seats too.
    let mut anew = server.connect("dave", "r").await;
    let (_, welcome) = anew.until("welcome").await;
    assert_eq!(
        welcome["welcome"]["members"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_dropped() {
    let patience = Duration::from_secs(1);
    let server = TestServer::start(|server| {
        server
            .with_game::<Desk>()
            .with_heartbeat(patience / 4, patience)
    })
    .await;
    let mut alice = server.join("alice", "r").await;
    // Its client library answers pings only while it is read from.
    let silent = server.join("bob", "r").await;
    assert_eq!(
        until_event(&mut alice, "Left").await,
        json!({"type": "Left", "who": "bob"})
    );
    drop(silent);
}
