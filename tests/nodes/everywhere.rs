//! What is true of a user is true at all nodes: bans, revocations, refresh tokens that work once, limits.

use crate::{Notes, write};
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::{ConnectionLimits, MessageLimits, RedisPubSub, Server, SessionId};
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Received},
    http::{self, Response},
    redis::Redis,
    server::TestServer,
    user,
};
use tokio::time::{Instant, sleep};

const AN_HOUR: Duration = Duration::from_secs(3600);

async fn node(redis: &Redis) -> TestServer {
    node_with(redis, |server| server).await
}

async fn node_with(redis: &Redis, configure: impl FnOnce(Server) -> Server) -> TestServer {
    let pubsub = RedisPubSub::new(redis.url()).expect("it is a URL");
    let notes = |server: Server| {
        configure(
            server
                .with_pubsub(pubsub)
                .with_game::<Notes>()
                .with_guest_tokens(),
        )
    };
    TestServer::start(notes).await
}

/// Waits until it is so.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn status(server: &TestServer, user: &str) -> u16 {
    server.request(user, "r").status().await.as_u16()
}

#[tokio::test]
async fn who_is_banned_at_one_node_is_banned_at_all_and_at_those_that_come_later() {
    let redis = Redis::start().await;
    let (one, other) = (node(&redis).await, node(&redis).await);
    let mut here = one.join("alice", "r").await;
    let mut there = other.join("alice", "q").await;
    let mut bob = other.join("bob", "q").await;
    one.handle.ban(&user("alice"), AN_HOUR);
    assert_eq!(here.closed().await, Some(4008));
    assert_eq!(there.closed().await, Some(4008));
    assert_eq!(status(&other, "alice").await, 429);
    let bans = other.handle.bans();
    assert_eq!(bans, one.handle.bans());
    assert_eq!((bans.len(), &bans[0].user), (1, &user("alice")));
    let later = node(&redis).await;
    assert_eq!(status(&later, "alice").await, 429);
    bob.tell(write("still here")).await;
    // Whoever may ban may take it back elsewhere.
    assert!(later.handle.unban(&user("alice")));
    until("she is let in", async || status(&one, "alice").await == 101).await;
    assert_eq!(status(&later, "alice").await, 101);
    until("nobody is banned", async || other.handle.bans().is_empty()).await;
    let latest = node(&redis).await;
    assert_eq!(status(&latest, "alice").await, 101);
    assert!(latest.handle.bans().is_empty());
}

#[tokio::test]
async fn who_was_banned_before_the_server_serves_is_banned_at_all_nodes() {
    let redis = Redis::start().await;
    let one = node(&redis).await;
    let mut alice = one.join("alice", "r").await;
    let _other = node_with(&redis, |server| {
        server.handle().ban(&user("alice"), AN_HOUR);
        server
    })
    .await;
    assert_eq!(alice.closed().await, Some(4008));
}

#[tokio::test]
async fn what_is_revoked_at_one_node_is_revoked_at_all() {
    let redis = Redis::start().await;
    let (one, other) = (node(&redis).await, node(&redis).await);
    let token = |session: &str| {
        let token = one.auth.sign_access("alice", "r", session, 600);
        token.expect("valid names")
    };
    let join = async |token: &str| {
        let mut request = other.request("alice", "r");
        request.headers.retain(|(name, _)| *name != "Authorization");
        let request = request.header("Authorization", format!("Bearer {token}"));
        let mut client = request.connect().await?;
        client.until("synced").await;
        Ok::<_, tokio_tungstenite::tungstenite::http::Response<_>>(client)
    };
    let refused = async |token: &str| match join(token).await {
        Ok(_) => panic!("it is let in"),
        Err(response) => assert_eq!(response.status(), 401),
    };
    let session = |session: &str| SessionId::new(session).expect("a session");

    let alone = token("a");
    let mut client = join(&alone).await.expect("it is good");
    assert_eq!(one.handle.revoke_token(&alone).expect("it is good"), 0);
    assert_eq!(client.closed().await, Some(4001));
    refused(&alone).await;

    let (here, there) = (token("b"), token("c"));
    let mut client = join(&here).await.expect("it is good");
    one.handle.revoke_session(&user("alice"), &session("b"));
    assert_eq!(client.closed().await, Some(4001));
    refused(&here).await;

    let mut client = join(&there).await.expect("of another session");
    one.handle.revoke_user(&user("alice"));
    assert_eq!(client.closed().await, Some(4001));
    let later = node(&redis).await;
    for token in [&alone, &here, &there] {
        refused(token).await;
        let request = later.url(&format!("/ws?token={token}"));
        let status = tapaculo_tests::client::Request::new(request).status().await;
        assert_eq!(status, 401);
    }
    join(&token("d")).await.expect("issued since");
}

async fn refresh(server: &TestServer, token: &Value) -> Response {
    let asked = json!({"refresh_token": token}).to_string();
    http::post(server.address, "/token/refresh", &asked).await
}

async fn log_in(server: &TestServer) -> Value {
    let asked = json!({"name": "Ann", "room": "r"}).to_string();
    http::post(server.address, "/token", &asked).await.json()
}

/// Connects with an access token, and reads the greeting.
async fn join(server: &TestServer, token: &Value) -> Client {
    let token = token.as_str().expect("a token");
    let request = tapaculo_tests::client::Request::new(server.url(&format!("/ws?token={token}")));
    let request = request.protocols(tapaculo_tests::client::JSON);
    let mut client = request.connect().await.expect("it is good");
    client.until("synced").await;
    client
}

#[tokio::test]
async fn a_refresh_token_works_once_at_whichever_node_and_twice_ends_its_login_at_all() {
    let redis = Redis::start().await;
    let (one, other) = (node(&redis).await, node(&redis).await);
    let first = log_in(&one).await;
    let second = refresh(&other, &first["refresh_token"]).await.json();
    let third = refresh(&one, &second["refresh_token"]).await.json();
    let mut client = join(&one, &third["token"]).await;
    // The thief comes late, to the other node.
    assert_eq!(refresh(&other, &first["refresh_token"]).await.status, 401);
    assert_eq!(client.closed().await, Some(4001));
    for node in [&one, &other] {
        assert_eq!(refresh(node, &third["refresh_token"]).await.status, 401);
    }
    // At the same moment, at both: one of them is the thief.
    for _ in 0..10 {
        let login = log_in(&one).await;
        let token = &login["refresh_token"];
        let (here, there) = tokio::join!(refresh(&one, token), refresh(&other, token));
        let mut both = [here.status, there.status];
        both.sort_unstable();
        assert_eq!(both, [200, 401]);
    }
}

#[tokio::test]
async fn while_redis_is_away_nobody_says_whether_a_token_was_used_and_bans_are_known() {
    let mut redis = Redis::start().await;
    let (one, other) = (node(&redis).await, node(&redis).await);
    let login = log_in(&one).await;
    let mut alice = other.join("alice", "r").await;
    one.handle.ban(&user("mallory"), AN_HOUR);
    until("it is known", async || {
        status(&other, "mallory").await == 429
    })
    .await;
    redis.kill();
    let refused = refresh(&other, &login["refresh_token"]).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (503, &json!("unavailable"))
    );
    assert_eq!(status(&other, "mallory").await, 429);
    one.handle.ban(&user("alice"), AN_HOUR);
    assert_eq!(
        status(&one, "alice").await,
        429,
        "it need not be told to be so here"
    );
    redis.restart().await;
    // The others are told as soon as they can be.
    loop {
        match alice.next().await {
            Received::Closed(Some(4008)) => break,
            Received::Closed(other) => {
                // Its room may have moved meanwhile.
                assert!(
                    matches!(other, Some(4201 | 1013 | 1012) | None),
                    "{other:?}"
                );
                break;
            }
            Received::Frame(_) => {}
        }
    }
    until("it is told", async || status(&other, "alice").await == 429).await;
    until("refreshing works again", async || {
        let answer = refresh(&other, &login["refresh_token"]).await;
        assert!([200, 503].contains(&answer.status), "{}", answer.body);
        answer.status == 200
    })
    .await;
    assert_eq!(refresh(&one, &login["refresh_token"]).await.status, 401);
}

#[tokio::test]
async fn what_redis_has_lost_the_nodes_know_and_tell_it_again() {
    let redis = Redis::start().await;
    let one = node(&redis).await;
    let _serving = one.join("dave", "r").await;
    one.handle.ban(&user("mallory"), AN_HOUR);
    one.handle.revoke_user(&user("bob"));
    let token = one.token("carol", "r");
    one.handle.revoke_token(&token).expect("it is good");
    let keys = async |pattern: &str| {
        redis
            .ask(&["KEYS", pattern])
            .await
            .expect("it answers")
            .texts()
    };
    until("all is kept", async || {
        keys("tapaculo:{users}:*").await.len() == 3
    })
    .await;
    redis.ask(&["FLUSHALL"]).await.expect("it forgets");
    // The nodes notice when they listen again.
    redis
        .ask(&["CLIENT", "KILL", "TYPE", "pubsub"])
        .await
        .expect("it cuts");
    until("all is kept again", async || {
        keys("tapaculo:{users}:*").await.len() == 3
    })
    .await;
    assert_eq!(status(&one, "mallory").await, 429);
    let other = node(&redis).await;
    assert_eq!(status(&other, "mallory").await, 429);
    let request = other.url(&format!("/ws?token={token}"));
    assert_eq!(
        tapaculo_tests::client::Request::new(request).status().await,
        401
    );
}

/// Sends something that counts; whether it was let through.
async fn counts(client: &mut Client) -> bool {
    client.send(json!({"ping": 1})).await;
    loop {
        match client.next().await {
            Received::Frame(frame) if frame.get("pong").is_some() => return true,
            Received::Frame(frame) if frame.get("error").is_some() => {
                assert_eq!(frame["error"]["code"], "rate_limited");
                return false;
            }
            Received::Frame(_) => {}
            Received::Closed(code) => panic!("closed with {code:?}"),
        }
    }
}

#[tokio::test]
async fn who_sends_at_several_nodes_has_one_limit() {
    let redis = Redis::start().await;
    let limited = |server: Server| {
        server.with_limits(MessageLimits {
            max_messages_per_window: 40,
            window_duration: AN_HOUR,
            ban_duration: Duration::ZERO,
            ..MessageLimits::default()
        })
    };
    let one = node_with(&redis, limited).await;
    let other = node_with(&redis, limited).await;
    let mut here = one.join("alice", "r").await;
    let mut there = other.join("alice", "q").await;
    for _ in 0..30 {
        assert!(counts(&mut here).await);
    }
    // It is not known there yet, at first.
    let mut sent = 0;
    while counts(&mut there).await {
        sent += 1;
        assert!(sent <= 40, "each node has a limit of its own");
        sleep(Duration::from_millis(100)).await;
    }
    assert!((10..=20).contains(&sent), "{sent}");
    let mut bob = other.join("bob", "q").await;
    assert!(counts(&mut bob).await, "it is her limit alone");
}

#[tokio::test]
async fn who_connects_and_asks_for_tokens_at_several_nodes_has_one_limit() {
    let redis = Redis::start().await;
    let limited = |server: Server| {
        server.with_connection_limits(ConnectionLimits {
            joins_per_user: 20,
            tokens_per_address: 20,
            window_duration: AN_HOUR,
            ..ConnectionLimits::default()
        })
    };
    let one = node_with(&redis, limited).await;
    let other = node_with(&redis, limited).await;
    let asks = async |server: &TestServer| {
        let asked = http::post(server.address, "/token", r#"{"name": "Ann", "room": "r"}"#).await;
        asked.status
    };
    for _ in 0..15 {
        assert_eq!(status(&one, "alice").await, 101);
        assert_eq!(asks(&one).await, 200);
    }
    // It is not known there yet, at first.
    let (mut joins, mut tokens) = (0, 0);
    while status(&other, "alice").await == 101 {
        joins += 1;
        assert!(joins <= 20, "each node has a limit of its own");
        sleep(Duration::from_millis(100)).await;
    }
    while asks(&other).await == 200 {
        tokens += 1;
        assert!(tokens <= 20, "each node has a limit of its own");
        sleep(Duration::from_millis(100)).await;
    }
    assert!((5..=10).contains(&joins), "{joins}");
    assert!((5..=10).contains(&tokens), "{tokens}");
    assert_eq!(status(&other, "bob").await, 101, "it is her limit alone");
}

#[tokio::test]
async fn who_is_banned_for_sending_too_much_is_banned_at_all_nodes() {
    let redis = Redis::start().await;
    let limited = |server: Server| {
        server.with_limits(MessageLimits {
            max_messages_per_window: 5,
            window_duration: AN_HOUR,
            ..MessageLimits::default()
        })
    };
    let one = node_with(&redis, limited).await;
    let other = node_with(&redis, limited).await;
    let mut here = one.join("alice", "r").await;
    let mut there = other.join("alice", "q").await;
    for _ in 0..6 {
        here.send(json!({"ping": 1})).await;
    }
    assert_eq!(there.closed().await, Some(4008));
    assert_eq!(status(&other, "alice").await, 429);
}

#[tokio::test]
async fn who_keeps_to_the_limit_at_several_nodes_is_never_stopped() {
    let redis = Redis::start().await;
    let limited = |server: Server| {
        server.with_limits(MessageLimits {
            max_messages_per_window: 20,
            window_duration: Duration::from_secs(1),
            ban_duration: Duration::ZERO,
            ..MessageLimits::default()
        })
    };
    let one = node_with(&redis, limited).await;
    let other = node_with(&redis, limited).await;
    let mut both = [one.join("alice", "r").await, other.join("alice", "q").await];
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < Duration::from_secs(4) {
        assert!(counts(&mut both[sent % 2]).await, "the {sent}th");
        sent += 1;
        // Each is answered before the next: no window has more than 20.
        sleep(Duration::from_millis(51)).await;
    }
    assert!(sent > 20);
}

#[tokio::test]
async fn users_who_do_nothing_cost_redis_nothing() {
    let redis = Redis::start().await;
    let limits = |server: Server| server.with_limits(MessageLimits::default());
    let one = node_with(&redis, limits).await;
    let mut clients = Vec::new();
    for number in 0..50 {
        clients.push(one.join(&format!("user {number}"), "r").await);
    }
    assert!(counts(&mut clients[0]).await);
    until("what was sent is told", async || {
        let keys = redis.ask(&["KEYS", "tapaculo:{users}:sent:*"]).await;
        !keys.expect("it answers").texts().is_empty()
    })
    .await;
    redis.commandstats().await;
    // The scripts of this are the only ones that ask for the time.
    sleep(Duration::from_secs(1)).await;
    let stats = redis.commandstats().await;
    assert_eq!(stats.get("hincrby"), None, "{stats:?}");
    assert_eq!(stats.get("zrange"), None, "{stats:?}");
}

#[tokio::test]
async fn the_last_that_a_node_says_is_heard() {
    let redis = Redis::start().await;
    let (one, other) = (node(&redis).await, node(&redis).await);
    for round in 0..10 {
        one.handle.ban(&user(&format!("mallory {round}")), AN_HOUR);
    }
    one.handle.shutdown().await;
    one.ended().await;
    until("they are banned elsewhere", async || {
        other.handle.bans().len() == 10
    })
    .await;
    let later = node(&redis).await;
    until("they are banned for those who come later", async || {
        later.handle.bans().len() == 10
    })
    .await;
}
