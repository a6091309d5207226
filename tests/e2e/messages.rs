//! What becomes of a message.

use crate::games::{Desk, Gate};
use serde_json::{Value, json};
use tapaculo::Server;
use tapaculo_tests::{DEADLINE, client::Received, server::TestServer};
use tokio::{sync::watch, time::timeout};
use tokio_tungstenite::tungstenite::Message;

async fn desk() -> TestServer {
    TestServer::start(Server::with_game::<Desk>).await
}

#[tokio::test]
async fn a_message_with_an_id_is_acked_after_its_events_with_its_reply() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let (before, ack) = alice.ask(json!({"type": "Say", "text": "hi"})).await;
    let event = json!({"seq": 3, "from": "alice", "data": {"type": "Said", "text": "hi"}});
    assert_eq!(before, [event]);
    assert_eq!(ack, json!({"ack": 1, "seq": 3, "reply": 1}));
    let (before, ack) = alice.ask(json!({"type": "Whisper", "text": "hi"})).await;
    assert_eq!(before, [json!(null); 0]);
    assert_eq!(ack, json!({"ack": 2, "seq": 4}));
}

#[tokio::test]
async fn a_message_without_an_id_is_handled_and_not_answered() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    alice
        .send(json!({"data": {"type": "Say", "text": "hi"}}))
        .await;
    alice.send(json!({"ping": 1})).await;
    assert_eq!(alice.frame().await["data"]["text"], "hi");
    assert_eq!(alice.frame().await, json!({"pong": 1}));
}

#[tokio::test]
async fn all_or_nothing_a_refusal_reaches_only_the_sender_and_nothing_has_changed() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    alice.until("presence").await;
    let (before, error) = bob.ask(json!({"type": "Say", "text": "rude"})).await;
    assert_eq!(before, [json!(null); 0]);
    let words = json!({"code": "rejected", "message": "mind your words"});
    assert_eq!(error, json!({"error": words, "id": 1}));
    assert_eq!(bob.refused(json!({"type": "Stumble"})).await, "rejected");
    assert_eq!(bob.refused(json!({"type": "Mumble"})).await, "internal");
    // The next number is the next: what was dropped had none.
    let ack = bob.tell(json!({"type": "Say", "text": "hi"})).await;
    assert_eq!(ack["reply"], 1);
    let (_, event) = alice.until("data").await;
    let mut events = vec![event];
    while events.last().expect("one")["data"]["type"] != "Said" {
        events.push(alice.until("data").await.1);
    }
    assert_eq!(events.last().expect("one")["data"]["text"], "hi");
    let seqs: Vec<_> = events
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    assert!(
        seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{seqs:?}"
    );
}

#[tokio::test]
async fn every_wrong_frame_gets_its_answer_from_the_table() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let deep = format!(
        r#"{{"data": {}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let big = json!({"data": {"type": "Say", "text": "x".repeat(17_000)}, "id": 9}).to_string();
    for (frame, code, id) in [
        ("", "bad_frame", None),
        ("nonsense", "bad_frame", None),
        ("[]", "bad_frame", None),
        ("{}", "bad_frame", None),
        (r#"{"id": 1}"#, "bad_frame", Some(1)),
        (r#"{"data": 1, "id": 0}"#, "bad_frame", None),
        (
            r#"{"data": {"type": "Say", "text": "a", "text": "b"}, "id": 2}"#,
            "bad_frame",
            Some(2),
        ),
        (deep.as_str(), "bad_frame", None),
        (r#"{"data": null, "id": 3}"#, "bad_message", Some(3)),
        (
            r#"{"data": {"text": "hi"}, "id": 4}"#,
            "bad_message",
            Some(4),
        ),
        (
            r#"{"data": {"type": "Sya", "text": "hi"}, "id": 5}"#,
            "bad_message",
            Some(5),
        ),
        (
            r#"{"data": {"type": "Say"}, "id": 6}"#,
            "bad_message",
            Some(6),
        ),
        (
            r#"{"data": {"type": "Say", "text": 5}}"#,
            "bad_message",
            None,
        ),
        (
            r#"{"from": "bob", "data": {"type": "Say", "text": "hi"}, "id": 7}"#,
            "forged_sender",
            Some(7),
        ),
        (
            r#"{"from": "@server", "data": {"type": "Say", "text": "hi"}}"#,
            "forged_sender",
            None,
        ),
        (big.as_str(), "too_large", Some(9)),
    ] {
        alice.raw(Message::text(frame)).await;
        let answer = alice.frame().await;
        let frame = &frame[..frame.len().min(80)];
        assert_eq!(answer["error"]["code"], code, "{frame}: {answer}");
        assert_eq!(answer.get("id").and_then(Value::as_u64), id, "{frame}");
    }
    alice.raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(alice.frame().await["error"]["code"], "bad_frame");
    let data = json!({"type": "Say", "text": "still here"});
    alice.send(json!({"data": data, "id": 10})).await;
    assert_eq!(alice.until("ack").await.1["ack"], 10);
}

#[tokio::test]
async fn an_unknown_message_is_told_the_names_and_a_wrong_field_its_name() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let (_, answer) = alice.ask(json!({"type": "Sya"})).await;
    let words = answer["error"]["message"].as_str().expect("words");
    assert!(
        words.starts_with("no message `Sya`; did you mean `Say`? expected one of: `Say`,"),
        "{words}"
    );
    let (_, answer) = alice.ask(json!({"type": "Say", "text": 5})).await;
    let words = "`text` of `Say`: invalid type: integer `5`, expected a string";
    assert_eq!(answer["error"]["message"], words);
}

#[tokio::test]
async fn a_frame_over_the_hard_limit_closes_with_1009_and_text_that_is_none_with_1007() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    // So long that it is still on its way when the server has read enough.
    alice.raw(Message::text("x".repeat(4_000_000))).await;
    assert_eq!(alice.closed().await, Some(1009));

    // A text frame of one masked byte that is not UTF-8, written by hand.
    let mut bob = server.join("bob", "r").await;
    let frame = tokio_tungstenite::tungstenite::protocol::frame::Frame::message(
        vec![0xff],
        tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode::Data(
            tokio_tungstenite::tungstenite::protocol::frame::coding::Data::Text,
        ),
        true,
    );
    bob.raw(Message::Frame(frame)).await;
    assert_eq!(bob.closed().await, Some(1007));
}

#[tokio::test]
async fn the_server_says_who() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    alice
        .send(json!({"from": "alice", "data": {"type": "Say", "text": "hi"}, "id": 1}))
        .await;
    assert_eq!(alice.until("ack").await.1["ack"], 1);
}

#[tokio::test]
async fn spectators_may_send_only_what_is_open_to_them() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let _bob = server.join("bob", "r").await;
    let mut carol = server.connect("carol", "r").await;
    let (_, welcome) = carol.until("welcome").await;
    assert_eq!(welcome["welcome"]["role"], "spectator");
    assert_eq!(welcome["welcome"]["seat"], json!(null));
    carol.until("synced").await;
    let say = json!({"type": "Say", "text": "hi"});
    assert_eq!(carol.refused(say).await, "spectator");
    carol.tell(json!({"type": "Clap"})).await;
    loop {
        let (_, event) = alice.until("data").await;
        if event["data"]["text"] == "carol claps" {
            assert_eq!(event["from"], "carol");
            break;
        }
    }
}

#[tokio::test]
async fn an_event_reaches_those_it_is_for_and_nobody_else() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let mut carol = server.join("carol", "r").await;
    alice
        .tell(json!({"type": "Whisper", "text": "to others"}))
        .await;
    alice
        .tell(json!({"type": "Aside", "text": "to spectators"}))
        .await;
    alice.tell(json!({"type": "Say", "text": "to all"})).await;
    let heard = async |client: &mut tapaculo_tests::client::Client| {
        let mut heard = Vec::new();
        loop {
            let data = client.event().await;
            if data["type"] == "Said" {
                heard.push(data["text"].as_str().expect("text").to_owned());
            }
            if data["text"] == "to all" {
                return heard;
            }
        }
    };
    assert_eq!(heard(&mut bob).await, ["to others", "to all"]);
    assert_eq!(
        heard(&mut carol).await,
        ["to others", "to spectators", "to all"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordered() {
    const EACH: usize = 200;
    let server = desk().await;
    let (mut alice, mut bob) = (
        server.join("alice", "r").await,
        server.join("bob", "r").await,
    );
    let mut watcher = server.join("carol", "r").await;
    let talk = async |client: &mut tapaculo_tests::client::Client, name: &str| {
        let mut events = Vec::new();
        for n in 0..EACH {
            let (before, _) = client
                .ask(json!({"type": "Say", "text": format!("{name} {n}")}))
                .await;
            events.extend(before);
        }
        while events
            .iter()
            .filter(|e| e["data"]["type"] == "Said")
            .count()
            < 2 * EACH
        {
            events.push(client.frame().await);
        }
        events.retain(|event| event["data"]["type"] == "Said");
        events
    };
    let watch = async {
        let mut events = Vec::new();
        while events.len() < 2 * EACH {
            let (_, event) = watcher.until("data").await;
            if event["data"]["type"] == "Said" {
                events.push(event);
            }
        }
        events
    };
    let (a, b, c) = tokio::join!(talk(&mut alice, "a"), talk(&mut bob, "b"), watch);
    assert_eq!(a, b);
    assert_eq!(a, c);
    let seqs: Vec<_> = a.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert!(
        seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{seqs:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_has_begun_finishes_though_its_senders_socket_is_gone() {
    let server = desk().await;
    let gate = Gate::of("gone");
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    alice
        .send(json!({"data": {"type": "Ponder", "gate": "gone"}}))
        .await;
    gate.begun().await;
    drop(alice);
    gate.open();
    let mut events = Vec::new();
    while events.last() != Some(&json!({"type": "Left", "who": "alice"})) {
        events.push(bob.event().await);
    }
    assert!(
        events.contains(&json!({"type": "Said", "text": "hm"})),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_see() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let _bob = server.join("bob", "r").await;
    let progress = watch::Sender::new(0);
    let talk = async {
        for n in 0..500 {
            let text = format!("{n}");
            alice.tell(json!({"type": "Say", "text": text})).await;
            progress.send_replace(n + 1);
        }
        alice.tell(json!({"type": "Say", "text": "end"})).await;
    };
    let listen = async |n: usize| {
        let mut said = progress.subscribe();
        // Before anything was said, the last three that are kept are not three in a row.
        let said = said.wait_for(|said| *said > 15 * n).await;
        drop(said.expect("the talk goes on"));
        let mut client = server.connect(&format!("listener {n}"), "r").await;
        let mut last = None;
        loop {
            let frame = client.frame().await;
            if let Some(seq) = frame["seq"].as_u64().filter(|_| frame["data"].is_object()) {
                assert!(
                    last.is_none_or(|last| seq == last + 1),
                    "{last:?} then {seq}"
                );
                last = Some(seq);
            }
            if frame["data"]["text"] == "end" {
                return;
            }
        }
    };
    let listeners = futures_util::future::join_all((0..30).map(listen));
    let both = async { tokio::join!(talk, listeners) };
    timeout(3 * DEADLINE, both)
        .await
        .expect("it comes to its end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_lags_is_closed_with_4108_and_nobody_else_misses_anything() {
    const BATCHES: usize = 150;
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let mut lagging = server.join("carol", "r").await;
    let mut last_heard = None;
    // 15 MB: more than the log keeps and the buffers of a socket take.
    for _ in 0..BATCHES {
        for _ in 0..10 {
            alice.tell(json!({"type": "Shout", "bytes": 10_000})).await;
        }
        // Bob keeps up, so that he is never the slow one.
        let mut heard = 0;
        while heard < 10 {
            let (_, event) = bob.until("data").await;
            let seq = event["seq"].as_u64().expect("a number");
            assert!(
                last_heard.is_none_or(|last| seq == last + 1),
                "{last_heard:?} then {seq}"
            );
            last_heard = Some(seq);
            heard += usize::from(event["data"]["type"] == "Said");
        }
    }
    // It reads at last: an unbroken beginning, then the close frame.
    let mut last = None;
    let code = loop {
        match lagging.next().await {
            Received::Frame(frame) => {
                let Some(seq) = frame["seq"].as_u64() else {
                    continue;
                };
                assert!(
                    last.is_none_or(|last| seq == last + 1),
                    "{last:?} then {seq}"
                );
                last = Some(seq);
            }
            Received::Closed(code) => break code,
        }
    };
    assert_eq!(code, Some(4108));
    assert!(last < last_heard, "it was not slow at all");
}
