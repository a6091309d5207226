//! Whose address it is: the client's, or that of a proxy which speaks for it.

use crate::games::Desk;
use std::{net::SocketAddr, time::Duration};
use tapaculo::{ConnectionLimits, JwtAuth, Server};
use tapaculo_tests::{
    http,
    server::{SECRET, TestServer},
};

/// Two guests an address, in so long a time that no test gets there by accident.
fn two_guests() -> ConnectionLimits {
    ConnectionLimits {
        tokens_per_address: 2,
        window_duration: Duration::from_secs(3600),
        ..ConnectionLimits::default()
    }
}

fn desk(server: Server) -> Server {
    let server = server.with_game::<Desk>().with_guest_tokens();
    server.with_connection_limits(two_guests())
}

/// Asks for a guest's token; the status.
async fn guest(address: SocketAddr, fields: &str) -> u16 {
    let body = r#"{"name": "ann", "room": "r"}"#;
    let head = "POST /token HTTP/1.1\r\nHost: example.org\r\nContent-Length: 28\r\n";
    http::ask(address, format!("{head}{fields}\r\n{body}"))
        .await
        .status
}

/// How many of these get a token, each as a client of its own.
async fn admitted(address: SocketAddr, all: &[&str]) -> usize {
    let mut admitted = 0;
    for fields in all {
        match guest(address, &format!("{fields}\r\n")).await {
            200 => admitted += 1,
            status => assert_eq!(status, 429, "{fields}"),
        }
    }
    admitted
}

#[tokio::test]
async fn a_client_is_known_by_the_last_address_that_a_trusted_proxy_has_seen() {
    let server =
        TestServer::start(|server| desk(server).with_trusted_proxies(["127.0.0.0/8", "10.0.0.1"]));
    let server = server.await;
    let one = [
        "X-Forwarded-For: 203.0.113.5",
        "X-Forwarded-For: 198.51.100.1, 203.0.113.5",
        "X-Forwarded-For: 198.51.100.2, 203.0.113.5, 10.0.0.1",
        "Forwarded: for=198.51.100.3, for=\"203.0.113.5:4711\"",
    ];
    assert_eq!(
        admitted(server.address, &one).await,
        2,
        "they are one client"
    );
    let other = [
        "X-Forwarded-For: 203.0.113.6",
        "X-Forwarded-For: 203.0.113.7",
    ];
    assert_eq!(admitted(server.address, &other).await, 2, "they are two");
    let network = [
        "X-Forwarded-For: 2001:db8:0:1::1",
        "X-Forwarded-For: 2001:db8:0:1::2",
        "X-Forwarded-For: 2001:db8:0:1:ffff::3",
    ];
    assert_eq!(
        admitted(server.address, &network).await,
        2,
        "they are one network"
    );
    // Inventions make nobody somebody else: the proxy itself is taken, or the last that is known.
    let inventions = [
        "X-Forwarded-For: nonsense",
        "X-Forwarded-For: 203.0.113.8, unknown",
        "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=198.51.100.9",
        "X-Forwarded-For: ",
        "Forwarded: for=_hidden",
    ];
    assert_eq!(admitted(server.address, &inventions).await, 2);
}

#[tokio::test]
async fn who_is_no_trusted_proxy_speaks_for_itself_only() {
    for server in [
        TestServer::start(desk).await,
        TestServer::start(|server| desk(server).with_trusted_proxies(["10.0.0.0/8", "::1"])).await,
    ] {
        let claims = [
            "X-Forwarded-For: 203.0.113.5",
            "X-Forwarded-For: 203.0.113.6",
            "X-Forwarded-For: 203.0.113.7, 10.0.0.1",
            "X-Real-IP: 203.0.113.8",
            "Forwarded: for=203.0.113.9",
        ];
        assert_eq!(admitted(server.address, &claims).await, 2);
    }
}

#[tokio::test]
async fn the_host_and_scheme_of_a_page_are_those_that_a_trusted_proxy_has_seen() {
    let proxied = "X-Forwarded-Host: play.example\r\nX-Forwarded-Proto: https\r\n";
    let behind = TestServer::start(|server| {
        server
            .with_game::<Desk>()
            .with_guest_tokens()
            .with_trusted_proxies(["127.0.0.1"])
    })
    .await;
    let alone = TestServer::start(|server| server.with_game::<Desk>().with_guest_tokens()).await;
    for (what, server, fields, origin, expected) in [
        ("its page", &behind, proxied, "https://play.example", 200),
        (
            "the inner name",
            &behind,
            proxied,
            "https://example.org",
            403,
        ),
        (
            "without a lock",
            &behind,
            proxied,
            "http://play.example",
            403,
        ),
        ("no word on it", &behind, "", "https://example.org", 200),
        (
            "a client's claim",
            &alone,
            proxied,
            "https://play.example",
            403,
        ),
        (
            "what it asked for",
            &alone,
            proxied,
            "https://example.org",
            200,
        ),
    ] {
        let fields = format!("{fields}Origin: {origin}\r\n");
        assert_eq!(guest(server.address, &fields).await, expected, "{what}");
    }
}

#[tokio::test]
async fn in_a_server_of_ones_own_the_address_is_the_one_of_its_connect_info() {
    for (tells, expected) in [(true, 2), (false, 3)] {
        let server = desk(Server::new().with_auth(JwtAuth::new(SECRET)));
        let router = server.into_router().expect("it is complete");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("bound");
        let serving = tokio::spawn(async move {
            if tells {
                let service = router.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, service).await
            } else {
                axum::serve(listener, router).await
            }
        });
        assert_eq!(admitted(address, &["A: b"; 3]).await, expected, "{tells}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_proxy_that_is_none_keeps_the_server_from_starting() {
    for proxy in ["", "localhost", "10.0.0.0/40", "10.0.0.0/8 "] {
        let server = Server::new()
            .with_auth(JwtAuth::new(SECRET))
            .with_game::<Desk>();
        let server = server.with_trusted_proxies(["10.0.0.1", proxy]);
        let error = server.listen("127.0.0.1:0").await.expect_err(proxy);
        let words = format!("`{proxy}` is no network");
        assert!(error.to_string().starts_with(&words), "{error}");
    }
}
