//! Frames that claim another sender, say a thing twice, or are nested too deep.

use crate::bystander::{ROOM, Scene};
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::MessageLimits;
use tapaculo_tests::client::Client;
use tokio_tungstenite::tungstenite::Message;

/// How deep nobody may nest, and no parser that recurses may be asked to look.
const LEVELS: usize = 100_000;

/// Sends a text and answers with the error that it gets.
async fn error(client: &mut Client, text: &str) -> Value {
    client.raw(Message::text(text)).await;
    let frame = client.frame().await;
    let shown = &text[..text.len().min(120)];
    assert!(frame.get("error").is_some(), "{shown} got {frame}");
    frame
}

#[tokio::test]
async fn whoever_claims_another_sender_is_refused_however_it_is_spelt() {
    let scene = Scene::set().await;
    let mut alice = scene.server.join("alice", ROOM).await;
    for from in [
        "bob",
        "@server",
        "server",
        "",
        " ",
        "Alice",
        "ALICE",
        "alice ",
        " alice",
        "alice\t",
        "alice\n",
        "alice\u{0}",
        "\u{0}alice",
        "\"alice\"",
        "alice,bob",
        "alice\u{200b}",
        "\u{feff}alice",
        "\u{202e}ecila",
        "ali\u{441}e",
        "\u{ff41}lice",
        "alice\u{301}",
        "user:alice",
        "alice@r",
        "../alice",
        "alice%20",
        "null",
        "*",
    ] {
        let said = json!({"type": "Say", "text": "forged"});
        let frame = json!({"from": from, "data": said, "id": 1_000}).to_string();
        let answer = error(&mut alice, &frame).await;
        assert_eq!(answer["error"]["code"], "forged_sender", "{from:?}");
        assert_eq!(answer["id"], 1_000, "{from:?}");
        // The same without an id, from a session that has none answered twice.
        let frame = json!({"from": from, "data": said}).to_string();
        let answer = error(&mut alice, &frame).await;
        assert_eq!(answer["error"]["code"], "forged_sender", "{from:?}");
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_sender_in_escapes_is_who_it_spells_and_one_that_is_no_text_is_no_frame() {
    let mut scene = Scene::set().await;
    let mut alice = scene.server.join("alice", ROOM).await;
    let data = r#""data": {"type": "Say", "text": "hi"}"#;
    for (from, code) in [
        (r#""from": "\u0062ob""#, "forged_sender"),
        (r#""fr\u006fm": "bob""#, "forged_sender"),
        (r#""from": "\ud83d\ude00""#, "forged_sender"),
        (r#""from": "alice\u0000""#, "forged_sender"),
        (r#""from": "\ud800""#, "bad_frame"),
        (r#""from": "alice", "from": "bob""#, "bad_frame"),
        (r#""from": "bob", "from": "alice""#, "bad_frame"),
        (r#""from": "alice", "from": "alice""#, "bad_frame"),
        (r#""from": "alice", "fr\u006fm": "bob""#, "bad_frame"),
        (r#""from": 7"#, "bad_frame"),
        (r#""from": true"#, "bad_frame"),
        (r#""from": ["alice"]"#, "bad_frame"),
        (r#""from": {"user": "alice"}"#, "bad_frame"),
        (r#""from": {"alice": null}"#, "bad_frame"),
    ] {
        for frame in [format!("{{{from}, {data}}}"), format!("{{{data}, {from}}}")] {
            let answer = error(&mut alice, &frame).await;
            assert_eq!(answer["error"]["code"], code, "{frame}");
        }
    }
    assert_eq!(scene.overheard().await, [json!(null); 0]);
    // None of these claims anybody else: the sender is the token's in any case.
    let mut said = 0;
    for from in [
        r#""from": "\u0061lice""#,
        r#""\u0066rom": "alice""#,
        r#""from": null"#,
        r#""From": "bob""#,
        r#""from ": "bob""#,
        r#""user": "bob", "sender": "bob", "@from": "bob""#,
    ] {
        alice
            .raw(Message::text(format!("{{{from}, {data}}}")))
            .await;
        said += 1;
        assert_eq!(alice.until("data").await.1["from"], "alice", "{from}");
    }
    let inner = json!({"type": "Say", "text": "hi", "from": "bob", "by": "bob"});
    alice.tell(inner).await;
    let heard = scene.overheard().await;
    assert_eq!(heard.len(), said + 1);
    assert!(heard.iter().all(|event| event["from"] == "alice"));
}

#[tokio::test]
async fn a_key_that_is_there_twice_is_refused_wherever_and_however_it_is_written() {
    let scene = Scene::set().await;
    let mut alice = scene.server.join("alice", ROOM).await;
    let deep = |inner: &str| {
        let (open, close) = (r#"{"a": ["#.repeat(30), "]}".repeat(30));
        format!(r#"{{"data": {{"type": "Say", "text": "twice", "x": {open}{inner}{close}}}}}"#)
    };
    let twice = [
        r#"{"data": {"type": "Say", "text": "twice"}, "data": {"type": "Say", "text": "b"}}"#,
        r#"{"data": {"type": "Say", "text": "twice"}, "\u0064ata": 1}"#,
        r#"{"data": {"type": "Say", "text": "twice"}, "id": 1, "id": 2}"#,
        r#"{"data": {"type": "Say", "text": "twice"}, "id": 1, "i\u0064": 1}"#,
        r#"{"data": {"type": "Say", "text": "twice"}, "unknown": 1, "unknown": 1}"#,
        r#"{"data": {"type": "Say", "type": "Clap", "text": "twice"}}"#,
        r#"{"data": {"type": "Say", "t\u0079pe": "Clap", "text": "twice"}}"#,
        r#"{"data": {"type": "Say", "text": "a", "text": "twice"}}"#,
        r#"{"data": {"type": "Say", "text": "a", "\u0074\u0065\u0078\u0074": "twice"}}"#,
        r#"{"data": {"type": "Say", "text": "twice", "": 1, "": 2}}"#,
        r#"{"data": {"type": "Say", "text": "twice", "😀": 1, "\ud83d\ude00": 2}}"#,
        r#"{"data": {"type": "Say", "text": "twice", "\/": 1, "/": 2}}"#,
        r#"{"data": {"type": "Say", "text": "twice", "x": [{"a": 1}, {"b": 1, "b": 2}]}}"#,
        r#"{"ping": 1, "ping": 2}"#,
    ];
    let twice = twice.map(str::to_owned).into_iter();
    for frame in twice.chain([
        deep(r#"{"k": 1, "k": 2}"#),
        deep(r#"{"k": 1, "\u006b": 2}"#),
    ]) {
        let answer = error(&mut alice, &frame).await;
        assert_eq!(answer["error"]["code"], "bad_frame", "{frame}");
    }
    let many: Vec<_> = (0..1000).map(|n| format!("\"{n}\": 0")).collect();
    let many = many.join(", ");
    let frame = format!(r#"{{{many}, "data": {{"type": "Say", "text": "twice"}}, "500": 0}}"#);
    let answer = error(&mut alice, &frame).await;
    assert_eq!(answer["error"]["code"], "bad_frame");
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_hundred_thousand_levels_are_refused_and_end_nothing() {
    let limits = MessageLimits {
        max_size_bytes: 4 << 20,
        max_messages_per_window: u32::MAX,
        window_duration: Duration::from_secs(1),
        ..MessageLimits::default()
    };
    let scene = Scene::with(|server| server.with_limits(limits)).await;
    let mut alice = scene.server.join("alice", ROOM).await;
    let lists = "[".repeat(LEVELS) + &"]".repeat(LEVELS);
    let objects = r#"{"a":"#.repeat(LEVELS) + "1" + &"}".repeat(LEVELS);
    let mixed = r#"[{"a":"#.repeat(LEVELS) + "1" + &"}]".repeat(LEVELS);
    for deep in [&lists, &objects, &mixed] {
        for frame in [
            deep.clone(),
            format!(r#"{{"data": {deep}}}"#),
            format!(r#"{{"data": {{"type": "Say", "text": {deep}}}}}"#),
            format!(r#"{{"data": {{"type": "Say", "text": "deep", "x": {deep}}}}}"#),
            format!(r#"{{"data": {{"type": "Say", "text": "deep"}}, "unknown": {deep}}}"#),
            format!(r#"{{"from": {deep}, "data": {{"type": "Say", "text": "deep"}}}}"#),
            format!(r#"{{"id": {deep}, "data": {{"type": "Say", "text": "deep"}}}}"#),
            format!(r#"{{"ping": {deep}}}"#),
            // Neither closed nor anything.
            deep[..deep.len() / 2].to_owned(),
            format!(r#"{{"data": {}"#, &deep[..deep.len() / 2]),
            // What looks like the end of a string is none.
            format!(r#"{{"data": {{"type": "Say", "text": "\\", "x": {deep}}}}}"#),
        ] {
            let answer = error(&mut alice, &frame).await;
            assert_eq!(answer["error"]["code"], "bad_frame");
            let words = answer["error"]["message"].as_str().expect("words");
            assert!(words.contains("nested deeper than 64 levels"), "{words}");
        }
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn brackets_in_a_text_are_text() {
    let limits = MessageLimits {
        max_size_bytes: 4 << 20,
        ..MessageLimits::default()
    };
    let mut scene = Scene::with(|server| server.with_limits(limits)).await;
    let mut alice = scene.server.join("alice", ROOM).await;
    let text = [r#"[{"a":"#.repeat(LEVELS), "\\\"{[".repeat(LEVELS)].concat();
    alice.tell(json!({"type": "Say", "text": text})).await;
    assert_eq!(scene.overheard().await[0]["data"]["text"], text);
}
