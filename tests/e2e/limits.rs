//! Limits and bans, which follow the user.

use crate::games::Desk;
use serde_json::json;
use std::time::{Duration, Instant};
use tapaculo::MessageLimits;
use tapaculo_tests::{
    DEADLINE,
    client::{JSON, Request},
    server::TestServer,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

async fn desk(limits: MessageLimits) -> TestServer {
    TestServer::start(|server| server.with_game::<Desk>().with_limits(limits)).await
}

/// So few messages in so long a time that no test gets there by accident.
fn three_an_hour(ban: Duration) -> MessageLimits {
    MessageLimits {
        max_size_bytes: 100,
        max_messages_per_window: 3,
        window_duration: Duration::from_secs(3600),
        ban_duration: ban,
    }
}

#[tokio::test]
async fn bans_stick() {
    let ban = Duration::from_secs(3600);
    let server = desk(three_an_hour(ban)).await;
    let mut alice = server.join("alice", "r").await;
    let mut elsewhere = server.join("alice", "another room").await;
    let mut bob = server.join("bob", "r").await;
    // Whatever they are, in whichever room.
    alice.tell(json!({"type": "Say", "text": "one"})).await;
    elsewhere.raw(Message::text("nonsense")).await;
    assert_eq!(
        elsewhere.until("error").await.1["error"]["code"],
        "bad_frame"
    );
    elsewhere.send(json!({"ping": 1})).await;
    elsewhere.until("pong").await;
    alice
        .send(json!({"data": {"type": "Say", "text": "four"}, "id": 4}))
        .await;
    let (_, refused) = alice.until("error").await;
    assert_eq!(refused["error"]["code"], "banned");
    assert_eq!(refused["id"], 4);
    let time = refused["error"]["retry_after_ms"].as_u64().expect("a time");
    assert!((3_500_000..=3_600_000).contains(&time), "{time}");
    assert_eq!(alice.closed().await, Some(4008));
    // Reconnecting evades nothing: not another room, another session or another dialect.
    for attempt in 0..100 {
        let session = json!({"session_id": format!("{attempt}")});
        let token = server.token_with("alice", &format!("room {attempt}"), &session);
        let mut request = Request::new(server.url(&format!("/ws?token={token}")));
        if attempt % 2 == 0 {
            request = request.protocols(JSON);
        }
        let response = request.connect().await.expect_err("a ban is a refusal");
        assert_eq!(response.status(), 429);
        let after = response.headers()["retry-after"].to_str().expect("text");
        assert!(
            (3_500..=3_600).contains(&after.parse().expect("seconds")),
            "{after}"
        );
        let body = response.body().as_deref().unwrap_or_default();
        let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(body["error"]["code"], "banned");
    }
    // Nor does the connection that was open elsewhere.
    assert_eq!(elsewhere.closed().await, Some(4008));
    // It is nobody else's trouble.
    bob.tell(json!({"type": "Say", "text": "hello"})).await;
    // What was refused was not said.
    let (before, _) = bob.ask(json!({"type": "Say", "text": "again"})).await;
    assert!(before.iter().all(|frame| frame["data"]["text"] != "four"));
}

#[tokio::test]
async fn a_ban_is_over_when_it_says() {
    let server = desk(three_an_hour(Duration::from_millis(300))).await;
    let mut alice = server.join("alice", "r").await;
    for _ in 0..4 {
        alice.send(json!({"ping": 1})).await;
    }
    let banned = Instant::now();
    assert_eq!(alice.closed().await, Some(4008));
    loop {
        match server.request("alice", "r").connect().await {
            Ok(_) => break,
            Err(response) => assert_eq!(response.status(), 429),
        }
    }
    assert!(
        banned.elapsed() >= Duration::from_millis(290),
        "{:?}",
        banned.elapsed()
    );
}

#[tokio::test]
async fn a_ban_that_is_over_before_the_window_lets_no_more_through_it() {
    let server = desk(three_an_hour(Duration::from_millis(100))).await;
    let mut bob = server.join("bob", "r").await;
    for _ in 0..3 {
        let mut alice = loop {
            match server.request("alice", "r").connect().await {
                Ok(alice) => break alice,
                Err(response) => assert_eq!(response.status(), 429),
            }
        };
        for _ in 0..4 {
            let said = json!({"data": {"type": "Say", "text": "x"}});
            alice.try_send(said).await;
        }
        assert_eq!(alice.closed().await, Some(4008));
    }
    bob.send(json!({"ping": 1})).await;
    let (heard, _) = bob.until("pong").await;
    let said = heard.iter().filter(|frame| frame["data"]["type"] == "Said");
    assert_eq!(said.count(), 3);
}

#[tokio::test]
async fn where_nobody_is_banned_what_is_too_much_is_rate_limited_and_may_be_sent_again() {
    let server = desk(MessageLimits {
        max_messages_per_window: 5,
        window_duration: Duration::from_millis(200),
        ban_duration: Duration::ZERO,
        ..MessageLimits::default()
    });
    let server = server.await;
    let mut alice = server.join("alice", "r").await;
    let mut applied = 0;
    let mut limited = 0;
    let start = Instant::now();
    for id in 1..=20 {
        let frame = json!({"data": {"type": "Say", "text": format!("{id}")}, "id": id});
        loop {
            alice.send(frame.clone()).await;
            let answer = loop {
                let frame = alice.frame().await;
                if frame["ack"] == id || frame["id"] == id {
                    break frame;
                }
            };
            if answer.get("ack").is_some() {
                applied += 1;
                assert_eq!(answer["reply"], applied, "each is said once");
                break;
            }
            assert_eq!(answer["error"]["code"], "rate_limited");
            limited += 1;
            let wait = answer["error"]["retry_after_ms"].as_u64().expect("a time");
            assert!((1..=200).contains(&wait), "{wait}");
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }
    assert!(limited >= 3, "{limited}");
    // Twenty at five in 200 ms.
    assert!(
        start.elapsed() >= Duration::from_millis(600),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_message_over_the_size_is_too_large_and_counts() {
    let server = desk(three_an_hour(Duration::from_secs(3600))).await;
    let mut alice = server.join("alice", "r").await;
    let big = json!({"type": "Say", "text": "x".repeat(100)});
    for _ in 0..3 {
        assert_eq!(alice.refused(big.clone()).await, "too_large");
    }
    alice.send(json!({"data": big})).await;
    assert_eq!(alice.closed().await, Some(4008));
}

/// A piece of a message.
fn piece(payload: &str, opcode: Data, is_last: bool) -> Message {
    let payload = payload.as_bytes().to_vec();
    Message::Frame(Frame::message(payload, OpCode::Data(opcode), is_last))
}

#[tokio::test]
async fn whatever_a_client_sends_counts_and_each_of_it_once() {
    let five_an_hour = MessageLimits {
        max_messages_per_window: 5,
        ..three_an_hour(Duration::from_secs(3600))
    };
    let server = desk(five_an_hour).await;
    let more = || piece("", Data::Continue, false);
    let text = |text: &str| vec![Message::text(text); 4];
    for (what, four) in [
        (
            "a message",
            text(r#"{"data": {"type": "Say", "text": "hi"}}"#),
        ),
        ("nonsense", text("nonsense")),
        ("no text at all", text("")),
        ("a forged sender", text(r#"{"from": "bob", "data": 1}"#)),
        ("an unknown message", text(r#"{"data": {"type": "No"}}"#)),
        ("too large", text(&"x".repeat(1000))),
        ("bytes", vec![Message::binary(vec![1]); 4]),
        ("no bytes", vec![Message::binary(vec![]); 4]),
        ("a ping of the protocol", text(r#"{"ping": 1}"#)),
        ("a ping", vec![Message::Ping(vec![1].into()); 4]),
        (
            "a pong that nobody asked for",
            vec![Message::Pong(vec![1].into()); 4],
        ),
        (
            "pieces of a message that never ends",
            vec![piece("{", Data::Text, false), more(), more(), more()],
        ),
        (
            "pieces of bytes",
            vec![piece("", Data::Binary, false), more(), more(), more()],
        ),
        (
            "one message in four",
            vec![
                piece(r#"{"ping""#, Data::Text, false),
                piece(": 1", Data::Continue, false),
                more(),
                piece("}", Data::Continue, true),
            ],
        ),
        (
            "a ping and a pong between pieces",
            vec![
                piece("{", Data::Text, false),
                Message::Ping(vec![].into()),
                more(),
                Message::Pong(vec![].into()),
            ],
        ),
    ] {
        let mut client = server.join(what, what).await;
        for frame in four {
            client.raw(frame).await;
        }
        let fifth = Message::Ping(b"the fifth".to_vec().into());
        client.raw(fifth).await;
        let is_its_pong = |message: &Message| matches!(message, Message::Pong(payload) if &payload[..] == b"the fifth");
        client.until_raw(1, is_its_pong).await;
        client.raw(Message::Ping(vec![].into())).await;
        assert_eq!(client.closed().await, Some(4008), "{what}");
        assert_eq!(server.request(what, what).status().await, 429, "{what}");
    }
}

#[tokio::test]
async fn to_answer_the_servers_pings_costs_nothing() {
    let limits = three_an_hour(Duration::from_secs(3600));
    let server = TestServer::start(|server| {
        let heartbeat = Duration::from_millis(20);
        let server = server.with_game::<Desk>().with_limits(limits);
        server.with_heartbeat(heartbeat, DEADLINE)
    });
    let server = server.await;
    let mut alice = server.join("alice", "r").await;
    alice.until_raw(20, Message::is_ping).await;
    for _ in 0..3 {
        alice
            .tell(json!({"type": "Say", "text": "still here"}))
            .await;
    }
}

#[tokio::test]
async fn a_flood_of_fragments_ends_in_a_ban_before_the_message_does() {
    let server = desk(MessageLimits {
        max_messages_per_window: 100,
        ..three_an_hour(Duration::from_secs(3600))
    });
    let server = server.await;
    let mut alice = server.join("alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    alice.raw(piece("{", Data::Text, false)).await;
    for _ in 0..1000 {
        alice.raw(piece("", Data::Continue, false)).await;
    }
    assert_eq!(alice.closed().await, Some(4008));
    assert_eq!(server.request("alice", "r").status().await, 429);
    bob.tell(json!({"type": "Say", "text": "hello"})).await;
}
