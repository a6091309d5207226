//! Input from those who mean no good.

use crate::games::Desk;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tapaculo::Server;
use tapaculo_tests::{
    client::{Client, Received},
    server::TestServer,
};
use tokio_tungstenite::tungstenite::Message;

const GOOD: &[&str] = &[
    r#"{"data": {"type": "Say", "text": "hi"}, "id": 7}"#,
    r#"{"from": "alice", "data": {"type": "Whisper", "text": "\u00e9\n"}}"#,
    r#"{"data": {"type": "Shout", "bytes": 3}, "id": 8, "extra": [1, {"a": null}]}"#,
    r#"{"ping": 3}"#,
];

/// A good frame with some of its bytes changed, cut out, doubled or swapped.
fn mutated(rng: &mut StdRng) -> String {
    let mut frame = GOOD[rng.random_range(0..GOOD.len())].as_bytes().to_vec();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..frame.len());
        match rng.random_range(0..4) {
            0 => frame[at] = rng.random_range(0..128),
            1 if frame.len() > 1 => drop(frame.remove(at)),
            2 => frame.insert(at, b"{}[]\",:\\0e-"[rng.random_range(0..11)]),
            _ => {
                let other = rng.random_range(0..frame.len());
                frame.swap(at, other);
            }
        }
    }
    String::from_utf8_lossy(&frame).into_owned()
}

/// Whether the connection still works: a ping comes back.
async fn is_alive(client: &mut Client, number: u64) {
    client.send(json!({"ping": number})).await;
    loop {
        match client.next().await {
            Received::Frame(frame) if frame["pong"] == number => return,
            Received::Frame(frame) => {
                assert!(
                    frame
                        .get("error")
                        .is_none_or(|error| error["code"].is_string())
                );
            }
            Received::Closed(code) => panic!("closed with {code:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_random_and_mutated_frames_are_each_answered_and_end_nothing() {
    let mut rng = StdRng::seed_from_u64(7);
    let server = TestServer::start(Server::with_game::<Desk>).await;
    let mut alice = server.join("alice", "r").await;
    for n in 0..10_000_u64 {
        let frame = if n % 2 == 0 {
            Message::text(mutated(&mut rng))
        } else {
            let length = rng.random_range(0..64);
            let bytes: Vec<u8> = (0..length).map(|_| rng.random()).collect();
            match String::from_utf8(bytes) {
                Ok(text) => Message::text(text),
                Err(bytes) => Message::binary(bytes.into_bytes()),
            }
        };
        alice.raw(frame).await;
        if n % 100 == 0 {
            is_alive(&mut alice, 1_000_000 + n).await;
        }
    }
    is_alive(&mut alice, 9_999_999).await;
    let mut bob = server.join("bob", "r").await;
    bob.tell(json!({"type": "Say", "text": "fine"})).await;
}

#[tokio::test]
async fn what_is_not_the_websocket_protocol_closes_with_1002() {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let server = TestServer::start(Server::with_game::<Desk>).await;
    for opcode in [
        OpCode::Data(Data::Reserved(3)),
        OpCode::Data(Data::Continue),
    ] {
        let mut alice = server.join("alice", "r").await;
        let frame = Frame::message(b"x".to_vec(), opcode, true);
        alice.raw(Message::Frame(frame)).await;
        assert_eq!(alice.closed().await, Some(1002), "{opcode:?}");
    }
}
