//! HTTP requests that nobody would send who means well, written out by hand.

use crate::games::Desk;
use tapaculo_tests::{http, server::TestServer};

/// The header fields of a request for a connection.
const UPGRADE: &[&str] = &[
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

async fn desk() -> TestServer {
    TestServer::start(|server| server.with_game::<Desk>().with_guest_tokens()).await
}

/// A request of a first line and header fields.
fn request(line: &str, fields: &[&str]) -> Vec<u8> {
    let mut request = format!("{line}\r\n");
    for field in fields {
        request.push_str(field);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request.into_bytes()
}

/// The fields of a request for a connection, without those of a name and with others.
fn fields<'a>(without: &str, with: &[&'a str]) -> Vec<&'a str> {
    let kept = UPGRADE.iter().filter(|field| !field.starts_with(without));
    kept.chain(with).copied().collect()
}

/// Those of a request that is not to become one: it is the last on its socket.
fn refused() -> Vec<&'static str> {
    fields("-", &["Connection: close"])
}

/// The status of the answer to a request; 0 if the server hangs up.
async fn status(server: &TestServer, request: &[u8]) -> u16 {
    let response = http::raw(server.address, request).await;
    response.map_or(0, |response| response.status)
}

/// The server lives, and lets people in.
async fn is_unharmed(server: TestServer) {
    assert_eq!(http::get(server.address, "/healthz").await.status, 200);
    server.join("alice", "r").await;
}

#[tokio::test]
async fn only_a_get_for_version_13_with_a_key_becomes_a_connection() {
    let server = desk().await;
    let token = server.token("alice", "r");
    let get = format!("GET /ws?token={token} HTTP/1.1");
    assert_eq!(status(&server, &request(&get, UPGRADE)).await, 101);
    for (without, with) in [
        ("Upgrade", vec![]),
        (
            "Upgrade",
            vec!["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"],
        ),
        ("Upgrade", vec!["Upgrade: TLS/1.3"]),
        ("Upgrade", vec!["Upgrade: websocket2"]),
        ("Upgrade", vec!["Upgrade: web socket"]),
        ("Upgrade", vec!["Upgrade: "]),
        ("Connection", vec!["Connection: close"]),
        ("Connection", vec!["Connection: close, keep-alive"]),
        ("Sec-WebSocket-Version", vec![]),
        ("Sec-WebSocket-Version", vec!["Sec-WebSocket-Version: 8"]),
        ("Sec-WebSocket-Version", vec!["Sec-WebSocket-Version: 0"]),
        ("Sec-WebSocket-Version", vec!["Sec-WebSocket-Version: 14"]),
        (
            "Sec-WebSocket-Version",
            vec!["Sec-WebSocket-Version: 13, 8"],
        ),
        (
            "Sec-WebSocket-Version",
            vec!["Sec-WebSocket-Version: thirteen"],
        ),
        ("Sec-WebSocket-Key", vec![]),
    ] {
        let mut with = with;
        // For the server to end what goes on as HTTP.
        if !with.iter().any(|field| field.starts_with("Connection")) {
            with.push("Connection: close");
        }
        let request = request(&get, &fields(without, &with));
        assert_eq!(
            status(&server, &request).await,
            400,
            "{without}, but {with:?}"
        );
    }
    is_unharmed(server).await;
}

#[tokio::test]
async fn other_methods_and_versions_of_http_are_refused() {
    let server = desk().await;
    let token = server.token("alice", "r");
    for method in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "PROPFIND", "get", "G",
    ] {
        for path in ["/ws", "/ws/desk"] {
            let line = format!("{method} {path}?token={token} HTTP/1.1");
            let response = status(&server, &request(&line, &refused())).await;
            assert!(matches!(response, 400 | 405), "{method} {path}: {response}");
        }
    }
    for line in [
        format!("GET /ws?token={token} HTTP/1.0"),
        format!("GET /ws?token={token} HTTP/0.9"),
        format!("GET /ws?token={token} HTTP/2.0"),
        format!("GET /ws?token={token} HTTP/1.2"),
        format!("GET /ws?token={token} HTTP/11"),
        format!("GET /ws?token={token}"),
        format!("GET  /ws?token={token} HTTP/1.1"),
        format!("GET /ws?token={token} HTTP/1.1 "),
        format!(" GET /ws?token={token} HTTP/1.1"),
        format!("GET /ws?token={token}\0 HTTP/1.1"),
        format!("GET /ws?token={token}\n HTTP/1.1"),
        "PRI * HTTP/2.0".to_owned(),
        "CONNECT localhost:22 HTTP/1.1".to_owned(),
        "GET * HTTP/1.1".to_owned(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03".to_owned(),
    ] {
        let response = status(&server, &request(&line, &refused())).await;
        assert!(
            matches!(response, 0 | 400 | 404 | 405),
            "{line:?}: {response}"
        );
    }
    is_unharmed(server).await;
}

#[tokio::test]
async fn a_path_leads_where_it_says_and_nowhere_else() {
    let server = desk().await;
    let token = server.token("alice", "r");
    for path in [
        "/ws/%2e%2e/healthz",
        "/ws/../healthz",
        "/ws/..",
        "/ws/%2e%2e",
        "/ws/.",
        "/ws/desk/",
        "/ws/desk/..",
        "/ws/desk%2f",
        "/ws/desk%00",
        "/ws/%00",
        "/ws/Desk",
        "/ws/desk%20",
        "/ws/d%65sk%2e",
        "/ws//desk",
        "//ws",
        "/ws/",
        "/WS",
        "/ws%2fdesk",
        "/ws;desk",
        "/./ws",
        "/ws/desk/desk",
        "/ws/__proto__",
    ] {
        let line = format!("GET {path}?token={token} HTTP/1.1");
        let response = status(&server, &request(&line, &refused())).await;
        assert_eq!(response, 404, "{path}");
    }
    // Bytes that are no text.
    for path in ["/ws/%ff", "/ws/%c0%ae%c0%ae", "/ws/%ed%a0%80"] {
        let line = format!("GET {path}?token={token} HTTP/1.1");
        assert_eq!(
            status(&server, &request(&line, &refused())).await,
            400,
            "{path}"
        );
    }
    // Another spelling of the same name is that name; another host is none of our business.
    for path in ["/ws/d%65sk", "http://elsewhere/ws"] {
        let line = format!("GET {path}?token={token} HTTP/1.1");
        assert_eq!(
            status(&server, &request(&line, UPGRADE)).await,
            101,
            "{path}"
        );
    }
    is_unharmed(server).await;
}

#[tokio::test]
async fn a_head_that_is_too_much_is_refused() {
    let server = desk().await;
    let token = server.token("alice", "r");
    let get = format!("GET /ws?token={token} HTTP/1.1");
    let big = format!("X-Big: {}", "x".repeat(20_000));
    let name = format!("{}: x", "x".repeat(20_000));
    let many: Vec<_> = (0..1000).map(|n| format!("X-{n}: {n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let same = vec!["X-Same: x"; 1000];
    let protocols = format!("Sec-WebSocket-Protocol: {}", "a,".repeat(10_000));
    for (what, with) in [
        ("a long value", vec![big.as_str()]),
        ("a long name", vec![name.as_str()]),
        ("many fields", many),
        ("many of one name", same),
        ("many subprotocols", vec![protocols.as_str()]),
    ] {
        let response = status(&server, &request(&get, &fields("-", &with))).await;
        assert_eq!(response, 431, "{what}");
    }
    let long = format!("GET /ws?token={} HTTP/1.1", "x".repeat(100_000));
    let response = status(&server, &request(&long, UPGRADE)).await;
    assert!(matches!(response, 414 | 431), "{response}");
    // Endless, and never a line's end.
    let endless = vec![b'A'; 4_000_000];
    let response = status(&server, &endless).await;
    assert!(matches!(response, 0 | 400 | 414 | 431), "{response}");
    is_unharmed(server).await;
}

#[tokio::test]
async fn a_thousand_parameters_hide_neither_a_token_nor_the_want_of_one() {
    let server = desk().await;
    let token = server.token("alice", "r");
    let many: Vec<_> = (0..1000).map(|n| format!("p{n}={n}")).collect();
    let many = many.join("&");
    for (query, expected) in [
        (format!("{many}&token={token}"), 101),
        (format!("token={token}&{many}"), 101),
        (format!("{many}&to%6ben={token}"), 101),
        (many.clone(), 401),
        (format!("{many}&Token={token}"), 401),
        (format!("{many}&token[]={token}"), 401),
        (format!("{many}&token="), 401),
        (format!("token={token}&{many}&token={token}"), 400),
        (format!("token={token}&token=x"), 400),
        (format!("token={token}&resume=a-1&resume=a-2"), 400),
        (format!("token={token}&resume="), 400),
        (format!("token={token}&resume=a-1%00"), 400),
        ("&".repeat(5000), 401),
        ("=".repeat(5000), 401),
        ("%".repeat(5000), 401),
    ] {
        let line = format!("GET /ws?{query} HTTP/1.1");
        let fields = match expected {
            101 => UPGRADE.to_vec(),
            _ => refused(),
        };
        let shown = &query[..query.len().min(60)];
        assert_eq!(
            status(&server, &request(&line, &fields)).await,
            expected,
            "{shown}"
        );
    }
    is_unharmed(server).await;
}

/// How many responses there are to what is sent over one connection, and their statuses.
async fn statuses(server: &TestServer, sent: &[u8]) -> Vec<String> {
    let Some(first) = http::raw(server.address, sent).await else {
        return Vec::new();
    };
    let all = format!("{}\r\n\r\n{}", first.head, first.body);
    let lines = all.split("HTTP/1.1 ").skip(1);
    lines.map(|line| line.chars().take(3).collect()).collect()
}

#[tokio::test]
async fn no_second_request_is_smuggled_in_the_first_ones_body() {
    let server = desk().await;
    let hidden = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let length = hidden.len();
    // Two requests that stand one after the other are two.
    let two = format!("POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n{hidden}");
    assert_eq!(statuses(&server, two.as_bytes()).await, ["400", "200"]);
    let ambiguous = [
        format!("Content-Length: {length}\r\nContent-Length: 0"),
        format!("Content-Length: 0\r\nContent-Length: {length}"),
        format!("Content-Length: 0, {length}"),
        format!("Content-Length: +{length}"),
        format!("Content-Length: -{length}"),
        format!("Content-Length: 0x{length:x}"),
        format!("Content-Length: {length}a"),
        "Content-Length: 99999999999999999999".to_owned(),
        "Content-Length:".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding: identity".to_owned(),
        "Transfer-Encoding : chunked".to_owned(),
        "Transfer-Encoding:\u{b}chunked".to_owned(),
        "Transfer-Encoding\r\n: chunked".to_owned(),
        "Content-Length : 0".to_owned(),
        " Content-Length: 0".to_owned(),
        "X: y\r\n Content-Length: 0".to_owned(),
        "X: y\nContent-Length: 0\0".to_owned(),
        "X: y\rContent-Length: 0".to_owned(),
    ];
    for fields in ambiguous {
        let head = format!("POST /token HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n");
        let answers = statuses(&server, format!("{head}{hidden}").as_bytes()).await;
        assert!(
            answers.is_empty() || answers == ["400"],
            "{fields:?}: {answers:?}"
        );
    }
    // Two lengths: whoever stands before the server may have gone by the other.
    for fields in [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            length + 5
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}",
            length + 5
        ),
    ] {
        let head = format!("POST /token HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n");
        let sent = format!("{head}0\r\n\r\n{hidden}");
        let answers = statuses(&server, sent.as_bytes()).await;
        assert!(answers.is_empty() || answers == ["400"], "{answers:?}");
    }
    // Nor in what follows a request for a connection.
    let token = server.token("alice", "r");
    let get = format!("GET /ws?token={token} HTTP/1.1");
    let with_body = fields("-", &["Content-Length: 5"]);
    for head in [request(&get, UPGRADE), request(&get, &with_body)] {
        let sent = [&head, b"GET /".as_slice(), hidden.as_bytes()].concat();
        let answers = statuses(&server, &sent).await;
        assert!(answers == ["101"] || answers == ["400"], "{answers:?}");
    }
    is_unharmed(server).await;
}
