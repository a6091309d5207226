//! Who gets in, and what it is told first.

use crate::games::{Desk, Patience};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tapaculo::{JwtAuth, Server};
use tapaculo_tests::{
    DEADLINE,
    client::{Client, JSON, Request},
    http,
    server::{SECRET, TestServer},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

async fn desk() -> TestServer {
    TestServer::start(Server::with_game::<Desk>).await
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

fn claims() -> Value {
    json!({"sub": "alice", "room": "r", "session_id": "s", "exp": now() + 600, "kind": "access"})
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    let Value::Object(changes) = changes else {
        panic!("an object of claims");
    };
    for (claim, value) in changes {
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(&claim);
        } else {
            claims[&claim] = value;
        }
    }
    claims
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).expect("it signs")
}

async fn status(server: &TestServer, token: &str) -> u16 {
    let request =
        Request::new(server.url("/ws")).header("Authorization", format!("Bearer {token}"));
    request.status().await.as_u16()
}

#[tokio::test]
async fn an_unauthorised_upgrade_is_401_never_200_or_101() {
    let server = desk().await;
    assert_eq!(Request::new(server.url("/ws")).status().await, 401);
    let good = signed(&claims());
    assert_eq!(status(&server, &good).await, 101);

    let (head, rest) = good.split_once('.').expect("three parts");
    let (body, signature) = rest.split_once('.').expect("three parts");
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let other = JwtAuth::new("another secret of thirty-two bytes!!");
    let refresh = server.auth.sign_refresh("alice", 600).expect("it signs");
    let hs512 = {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims(), &key).expect("it signs")
    };
    let bad = [
        ("empty", String::new()),
        ("garbage", "abc".to_owned()),
        ("without a signature", format!("{head}.{body}.")),
        ("cut", good[..good.len() - 2].to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("alg none", format!("{none}.{body}.")),
        (
            "alg none with a signature",
            format!("{none}.{body}.{signature}"),
        ),
        ("another algorithm", hs512),
        (
            "another secret",
            other.sign_access("alice", "r", "s", 600).expect("it signs"),
        ),
        ("a refresh token", refresh),
        ("expired", signed(&with(json!({"exp": now() - 60})))),
        ("no expiry", signed(&with(json!({"exp": null})))),
        ("an expiry of text", signed(&with(json!({"exp": "never"})))),
        ("not yet valid", signed(&with(json!({"nbf": now() + 60})))),
        ("kind refresh", signed(&with(json!({"kind": "refresh"})))),
        ("kind unknown", signed(&with(json!({"kind": "root"})))),
        ("no room", signed(&with(json!({"room": null})))),
        (
            "no room and no kind",
            signed(&with(json!({"room": null, "kind": null}))),
        ),
        ("no user", signed(&with(json!({"sub": null})))),
        ("no session", signed(&with(json!({"session_id": null})))),
        ("another game", signed(&with(json!({"game": "chess"})))),
        ("a role unknown", signed(&with(json!({"role": "admin"})))),
        (
            "options not an object",
            signed(&with(json!({"options": [1]}))),
        ),
        (
            "options too big",
            signed(&with(json!({"options": {"x": "x".repeat(1024)}}))),
        ),
    ];
    for (what, token) in bad {
        assert_eq!(status(&server, &token).await, 401, "{what}");
    }
    for (what, token) in [
        ("30 s of leeway", signed(&with(json!({"exp": now() - 10})))),
        ("no kind", signed(&with(json!({"kind": null})))),
        ("this game", signed(&with(json!({"game": "desk"})))),
    ] {
        assert_eq!(status(&server, &token).await, 101, "{what}");
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_is_400() {
    let server = desk().await;
    for changes in [
        json!({"sub": ""}),
        json!({"sub": "@server"}),
        json!({"sub": "a\u{0}b"}),
        json!({"sub": "x".repeat(129)}),
        json!({"room": "a\nb"}),
        json!({"room": "x".repeat(129)}),
        json!({"session_id": ""}),
    ] {
        assert_eq!(
            status(&server, &signed(&with(changes.clone()))).await,
            400,
            "{changes}"
        );
    }
    for changes in [
        json!({"sub": "x".repeat(128)}),
        json!({"room": "../%2e/user:x"}),
    ] {
        assert_eq!(
            status(&server, &signed(&with(changes.clone()))).await,
            101,
            "{changes}"
        );
    }
}

#[tokio::test]
async fn the_token_is_taken_from_the_header_then_the_subprotocol_then_the_query() {
    let server = desk().await;
    let token = server.token("alice", "r");
    let url = server.url("/ws");
    let in_query = format!("{url}?token={token}");
    let in_protocol = format!("tapaculo.token.{token}, {JSON}");
    for request in [
        Request::new(&url).header("Authorization", format!("Bearer {token}")),
        Request::new(&url).protocols(&in_protocol),
        Request::new(&in_query),
        Request::new(format!("{url}?token=bad")).protocols(&in_protocol),
        Request::new(format!("{url}?token=bad")).header("Authorization", format!("bearer {token}")),
    ] {
        assert_eq!(request.clone().status().await, 101, "{request:?}");
    }
    for request in [
        Request::new(&in_query).header("Authorization", "Bearer bad"),
        Request::new(&in_query).protocols(format!("tapaculo.token.bad, {JSON}")),
    ] {
        assert_eq!(request.clone().status().await, 401, "{request:?}");
    }
}

#[tokio::test]
async fn the_server_answers_with_the_codec_it_took_and_never_echoes_the_token() {
    let server = desk().await;
    let token = server.token("alice", "r");
    let offer = format!("tapaculo.token.{token}, {JSON}");
    let request = Request::new(server.url("/ws")).protocols(offer);
    let (_client, response) = request.connect_full().await.expect("accepted");
    assert_eq!(response.headers()["sec-websocket-protocol"], JSON);
    assert!(!format!("{response:?}").contains(&token));

    for offer in [format!("tapaculo.token.{token}"), "chat".to_owned()] {
        let request = Request::new(server.url(&format!("/ws?token={token}")));
        assert_eq!(request.protocols(offer).status().await, 400);
    }
}

#[tokio::test]
async fn a_position_that_is_none_is_400_and_one_that_is_not_known_makes_a_newcomer() {
    let server = desk().await;
    let token = server.token("alice", "r");
    for (resume, expected) in [("abc-7", 101), ("abc", 400), ("-7", 400), ("abc--7", 400)] {
        let url = server.url(&format!("/ws?token={token}&resume={resume}"));
        assert_eq!(Request::new(url).status().await, expected, "{resume}");
    }
    let url = server.url("/ws?resume=abc-7");
    let request = Request::new(url).protocols(format!("tapaculo.token.{token}, {JSON}"));
    let mut client = request.connect().await.expect("accepted");
    let (_, welcome) = client.until("welcome").await;
    assert_eq!(welcome["welcome"]["resumed"], false);
    client.until("state").await;
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_400_with_a_token_and_401_without() {
    let server = desk().await;
    let token = server.token("alice", "r");
    let response = http::get(server.address, &format!("/ws?token={token}")).await;
    assert_eq!(response.status, 400);
    assert_eq!(response.json()["error"]["code"], "bad_request");
    let response = http::get(server.address, "/ws").await;
    assert_eq!(response.status, 401);
    assert_eq!(response.json()["error"]["code"], "unauthorized");
}

#[tokio::test]
async fn each_game_is_at_its_name_and_the_only_one_at_ws_too() {
    let both = TestServer::start(|server| server.with_game::<Desk>().with_game::<Patience>()).await;
    let token = both.token("alice", "r");
    for (path, expected) in [
        ("/ws/desk", 101),
        ("/ws/solo", 101),
        ("/ws", 404),
        ("/ws/chess", 404),
        ("/ws/%00", 404),
        ("/ws/%ff", 400),
    ] {
        let url = both.url(&format!("{path}?token={token}"));
        assert_eq!(Request::new(url).status().await, expected, "{path}");
    }
    let one = desk().await;
    for path in ["/ws", "/ws/desk"] {
        let url = one.url(&format!("{path}?token={token}"));
        assert_eq!(Request::new(url).status().await, 101, "{path}");
    }
}

#[tokio::test]
async fn rooms_of_one_name_in_two_games_are_two_rooms() {
    let server =
        TestServer::start(|server| server.with_game::<Desk>().with_game::<Patience>()).await;
    let token = server.token("alice", "r");
    for game in ["desk", "solo"] {
        let url = server.url(&format!("/ws/{game}"));
        let request = Request::new(url).protocols(format!("tapaculo.token.{token}, {JSON}"));
        let mut client = request.connect().await.expect("accepted");
        let (_, welcome) = client.until("welcome").await;
        assert_eq!(welcome["welcome"]["game"], game);
    }
}

#[tokio::test]
async fn a_server_without_auth_or_games_or_with_two_of_one_name_does_not_start() {
    let with_auth = || Server::new().with_auth(JwtAuth::new(SECRET));
    for (server, words) in [
        (Server::new().with_game::<Desk>(), "no auth"),
        (with_auth(), "no game"),
        (
            with_auth().with_game::<Desk>().with_game::<Desk>(),
            "two games are called `desk`",
        ),
        (
            Server::new()
                .with_auth(JwtAuth::new(""))
                .with_game::<Desk>(),
            "secret for tokens is empty",
        ),
    ] {
        let error = server
            .listen("127.0.0.1:0")
            .await
            .expect_err(words)
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let server = desk().await;
    let second = Server::new()
        .with_auth(JwtAuth::new(SECRET))
        .with_game::<Desk>();
    let error = second.listen(server.address).await.expect_err("taken");
    let words = format!("cannot listen on {}", server.address);
    assert!(error.to_string().contains(&words), "{error}");
}

#[tokio::test]
async fn beyond_the_connection_limit_it_is_503_until_one_goes() {
    let server =
        TestServer::start(|server| server.with_game::<Desk>().with_max_connections(2)).await;
    let first = server.join("alice", "r").await;
    let _second = server.join("bob", "r").await;
    assert_eq!(server.request("carol", "r").status().await, 503);
    first.close().await;
    // The place is free once the server has seen the connection off.
    let freed = async { while server.request("carol", "r").status().await == 503 {} };
    tokio::time::timeout(tapaculo_tests::DEADLINE, freed)
        .await
        .expect("in time");
}

#[tokio::test]
async fn health_and_readiness_are_200() {
    let server = desk().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(http::get(server.address, path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_router_works_in_a_server_of_ones_own() {
    let server = Server::new()
        .with_auth(JwtAuth::new(SECRET))
        .with_game::<Desk>();
    let handle = server.handle();
    let router = server.into_router().expect("it is complete");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let token = JwtAuth::new(SECRET)
        .sign_access("alice", "r", "s", 60)
        .expect("valid");
    let url = format!("ws://{address}/ws?token={token}");
    let mut client = Request::new(url).connect().await.expect("accepted");
    client.until("state").await;
    let (closed, ()) = tokio::join!(client.closed(), handle.shutdown());
    assert_eq!(closed, Some(1012));
    serving.abort();
}

#[tokio::test]
async fn a_newcomer_gets_welcome_state_history_its_own_join_and_synced_in_this_order() {
    let server = desk().await;
    let mut alice = server.join("alice", "r").await;
    for text in ["one", "two", "three"] {
        alice.tell(json!({"type": "Say", "text": text})).await;
    }
    let mut bob = server.connect("bob", "r").await;

    let welcome = &bob.frame().await["welcome"];
    assert_eq!(welcome["protocol"], 1);
    assert_eq!(welcome["game"], "desk");
    assert_eq!(welcome["room"], "r");
    assert_eq!(welcome["user"], "bob");
    assert_eq!(welcome["session"], "s");
    assert_eq!(welcome["role"], "player");
    assert_eq!(welcome["seat"], 1);
    assert_eq!(welcome["resumed"], false);
    assert_eq!(welcome["acked"], 0);
    assert!(
        welcome["epoch"]
            .as_str()
            .is_some_and(|epoch| !epoch.is_empty())
    );
    assert_eq!(
        welcome["members"],
        json!([
            {"user": "alice", "seat": 0, "role": "player", "connected": true},
            {"user": "bob", "seat": 1, "role": "player", "connected": true},
        ])
    );
    // Alice's hint and join are 1 and 2, what she said is 3 to 5; Bob's hint, join and the room
    // being full are 6 to 8. Three public events are kept: 5, 7 and 8; the hint is his own.
    let state = json!({"state": {"said": ["one", "two", "three"], "you": "bob"}, "seq": 8});
    assert_eq!(bob.frame().await, state);
    let (events, synced) = bob.until("synced").await;
    let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, [Some(5), Some(6), Some(7), Some(8)]);
    assert_eq!(events[0]["from"], "alice");
    assert_eq!(events[1]["from"], "@server");
    assert_eq!(
        events[1]["data"],
        json!({"type": "Hint", "text": "you have seat 1"})
    );
    assert_eq!(synced, json!({"synced": 8}));

    alice.tell(json!({"type": "Say", "text": "four"})).await;
    assert_eq!(bob.frame().await["seq"], 9);
}

#[tokio::test]
async fn a_bare_websocket_gets_state_and_events_and_nothing_it_would_not_understand() {
    let server = desk().await;
    let token = server.token("alice", "r");
    let url = server.url(&format!("/ws?token={token}"));
    let mut alice = Request::new(url).connect().await.expect("accepted");
    let mut bob = server.join("bob", "r").await;
    bob.tell(json!({"type": "Say", "text": "hi"})).await;
    let (before, _) = said(&mut alice, "hi").await;
    assert!(before[0].get("state").is_some(), "{before:?}");
    assert!(
        before[1..].iter().all(|frame| frame.get("data").is_some()),
        "{before:?}"
    );
    alice
        .send(json!({"from": "alice", "data": {"type": "Say", "text": "ho"}}))
        .await;
    said(&mut bob, "ho").await;
}

async fn said(client: &mut Client, text: &str) -> (Vec<Value>, Value) {
    let mut before = Vec::new();
    loop {
        let frame = client.frame().await;
        if frame["data"]["text"] == text {
            return (before, frame);
        }
        before.push(frame);
    }
}

#[tokio::test]
async fn a_guest_gets_a_token_for_a_user_that_nobody_else_can_be() {
    let server = TestServer::start(|server| server.with_game::<Desk>().with_guest_tokens()).await;
    let ask = r#"{"name": "Ann", "room": "r", "options": {"x": 1}}"#;
    let guests = join_all((0..3).map(|_| http::post(server.address, "/token", ask))).await;
    let mut users = Vec::new();
    for guest in guests {
        assert_eq!(guest.status, 200);
        let guest = guest.json();
        let token = guest["token"].as_str().expect("a token");
        assert_eq!(status(&server, token).await, 101);
        let refresh = guest["refresh_token"].as_str().expect("a refresh token");
        assert_eq!(status(&server, refresh).await, 401);
        users.push(guest["user"].as_str().expect("a user").to_owned());
    }
    users.sort();
    users.dedup();
    assert_eq!(users.len(), 3);
    assert!(users.iter().all(|user| user.starts_with("Ann-")));

    for bad in [
        "",
        "{}",
        "[]",
        r#"{"name": "", "room": "r"}"#,
        r#"{"name": "@server", "room": "r"}"#,
        r#"{"name": "a", "room": ""}"#,
        r#"{"name": "a", "room": "r", "options": 7}"#,
        r#"{"name": 7, "room": "r"}"#,
    ] {
        let response = http::post(server.address, "/token", bad).await;
        assert_eq!(response.status, 400, "{bad}");
        assert_eq!(response.json()["error"]["code"], "bad_request");
    }
    let huge = format!(
        r#"{{"name": "a", "room": "r", "options": {{"x": "{}"}}}}"#,
        "x".repeat(9000)
    );
    assert_eq!(
        http::post(server.address, "/token", &huge).await.status,
        400
    );
}

#[tokio::test]
async fn there_are_no_guests_unless_the_server_says_so() {
    let server = desk().await;
    let response = http::post(server.address, "/token", r#"{"name": "a", "room": "r"}"#).await;
    assert_eq!(response.status, 404);
}

#[tokio::test]
async fn three_hundred_who_come_at_one_moment_wait_and_none_is_turned_away() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let server = Server::new().with_auth(JwtAuth::new(SECRET));
    let server = server.with_game::<Desk>();
    let handle = server.handle();
    let serving = tokio::spawn(server.listen(address));
    let begun = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, begun).await.expect("it listens");
    // The test and the server share a thread: nobody is accepted meanwhile. Who finds no place to wait
    // in is asked to try again after a second.
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn");
    let most = most.ok().and_then(|most| most.trim().parse().ok());
    let waiting: Vec<_> = (0..most.unwrap_or(usize::MAX).min(300))
        .map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(500)))
        .collect();
    assert!(waiting.iter().all(Result::is_ok));
    drop(waiting);
    assert_eq!(http::get(address, "/healthz").await.status, 200);
    handle.shutdown().await;
    let ended = timeout(DEADLINE, serving).await.expect("it ends in time");
    ended.expect("no panic").expect("it served");
}
