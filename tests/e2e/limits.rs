//! Limits and bans, which follow the user.

use crate::games::Desk;
use serde_json::json;
use std::time::{Duration, Instant};
use tapaculo::MessageLimits;
use tapaculo_tests::{
    client::{JSON, Request},
    server::TestServer,
};
use tokio_tungstenite::tungstenite::Message;

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
