//! How many connections, tokens and rooms there may be.

use crate::games::Desk;
use serde_json::json;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tapaculo::ConnectionLimits;
use tapaculo_tests::{
    DEADLINE,
    client::{Client, Received, Request},
    http,
    server::TestServer,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

async fn limited(limits: ConnectionLimits) -> TestServer {
    TestServer::start(|server| {
        let server = server.with_game::<Desk>().with_guest_tokens();
        server.with_connection_limits(limits)
    })
    .await
}

/// As many as any test may want, but for what it is about, in so long a time that none gets there by
/// accident.
fn plenty() -> ConnectionLimits {
    ConnectionLimits {
        rooms_per_user: 1000,
        open_per_address: 1000,
        requests_per_address: 1000,
        joins_per_user: 1000,
        joins_per_address: 1000,
        tokens_per_address: 1000,
        window_duration: Duration::from_secs(3600),
    }
}

/// A refusal with `429`, and when to come back, in seconds.
async fn too_many(request: Request, what: &str) -> u64 {
    let response = request.connect().await.expect_err(what);
    assert_eq!(response.status(), 429, "{what}");
    let body = response.body().as_deref().unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(body["error"]["code"], "rate_limited", "{what}");
    let after = response.headers()["retry-after"].to_str().expect("text");
    after.parse().expect("seconds")
}

/// Asks again until it is let in.
async fn until_let_in(server: &TestServer, user: &str, room: &str) -> Client {
    let let_in = async {
        loop {
            match server.request(user, room).connect().await {
                Ok(client) => return client,
                Err(response) => assert_eq!(response.status(), 429),
            }
        }
    };
    timeout(DEADLINE, let_in).await.expect("let in in time")
}

#[tokio::test]
async fn one_user_is_in_so_many_rooms_at_a_time_and_may_always_come_back_to_its_own() {
    let server = limited(ConnectionLimits {
        rooms_per_user: 2,
        ..plenty()
    });
    let server = server.await;
    let mut first = server.join("alice", "one").await;
    let second = server.join("alice", "two").await;
    let after = too_many(server.request("alice", "three"), "a third room").await;
    assert_eq!(after, 35, "by then a dead connection is noticed");
    server.join("bob", "three").await;
    // The seat is hers, however many connections to it have not been noticed to be dead.
    for _ in 0..5 {
        let mut again = server.connect("alice", "one").await;
        let (_, welcome) = again.until("welcome").await;
        assert_eq!(welcome["welcome"]["seat"], 0);
        assert_eq!(first.closed().await, Some(4009));
        first = again;
    }
    too_many(server.request("alice", "three"), "still a third room").await;
    second.close().await;
    until_let_in(&server, "alice", "three").await;
}

#[tokio::test]
async fn one_address_has_so_many_connections_at_a_time_and_who_comes_back_is_not_one_more() {
    let server = limited(ConnectionLimits {
        open_per_address: 2,
        ..plenty()
    });
    let server = server.await;
    let mut alice = server.join("alice", "r").await;
    let bob = server.join("bob", "r").await;
    too_many(server.request("carol", "r"), "a third one").await;
    too_many(server.request("alice", "elsewhere"), "a third room").await;
    for _ in 0..5 {
        let again = server.join("alice", "r").await;
        assert_eq!(alice.closed().await, Some(4009));
        alice = again;
    }
    bob.close().await;
    until_let_in(&server, "carol", "r").await;
}

/// Connects without becoming a WebSocket, and stays; `None` if the server does not want it.
async fn linger(address: SocketAddr) -> Option<TcpStream> {
    let lingering = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = b"GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n";
        stream.write_all(request).await.ok()?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            (stream.read_buf(&mut answer).await.ok()? > 0).then_some(())?;
        }
        Some(stream)
    };
    let lingering = timeout(DEADLINE, lingering).await;
    lingering.expect("an answer or an end in time")
}

/// The same, as soon as the server wants it.
async fn until_it_lingers(address: SocketAddr) -> TcpStream {
    let lingers = async {
        loop {
            if let Some(stream) = linger(address).await {
                return stream;
            }
        }
    };
    timeout(DEADLINE, lingers).await.expect("in time")
}

#[tokio::test]
async fn one_address_has_so_many_connections_that_are_no_websockets() {
    let server = limited(ConnectionLimits {
        requests_per_address: 5,
        ..plenty()
    });
    let server = server.await;
    let mut playing = Vec::new();
    for number in 0..10 {
        drop(until_it_lingers(server.address).await);
        playing.push(server.join(&format!("user {number}"), "r").await);
    }
    let mut lingering = Vec::new();
    for _ in 0..5 {
        lingering.push(until_it_lingers(server.address).await);
    }
    assert!(linger(server.address).await.is_none(), "a sixth one");
    playing[0].tell(json!({"type": "Say", "text": "hi"})).await;
    drop(lingering);
    until_it_lingers(server.address).await;
}

#[tokio::test]
async fn a_trusted_proxy_has_as_many_connections_as_it_needs() {
    let limits = ConnectionLimits {
        requests_per_address: 5,
        ..plenty()
    };
    let server = TestServer::start(|server| {
        let server = server.with_game::<Desk>().with_connection_limits(limits);
        server.with_trusted_proxies(["127.0.0.1"])
    });
    let server = server.await;
    let mut lingering = Vec::new();
    for number in 0..20 {
        let stream = linger(server.address).await;
        lingering.push(stream.unwrap_or_else(|| panic!("the {number}th")));
    }
}

#[tokio::test]
async fn a_user_connects_so_often_within_a_window_wherever_to() {
    let server = limited(ConnectionLimits {
        joins_per_user: 3,
        ..plenty()
    });
    let server = server.await;
    for room in ["one", "one", "two"] {
        server.join("alice", room).await;
    }
    for room in ["one", "two", "three"] {
        let after = too_many(server.request("alice", room), room).await;
        assert!((3_500..=3_600).contains(&after), "{after}");
    }
    server.join("bob", "one").await;
}

#[tokio::test]
async fn a_window_of_joins_slides() {
    let server = limited(ConnectionLimits {
        joins_per_user: 3,
        window_duration: Duration::from_millis(300),
        ..plenty()
    });
    let server = server.await;
    let mut let_in = Vec::new();
    while let_in.len() < 10 {
        if server.request("alice", "r").connect().await.is_ok() {
            let_in.push(Instant::now());
        }
    }
    // Each was counted before it was answered.
    for four in let_in.windows(5) {
        let time = four[4] - four[0];
        assert!(time >= Duration::from_millis(300), "{time:?}");
    }
}

#[tokio::test]
async fn an_address_asks_for_so_many_connections_whether_or_not_it_has_tokens() {
    let server = limited(ConnectionLimits {
        joins_per_address: 3,
        ..plenty()
    });
    let server = server.await;
    server.join("alice", "r").await;
    let forged = || Request::new(server.url("/ws?token=forged"));
    assert_eq!(forged().status().await, 401);
    assert_eq!(Request::new(server.url("/ws")).status().await, 401);
    let after = too_many(forged(), "a fourth one").await;
    assert!((3_500..=3_600).contains(&after), "{after}");
    too_many(server.request("bob", "r"), "from the same address").await;
    // Guests are counted by themselves.
    let ask = r#"{"name": "ann", "room": "r"}"#;
    assert_eq!(http::post(server.address, "/token", ask).await.status, 200);
}

#[tokio::test]
async fn an_address_gets_so_many_guest_tokens() {
    let server = limited(ConnectionLimits {
        tokens_per_address: 3,
        ..plenty()
    });
    let server = server.await;
    let ask = r#"{"name": "ann", "room": "r"}"#;
    for _ in 0..3 {
        assert_eq!(http::post(server.address, "/token", ask).await.status, 200);
    }
    for ask in [ask, "nonsense"] {
        let refused = http::post(server.address, "/token", ask).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.json()["error"]["code"], "rate_limited");
        let after = refused.header("retry-after").unwrap_or_default();
        let after: u64 = after.parse().expect("seconds");
        assert!((3_500..=3_600).contains(&after), "{after}");
    }
    server.join("alice", "r").await;
}

#[tokio::test]
async fn a_class_behind_one_address_meets_no_limit_that_is_on_unless_told_otherwise() {
    let server = limited(ConnectionLimits::default()).await;
    let mut pupils = Vec::new();
    for number in 0..30 {
        let ask = format!(
            r#"{{"name": "pupil {number}", "room": "table {}"}}"#,
            number / 2
        );
        let guest = http::post(server.address, "/token", &ask).await;
        assert_eq!(guest.status, 200, "{guest:?}");
        let token = guest.json()["token"].as_str().expect("a token").to_owned();
        for _ in 0..9 {
            let request = Request::new(server.url(&format!("/ws?token={token}")));
            let mut pupil = request.connect().await.expect("let in");
            pupil.until("state").await;
            pupils.push(pupil);
        }
    }
}

#[tokio::test]
async fn nobody_counts_connections_or_guests_unless_told_to() {
    let server = TestServer::start(|server| server.with_game::<Desk>().with_guest_tokens()).await;
    let mut all = Vec::new();
    for number in 0..400 {
        all.push(server.connect("alice", &format!("room {number}")).await);
        let ask = r#"{"name": "ann", "room": "r"}"#;
        assert_eq!(http::post(server.address, "/token", ask).await.status, 200);
    }
}

#[tokio::test]
async fn the_server_makes_so_many_rooms_and_says_that_it_has_no_more() {
    let server = TestServer::start(|server| server.with_game::<Desk>().with_max_rooms(2)).await;
    let one = server.join("alice", "one").await;
    let _two = server.join("alice", "two").await;
    let mut third = server.connect("alice", "three").await;
    let error = third.frame().await;
    assert_eq!(error["error"]["code"], "unavailable", "{error}");
    assert_eq!(third.closed().await, Some(1013));
    // The ones that there are take in whom they would anyway.
    server.join("bob", "two").await.close().await;
    // A room that is forgotten makes room for another.
    one.close().await;
    let made = async {
        loop {
            let mut third = server.connect("alice", "three").await;
            if let Received::Frame(frame) = third.next().await
                && frame.get("welcome").is_some()
            {
                return;
            }
            assert_eq!(third.closed().await, Some(1013));
        }
    };
    timeout(DEADLINE, made).await.expect("room for one more");
    let mut fourth = server.connect("alice", "four").await;
    assert_eq!(fourth.closed().await, Some(1013));
}
