//! Which pages may connect, and which may not.

use crate::games::Desk;
use std::time::Duration;
use tapaculo::{JwtAuth, Server};
use tapaculo_tests::{
    http::{self, Response},
    server::{SECRET, TestServer},
    user,
};

async fn desk(configure: impl FnOnce(Server) -> Server) -> TestServer {
    TestServer::start(|server| configure(server.with_game::<Desk>().with_guest_tokens())).await
}

/// Sends a request as a browser might, to this host, from these origins; `rest` is what comes after.
async fn ask(
    server: &TestServer,
    line: &str,
    rest: &str,
    host: &str,
    origins: &[&str],
) -> Response {
    let origins = origins.iter().map(|origin| format!("Origin: {origin}\r\n"));
    let origins: String = origins.collect();
    let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{origins}{rest}");
    http::ask(server.address, request).await
}

/// Asks for a connection.
async fn connect(server: &TestServer, host: &str, origins: &[&str]) -> Response {
    let line = format!("GET /ws?token={}", server.token("alice", "r"));
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    ask(server, &line, fields, host, origins).await
}

/// Asks for a guest's token.
async fn guest(server: &TestServer, host: &str, origins: &[&str]) -> Response {
    // A page of another origin need not ask before it sends text.
    let fields = "Content-Type: text/plain\r\nContent-Length: 28\r\n";
    let body = r#"{"name": "ann", "room": "r"}"#;
    let rest = format!("{fields}\r\n{body}");
    ask(server, "POST /token", &rest, host, origins).await
}

/// What a hostile page, or somebody who pretends to be one, may send to a server that speaks to
/// `https://example.org` only.
const HOSTILE: &[(&str, &[&str])] = &[
    ("none of a sandboxed frame or a file", &["null"]),
    ("null in capitals", &["NULL"]),
    ("empty", &[""]),
    ("another site", &["https://evil.com"]),
    ("ours as its subdomain", &["https://example.org.evil.com"]),
    ("ours as its suffix", &["https://evilexample.org"]),
    ("ours with a dash", &["https://evil-example.org"]),
    ("ours as its prefix", &["https://example.orgevil.com"]),
    ("ours cut short", &["https://example.or"]),
    ("a dot that is any letter", &["https://exampleXorg"]),
    ("a subdomain of ours", &["https://www.example.org"]),
    ("the domain above ours", &["https://org"]),
    ("another port", &["https://example.org:8443"]),
    ("the port of http", &["https://example.org:80"]),
    (
        "the port that goes without saying",
        &["https://example.org:443"],
    ),
    ("a port of nothing", &["https://example.org:"]),
    ("a port of too much", &["https://example.org:65979"]),
    ("a port of zeros", &["https://example.org:0443"]),
    ("ours as a port", &["https://evil.com:example.org"]),
    ("the scheme of sockets", &["wss://example.org"]),
    ("the scheme of files", &["file://example.org"]),
    ("a file", &["file://"]),
    ("an extension", &["chrome-extension://example.org"]),
    ("a scheme that begins like ours", &["httpsx://example.org"]),
    ("no scheme", &["example.org"]),
    ("no scheme, but its slashes", &["//example.org"]),
    ("one slash", &["https:/example.org"]),
    ("upper case", &["https://EXAMPLE.org"]),
    ("an upper-case scheme", &["HTTPS://example.org"]),
    ("a trailing dot", &["https://example.org."]),
    ("a trailing slash", &["https://example.org/"]),
    ("a path", &["https://example.org/play"]),
    ("a query", &["https://example.org?evil.com"]),
    ("a fragment", &["https://example.org#evil.com"]),
    (
        "ours behind a path",
        &["https://evil.com/https://example.org"],
    ),
    ("ours as a user", &["https://example.org@evil.com"]),
    (
        "ours as a user with a word",
        &["https://example.org:443@evil.com"],
    ),
    ("a user of ours", &["https://evil@example.org"]),
    ("a backslash", &["https://evil.com\\example.org"]),
    ("an escape", &["https://example%2eorg"]),
    ("a wildcard", &["*"]),
    ("a wildcard in a name", &["https://*.org"]),
    ("a space", &["https://example.org evil.com"]),
    ("a tab", &["https://example.org\tevil.com"]),
    ("letters that look like ours", &["https://еxample.org"]),
    (
        "the same as browsers write it",
        &["https://xn--xample-2of.org"],
    ),
    ("a full stop of another script", &["https://example。org"]),
    ("the loopback address", &["http://127.0.0.1"]),
    ("the same in IPv6", &["http://[::1]"]),
    ("ours in brackets", &["https://[example.org]"]),
    ("localhost", &["http://localhost"]),
    ("two in one", &["https://example.org, https://evil.com"]),
    (
        "two in one, with a space",
        &["https://example.org https://example.org"],
    ),
    ("two fields", &["https://example.org", "https://evil.com"]),
    (
        "two fields, the other first",
        &["https://evil.com", "https://example.org"],
    ),
    (
        "ours twice",
        &["https://example.org", "https://example.org"],
    ),
];

async fn assert_refused(server: &TestServer, host: &str, what: &str, origins: &[&str]) {
    for response in [
        connect(server, host, origins).await,
        guest(server, host, origins).await,
    ] {
        assert_eq!(response.status, 403, "{what}: {response:?}");
        assert_eq!(response.json()["error"]["code"], "forbidden", "{what}");
        assert!(!response.head.contains("access-control"), "{what}");
    }
}

async fn assert_welcome(server: &TestServer, host: &str, origins: &[&str]) {
    let connected = connect(server, host, origins).await;
    assert_eq!(connected.status, 101, "{host} {origins:?}: {connected:?}");
    let guest = guest(server, host, origins).await;
    assert_eq!(guest.status, 200, "{host} {origins:?}: {guest:?}");
}

#[tokio::test]
async fn no_page_of_another_origin_gets_in_where_the_server_has_told_none() {
    let server = desk(|server| server).await;
    for (what, origins) in HOSTILE {
        assert_refused(&server, "example.org", what, origins).await;
    }
    for (host, origin) in [
        ("example.org", "http://example.org:8080"),
        ("example.org:8080", "http://example.org"),
        ("example.org:8080", "http://example.org:8081"),
        ("example.org:80", "https://example.org"),
        ("example.org:443", "http://example.org"),
        ("[::1]:8080", "http://[::2]:8080"),
        ("[::1]:8080", "http://[::1]"),
        ("127.0.0.1:8080", "http://localhost:8080"),
        ("example.org, evil.com", "https://evil.com"),
        ("user@example.org", "https://example.org"),
        ("example.org/", "https://example.org"),
        ("", "https://example.org"),
    ] {
        assert_refused(&server, host, host, &[origin]).await;
    }
    let two_hosts = "example.org\r\nHost: evil.com";
    let refused = connect(&server, two_hosts, &["https://evil.com"]).await;
    assert!(matches!(refused.status, 400 | 403), "{refused:?}");
}

#[tokio::test]
async fn a_page_that_the_server_has_served_itself_gets_in_by_http_or_behind_a_proxy_by_https() {
    let server = desk(|server| server).await;
    let own = server.address.to_string();
    for (host, origin) in [
        ("example.org", "https://example.org"),
        ("example.org", "http://example.org"),
        ("Example.ORG", "https://example.org"),
        ("example.org:443", "https://example.org"),
        ("example.org:80", "http://example.org"),
        ("example.org:8080", "http://example.org:8080"),
        ("example.org:8443", "https://example.org:8443"),
        ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        (&own, &format!("http://{own}")),
    ] {
        assert_welcome(&server, host, &[origin]).await;
    }
}

#[tokio::test]
async fn only_the_pages_of_listed_origins_get_in_wherever_they_say_the_server_is() {
    let server = desk(|server| {
        let listed = ["HTTPS://Example.org:443"];
        server
            .with_allowed_origins(listed)
            .with_allowed_origins(["http://localhost:5173"])
    })
    .await;
    for host in ["example.org", "api.example.org:8443", "evil.com"] {
        for (what, origins) in HOSTILE {
            assert_refused(&server, host, what, origins).await;
        }
        let by_http = ["http://example.org"];
        assert_refused(&server, host, "the scheme without a lock", &by_http).await;
        assert_welcome(&server, host, &["https://example.org"]).await;
        assert_welcome(&server, host, &["http://localhost:5173"]).await;
    }
}

#[tokio::test]
async fn who_sends_no_origin_is_no_browser_and_gets_in() {
    for server in [
        desk(|server| server).await,
        desk(|server| server.with_allowed_origins(["https://example.org"])).await,
        desk(|server| server.with_allowed_origins([""; 0])).await,
    ] {
        assert_welcome(&server, "anything", &[]).await;
    }
}

#[tokio::test]
async fn a_listed_page_may_read_its_guest_token_and_no_other_may() {
    let server = desk(|server| server.with_allowed_origins(["https://example.org"])).await;
    let ours = guest(&server, "api", &["https://example.org"]).await;
    assert_eq!(
        ours.header("access-control-allow-origin"),
        Some("https://example.org")
    );
    assert!(ours.json()["token"].is_string());
    let asks = "Access-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: content-type\r\n\r\n";
    let may = ask(
        &server,
        "OPTIONS /token",
        asks,
        "api",
        &["https://example.org"],
    )
    .await;
    assert_eq!(may.status, 204, "{may:?}");
    assert_eq!(
        may.header("access-control-allow-origin"),
        Some("https://example.org")
    );
    assert_eq!(may.header("access-control-allow-methods"), Some("POST"));
    let headers = may
        .header("access-control-allow-headers")
        .unwrap_or_default();
    assert!(headers.contains("content-type"), "{may:?}");
    let may_not = ask(
        &server,
        "OPTIONS /token",
        asks,
        "api",
        &["https://evil.com"],
    )
    .await;
    assert_eq!(may_not.status, 403, "{may_not:?}");
    assert_eq!(may_not.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_listed_page_may_ask_why_it_was_not_connected_and_no_other_may() {
    let own = ["https://example.org"];
    let server = desk(|server| server.with_allowed_origins(own)).await;
    let asks = "Access-Control-Request-Method: POST\r\n\
                Access-Control-Request-Headers: authorization\r\n\r\n";
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|user| server.token(user, "r"));
    server.handle.revoke_user(&user("bob"));
    server.handle.ban(&user("carol"), Duration::from_secs(60));
    for path in ["/ws", "/ws/desk"] {
        let options = format!("OPTIONS {path}");
        let may = ask(&server, &options, asks, "api", &own).await;
        assert_eq!(may.status, 204, "{may:?}");
        assert_eq!(may.header("access-control-allow-origin"), Some(own[0]));
        let headers = may.header("access-control-allow-headers");
        let headers = headers.unwrap_or_default();
        assert!(headers.contains("authorization"), "{may:?}");
        let may_not = ask(&server, &options, asks, "api", &["https://evil.com"]).await;
        assert_eq!(may_not.status, 403, "{may_not:?}");
        assert!(!may_not.head.contains("access-control"), "{may_not:?}");
        for method in ["GET", "POST"] {
            for (token, status, code) in [
                (&alice, 400, "bad_request"),
                (&bob, 401, "unauthorized"),
                (&carol, 429, "banned"),
                (&"forged".to_owned(), 401, "unauthorized"),
            ] {
                let line = format!("{method} {path}");
                let fields = format!("Authorization: Bearer {token}\r\n\r\n");
                let told = ask(&server, &line, &fields, "api", &own).await;
                assert_eq!(told.status, status, "{told:?}");
                assert_eq!(told.json()["error"]["code"], code);
                assert_eq!(told.header("access-control-allow-origin"), Some(own[0]));
                let exposed = told.header("access-control-expose-headers");
                assert_eq!(exposed, Some("retry-after"));
                assert_eq!(told.header("retry-after").is_some(), code == "banned");
                let evil = ask(&server, &line, &fields, "api", &["https://evil.com"]).await;
                assert_eq!(evil.status, 403, "{evil:?}");
                assert!(!evil.head.contains("access-control"), "{evil:?}");
            }
        }
    }
    let fields = format!("Authorization: Bearer {alice}\r\n\r\n");
    let unknown = ask(&server, "POST /ws/chess", &fields, "api", &own).await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert_eq!(unknown.header("access-control-allow-origin"), Some(own[0]));
}

#[tokio::test]
async fn an_origin_that_is_none_keeps_the_server_from_starting() {
    for origin in [
        "",
        "*",
        "null",
        "example.org",
        "https://example.org/",
        "https://example.org/play",
        "https://*.example.org",
        "https://user@example.org",
        "https://example.org:port",
        "https://bücher.example",
    ] {
        let server = Server::new()
            .with_auth(JwtAuth::new(SECRET))
            .with_game::<Desk>();
        let server = server.with_allowed_origins(["https://fine.example", origin]);
        let error = server.listen("127.0.0.1:0").await.expect_err(origin);
        let words = format!("`{origin}` is no origin");
        assert!(error.to_string().starts_with(&words), "{error}");
    }
}
