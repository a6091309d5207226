//! Names that look like something else, or like each other.

use crate::games::Desk;
use serde_json::{Value, json};
use tapaculo::Server;
use tapaculo_tests::{
    client::{Client, Request},
    server::TestServer,
};

/// Names that some encoding, some path or some eye could take for another of them.
const NAMES: &[&str] = &[
    "a",
    "A",
    "a ",
    " a",
    "a\u{a0}",
    "a\u{200b}",
    "\u{feff}a",
    "\u{430}",
    "\u{ff41}",
    "\u{e9}",
    "e\u{301}",
    "\u{202e}a",
    "a\u{2028}",
    "a/b",
    "a/",
    "/a",
    "/",
    "//",
    "a%2Fb",
    "a%2fb",
    "a%252Fb",
    "%",
    "%00",
    "%0a",
    "a+b",
    "a b",
    "a%20b",
    ".",
    "..",
    "../a",
    "%2e%2e",
    "..%2fa",
    "\\",
    "a\\b",
    "a\\u0000",
    "a:b",
    "user:x",
    "room:a",
    "desk/a",
    "desk:a",
    "{desk/a}",
    "{a}",
    "a}b",
    "tapaculo:room:a",
    "a*",
    "a?",
    "[a]",
    "*",
    "a.b",
    "a|b",
    "a,b",
    "a;b",
    "a\"b",
    "a'b",
    "<a>",
    "${a}",
    "a#b",
    "a&b=c",
    "null",
    "undefined",
    "0",
    "-1",
    "true",
    "__proto__",
    "constructor",
    "\u{1f3b2}",
    "\u{1f468}\u{200d}\u{1f469}",
    "\u{10ffff}",
    "\u{fffd}",
];

async fn desk() -> TestServer {
    TestServer::start(Server::with_game::<Desk>).await
}

/// The names, and two of 128 bytes that differ in the last.
fn names() -> Vec<String> {
    let long = [
        "x".repeat(128),
        "x".repeat(127) + "y",
        "\u{1f3b2}".repeat(32),
    ];
    let names = NAMES.iter().map(|name| (*name).to_owned());
    names.chain(long).collect()
}

/// What was said to a client up to now.
async fn said(client: &mut Client) -> Vec<Value> {
    client.send(json!({"ping": 1})).await;
    let (mut frames, _) = client.until("pong").await;
    frames.retain(|frame| frame["data"]["type"] == "Said");
    frames
}

#[tokio::test]
async fn each_name_of_a_room_is_a_room_of_its_own() {
    let server = desk().await;
    let mut members = Vec::new();
    for room in names() {
        let mut speaker = server.connect("alice", &room).await;
        let welcome = speaker.until("welcome").await.1;
        assert_eq!(welcome["welcome"]["room"], room);
        assert_eq!(welcome["welcome"]["seat"], 0, "{room:?} is another's");
        speaker.until("synced").await;
        let listener = server.join("bob", &room).await;
        members.push((room, speaker, listener));
    }
    for (room, speaker, _) in &mut members {
        let text = format!("in {room}");
        let said = speaker.tell(json!({"type": "Say", "text": text})).await;
        assert_eq!(said["reply"], 1, "{room:?}");
    }
    for (room, _, listener) in &mut members {
        let heard = said(listener).await;
        assert_eq!(heard.len(), 1, "{room:?}: {heard:?}");
        assert_eq!(heard[0]["data"]["text"], format!("in {room}"));
    }
}

#[tokio::test]
async fn each_name_of_a_user_is_a_user_of_its_own() {
    let server = desk().await;
    // The first two play, all others watch; nobody is taken for another, who would be sent away.
    let mut members = Vec::new();
    for (at, user) in names().into_iter().enumerate() {
        let mut member = server.connect(&user, "r").await;
        let welcome = member.until("welcome").await.1;
        assert_eq!(welcome["welcome"]["user"], user);
        let present = welcome["welcome"]["members"].as_array().expect("members");
        assert_eq!(present.len(), at + 1, "{user:?} is another's");
        member.until("synced").await;
        members.push((user, member));
    }
    for (user, member) in &mut members {
        // It is believed by its own name only.
        let other = format!("{user}x");
        member
            .send(json!({"from": other, "data": {"type": "Clap"}, "id": 1}))
            .await;
        let refused = member.until("error").await.1;
        assert_eq!(refused["error"]["code"], "forged_sender", "{user:?}");
        member
            .send(json!({"from": user, "data": {"type": "Clap"}, "id": 2}))
            .await;
        assert_eq!(member.until("ack").await.1["ack"], 2, "{user:?}");
    }
    // All of it is heard, from whom it came; what is acked was heard before a later ping.
    let (_, first) = members.first_mut().expect("some");
    let claps = said(first).await;
    let others = members.iter().map(|(user, _)| user).skip(1);
    assert_eq!(claps.len(), others.len(), "it has read its own already");
    for (user, clap) in others.zip(claps) {
        assert_eq!(clap["from"], *user);
        assert_eq!(clap["data"]["text"], format!("{user} claps"));
    }
}

/// How a request for a connection is answered.
async fn status(server: &TestServer, token: &str) -> u16 {
    let request = Request::new(server.url(&format!("/ws?token={token}")));
    request.status().await.as_u16()
}

#[tokio::test]
async fn a_name_has_1_to_128_bytes_and_no_control_characters() {
    let server = desk().await;
    let mut bad: Vec<String> = (0..0xa0_u8)
        .map(char::from)
        .filter(|c| c.is_control())
        .flat_map(|c| [format!("a{c}b"), format!("{c}"), format!("a{c}")])
        .collect();
    assert_eq!(bad.len(), 3 * 65);
    bad.extend([
        String::new(),
        "x".repeat(129),
        "x".repeat(4_000),
        "\u{e9}".repeat(65),
        "\u{1f3b2}".repeat(32) + "x",
    ]);
    for name in bad {
        for claim in ["sub", "room", "session_id"] {
            let token = server.token_with("alice", "r", &json!({claim: name}));
            assert_eq!(status(&server, &token).await, 400, "{claim} {name:?}");
        }
    }
    for user in ["@", "@server", "@bob"] {
        let token = server.token_with(user, "r", &json!({}));
        assert_eq!(status(&server, &token).await, 400, "{user}");
    }
    // Beginning with `@` is for users only.
    server.join("alice", "@r").await;
}
