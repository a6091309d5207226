//! A connection lasts as long as its token, or as the fresh one that it is sent.

use super::{desk_with, join, join_in, request, status};
use crate::games::Gate;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tapaculo::{JwtAuth, JwtKey, JwtOptions, MessageLimits, Server};
use tapaculo_tests::{
    client::{Client, Received},
    codec::Codec,
    forge::{signed, with},
    server::{SECRET, TestServer},
};

fn strict() -> JwtOptions {
    JwtOptions {
        keys: vec![JwtKey::secret(SECRET)],
        leeway: Duration::ZERO,
        ..JwtOptions::default()
    }
}

async fn server() -> TestServer {
    desk_with(strict(), |server| server).await
}

fn token(server: &TestServer, seconds: u64) -> String {
    let token = server.auth.sign_access("alice", "r", "s", seconds);
    token.expect("valid names")
}

/// Sends a token, and reads up to what it is answered.
async fn renew(client: &mut Client, token: &str) -> Value {
    client.send(json!({"token": token})).await;
    loop {
        let frame = client.frame().await;
        if frame.get("renewed").is_some() || frame.get("error").is_some() {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_connection_whose_token_expires_is_closed_with_4002() {
    let server = server().await;
    let start = Instant::now();
    let token = token(&server, 1);
    let mut client = request(&server, &token).connect().await.expect("good");
    let (_, welcome) = client.until("welcome").await;
    let left = welcome["welcome"]["expires_in_ms"].as_u64();
    assert!(
        (1..=2000).contains(&left.expect("milliseconds")),
        "{left:?}"
    );
    assert_eq!(client.closed().await, Some(4002));
    assert!(start.elapsed() >= Duration::from_millis(990), "{start:?}");
    assert_eq!(status(&server, &token).await, 401);
}

#[tokio::test]
async fn the_leeway_is_waited_for() {
    let options = JwtOptions {
        leeway: Duration::from_secs(2),
        ..strict()
    };
    let server = desk_with(options, |server| server).await;
    let start = Instant::now();
    let spent = token(&server, 0);
    let mut client = request(&server, &spent).connect().await.expect("good");
    let (_, welcome) = client.until("welcome").await;
    let left = welcome["welcome"]["expires_in_ms"].as_u64();
    assert!(left.expect("milliseconds") <= 1000, "without the leeway");
    assert_eq!(client.closed().await, Some(4002));
    assert!(start.elapsed() >= Duration::from_millis(1990), "{start:?}");
}

#[tokio::test]
async fn a_fresh_token_in_time_keeps_the_connection() {
    let server = server().await;
    let mut client = join(&server, &token(&server, 2)).await;
    let answer = renew(&mut client, &token(&server, 600)).await;
    let left = answer["renewed"]["expires_in_ms"].as_u64();
    assert!(
        (590_000..=601_000).contains(&left.expect("milliseconds")),
        "{answer}"
    );
    // One that would have gone with the first token is gone, and this one is not.
    let mut other = server.auth.sign_access("bob", "r", "s", 2).expect("valid");
    let mut bob = join(&server, &other).await;
    assert_eq!(bob.closed().await, Some(4002));
    other.clear();
    client
        .tell(json!({"type": "Say", "text": "still here"}))
        .await;
    // It may be shorter, too: what counts is the last one.
    let answer = renew(&mut client, &token(&server, 1)).await;
    assert!(answer["renewed"]["expires_in_ms"].as_u64() <= Some(2000));
    assert_eq!(client.closed().await, Some(4002));
}

#[tokio::test]
async fn a_fresh_token_is_of_the_same_user_room_and_session() {
    for codec in Codec::ALL {
        only_the_same_is_renewed(codec).await;
    }
}

async fn only_the_same_is_renewed(codec: Codec) {
    let server = server().await;
    let mut client = join_in(codec, &server, &token(&server, 600)).await;
    let auth = &server.auth;
    let stranger = JwtAuth::new("another secret of thirty-two bytes!!");
    for (what, token) in [
        ("another user", auth.sign_access("bob", "r", "s", 600)),
        ("another room", auth.sign_access("alice", "q", "s", 600)),
        ("another session", auth.sign_access("alice", "r", "t", 600)),
        ("a refresh token", auth.sign_refresh("alice", 600)),
        ("forged", stranger.sign_access("alice", "r", "s", 600)),
        ("another game", Ok(signed(&with(json!({"game": "chess"}))))),
        ("expired", Ok(signed(&with(json!({"exp": 1}))))),
        (
            "early",
            Ok(signed(&with(json!({"nbf": 99_999_999_999_u64})))),
        ),
        (
            "a name that can't be",
            Ok(signed(&with(json!({"room": ""})))),
        ),
        ("not a token", Ok("x.y.z".to_owned())),
        ("nothing", Ok(String::new())),
    ] {
        let token = token.expect("it signs");
        let answer = renew(&mut client, &token).await;
        assert_eq!(answer["error"]["code"], "unauthorized", "{what}");
        assert_eq!(answer.get("id"), None);
        let said = answer.to_string();
        assert!(token.is_empty() || !said.contains(&token), "{what}: {said}");
    }
    // None of them has changed anything.
    client
        .tell(json!({"type": "Say", "text": "still here"}))
        .await;
    let again = signed(&with(
        json!({"role": "spectator", "name": "Other", "iat": 1}),
    ));
    assert!(renew(&mut client, &again).await.get("renewed").is_some());
    client
        .tell(json!({"type": "Say", "text": "still a player"}))
        .await;
}

#[tokio::test]
async fn a_token_is_not_a_message() {
    let server = server().await;
    let mut client = join(&server, &token(&server, 600)).await;
    let fresh = token(&server, 600);
    client.send(json!({"token": fresh, "id": 1})).await;
    let (before, renewed) = client.until("renewed").await;
    assert!(before.is_empty(), "{before:?}");
    assert_eq!(renewed.as_object().map(serde_json::Map::len), Some(1));
    client.send(json!({"token": 7, "id": 1})).await;
    let (_, refused) = client.until("error").await;
    assert_eq!(refused["error"]["code"], "bad_frame");
    // What has `data` is a message, whatever else it has.
    client
        .send(json!({"data": {"type": "Say", "text": "x"}, "token": "bad", "id": 2}))
        .await;
    let (_, ack) = client.until("ack").await;
    assert_eq!(ack["ack"], 2);
}

#[tokio::test]
async fn a_revoked_token_keeps_nothing_and_the_fresh_one_is_what_is_revoked() {
    let server = server().await;
    let (first, fresh, revoked) = (
        token(&server, 600),
        token(&server, 600),
        token(&server, 600),
    );
    let mut client = join(&server, &first).await;
    server.handle.revoke_token(&revoked).expect("it is good");
    let answer = renew(&mut client, &revoked).await;
    assert_eq!(answer["error"]["code"], "unauthorized");
    assert!(renew(&mut client, &fresh).await.get("renewed").is_some());
    // It is not here by the first one any more.
    assert_eq!(server.handle.revoke_token(&first).expect("it is good"), 0);
    assert_eq!(server.handle.revoke_token(&fresh).expect("it is good"), 1);
    assert_eq!(client.closed().await, Some(4001));
}

#[tokio::test]
async fn tokens_count_as_frames() {
    let few = |server: Server| {
        server.with_limits(MessageLimits {
            max_messages_per_window: 5,
            window_duration: Duration::from_secs(60),
            ..MessageLimits::default()
        })
    };
    let server = desk_with(strict(), few).await;
    let mut client = join(&server, &token(&server, 600)).await;
    let fresh = token(&server, 600);
    for _ in 0..6 {
        client.try_send(json!({"token": fresh})).await;
    }
    let mut renewed = 0;
    let code = loop {
        match client.next().await {
            Received::Frame(frame) => renewed += u32::from(frame.get("renewed").is_some()),
            Received::Closed(code) => break code,
        }
    };
    assert_eq!((renewed, code), (5, Some(4008)));
}

#[tokio::test]
async fn a_fresh_token_that_waits_behind_a_message_is_in_time() {
    let server = server().await;
    let start = Instant::now();
    let mut client = join(&server, &token(&server, 2)).await;
    let ponder = json!({"data": {"type": "Ponder", "gate": "expiring"}, "id": 1});
    client.send(ponder).await;
    let gate = Gate::of("expiring");
    gate.begun().await;
    client.send(json!({"token": token(&server, 600)})).await;
    tokio::time::sleep(Duration::from_secs(3).saturating_sub(start.elapsed())).await;
    gate.open();
    client.until("ack").await;
    client.until("renewed").await;
}

#[tokio::test]
async fn a_message_in_hand_prolongs_nothing_for_who_has_no_fresh_token() {
    let server = server().await;
    let mut client = join(&server, &token(&server, 1)).await;
    let ponder = json!({"data": {"type": "Ponder", "gate": "expired"}, "id": 1});
    client.send(ponder).await;
    let gate = Gate::of("expired");
    gate.begun().await;
    client.send(json!({"ping": 1})).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    gate.open();
    let opened = Instant::now();
    client.until("ack").await;
    assert_eq!(client.closed().await, Some(4002));
    assert!(opened.elapsed() < Duration::from_secs(5));
}
