//! Input from those who mean no good.

use crate::games::Desk;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tapaculo::Server;
use tapaculo_tests::{DEADLINE, client::Client, server::TestServer};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const GOOD: &[&str] = &[
    r#"{"data": {"type": "Say", "text": "hi"}, "id": 7}"#,
    r#"{"from": "alice", "data": {"type": "Whisper", "text": "\u00e9\n"}}"#,
    r#"{"data": {"type": "Shout", "bytes": 3}, "id": 8, "extra": [1, {"a": null}]}"#,
    r#"{"data": {"type": "Say", "text": "without an id"}}"#,
    r#"{"data": {"type": "Shout", "bytes": 12}, "extra": "\"]}"}"#,
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

/// The message of a text, if it is one.
fn message_of(frame: &Message) -> Value {
    let Message::Text(text) = frame else {
        return Value::Null;
    };
    let frame: Value = serde_json::from_str(text).unwrap_or_default();
    frame["data"].clone()
}

/// Random bytes, as text if they are one.
fn random(rng: &mut StdRng) -> Message {
    let length = rng.random_range(0..64);
    let bytes: Vec<u8> = (0..length).map(|_| rng.random()).collect();
    match String::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(bytes) => Message::binary(bytes.into_bytes()),
    }
}

/// Reads what is said in a room, until somebody says that it is the end.
async fn listen(mut client: Client) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let frame = client.frame().await;
        if frame["data"]["text"] == "the end" {
            return heard;
        }
        heard.push(frame);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_random_and_mutated_frames_are_each_answered_and_end_nothing() {
    let mut rng = StdRng::seed_from_u64(7);
    let server = TestServer::start(Server::with_game::<Desk>).await;
    let mut alice = server.join("alice", "r").await;
    let bob = server.join("bob", "r").await;
    let bob = tokio::spawn(listen(bob));
    // What Bob is to hear: what was accepted, and nothing else.
    let mut said = Vec::new();
    for n in 0..10_000_u64 {
        let frame = match n % 2 {
            0 => Message::text(mutated(&mut rng)),
            _ => random(&mut rng),
        };
        alice.raw(frame.clone()).await;
        let answers = alice.before_pong(1_000_000 + n).await;
        let errors = answers
            .iter()
            .filter(|answer| answer.get("error").is_some());
        let acks = answers.iter().filter(|answer| answer.get("ack").is_some());
        let (errors, acks) = (errors.count(), acks.count());
        assert!(errors + acks <= 1, "{frame:?}: {answers:?}");
        let message = message_of(&frame);
        let events = answers.iter().filter(|answer| answer["from"] == "alice");
        let events: Vec<_> = events.map(|event| event["data"]["text"].clone()).collect();
        if message["type"] == "Whisper" && errors == 0 {
            // Handled, and not answered unless it has an id.
            said.push(message["text"].clone());
        } else {
            assert!(!answers.is_empty(), "{frame:?}");
            assert!(errors == 0 || events.is_empty(), "{frame:?}: {answers:?}");
            said.extend(events);
        }
    }
    // Without an id: one of the frames may have had the highest that there is.
    let end = json!({"type": "Say", "text": "the end"});
    alice.send(json!({"data": end})).await;
    let mut heard = timeout(DEADLINE, bob)
        .await
        .expect("he hears the end in time")
        .expect("nothing else than frames comes to him");
    heard.retain(|frame| frame["data"]["type"] != "Full" && frame["data"]["type"] != "Joined");
    assert!(heard.iter().all(|frame| frame["from"] == "alice"));
    let heard: Vec<_> = heard
        .into_iter()
        .map(|mut event| event["data"]["text"].take())
        .collect();
    assert_eq!(heard, said);
    assert!(
        said.len() > 100,
        "few of them were accepted: {}",
        said.len()
    );
}

#[tokio::test]
async fn a_message_in_fragments_with_a_ping_between_them_is_one_message() {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let server = TestServer::start(Server::with_game::<Desk>).await;
    let mut alice = server.join("alice", "r").await;
    let text = br#"{"data": {"type": "Say", "text": "in three"}, "id": 1}"#;
    let part = |range: std::ops::Range<usize>, opcode, last| {
        Message::Frame(Frame::message(text[range].to_vec(), opcode, last))
    };
    alice.raw(part(0..9, OpCode::Data(Data::Text), false)).await;
    alice.raw(Message::Ping(vec![1].into())).await;
    alice
        .raw(part(9..30, OpCode::Data(Data::Continue), false))
        .await;
    alice
        .raw(part(30..text.len(), OpCode::Data(Data::Continue), true))
        .await;
    assert_eq!(alice.until("ack").await.1["ack"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_never_finished_is_dropped_and_holds_nobody_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = TestServer::start(Server::with_game::<Desk>).await;
    let mut half_sent = Vec::new();
    for _ in 0..100 {
        let mut stream = tokio::net::TcpStream::connect(server.address)
            .await
            .expect("accepted");
        stream
            .write_all(b"GET /ws HTTP/1.1\r\nHost: ")
            .await
            .expect("sent");
        half_sent.push(stream);
    }
    let start = std::time::Instant::now();
    server.join("alice", "r").await;
    assert!(start.elapsed().as_secs() < 1, "{:?}", start.elapsed());
    for mut stream in half_sent {
        // An answer or none, but an end of it.
        let mut rest = Vec::new();
        let end = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest));
        assert!(end.await.is_ok(), "it is still open");
    }
}
