//! Coming to a room from any node: who gets in, and what is told first.

use super::{Node, event, two, until, write};
use serde_json::{Value, json};
use tapaculo::Server;
use tapaculo_tests::{
    client::{Client, Request},
    codec::Codec,
    redis::Redis,
};

/// The greeting, up to `synced`.
async fn greeting(client: &mut Client) -> Vec<Value> {
    let (mut frames, synced) = client.until("synced").await;
    frames.push(synced);
    frames
}

fn position(greeting: &[Value]) -> String {
    let epoch = greeting[0]["welcome"]["epoch"].as_str().expect("an epoch");
    format!("{epoch}-{}", greeting.last().expect("synced")["synced"])
}

#[tokio::test]
async fn newcomers_on_any_node_are_greeted_alike_in_every_codec() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    for line in ["a", "b", "c"] {
        alice.tell(write(line)).await;
    }
    let whisper = json!({"type": "Whisper", "to": "alice", "line": "secret"});
    alice.tell(whisper).await;

    for codec in Codec::ALL {
        let mut told = Vec::new();
        for node in [&one, &two] {
            let mut watcher = node
                .request_in(codec, "watcher", "r")
                .header("X-Node", "any")
                .connect()
                .await
                .expect("accepted");
            let mut frames = greeting(&mut watcher).await;
            let welcome = &mut frames[0]["welcome"];
            assert_eq!(welcome["user"], "watcher");
            assert_eq!(welcome["members"][0]["user"], "alice");
            // Only this is each connection's own.
            welcome["expires_in_ms"] = Value::Null;
            told.push(frames);
            watcher.close().await;
            until(&mut alice, "watcher has left").await;
        }
        let lines = |frames: &[Value]| -> Vec<Value> {
            let events = frames.iter().filter(|frame| frame.get("from").is_some());
            events.map(|event| event["data"].clone()).collect()
        };
        let state = |frames: &[Value]| frames[1]["state"].clone();
        assert_eq!(state(&told[0]), json!(["a", "b", "c"]));
        assert_eq!(state(&told[1]), json!(["a", "b", "c"]));
        let (here, there) = (lines(&told[0]), lines(&told[1]));
        // Those of the first one's coming and going are history for the second.
        assert_eq!(there[..here.len()], here[..]);
        assert_eq!(there[here.len()..], ["watcher has left", "watcher is here"]);
        assert!(!there.contains(&json!("secret")));
        let keys = |frames: &[Value]| -> Vec<String> {
            let keys = frames.iter().map(|frame| frame.as_object().unwrap().keys());
            let mut keys: Vec<String> = keys.flatten().cloned().collect();
            keys.dedup();
            keys
        };
        assert_eq!(keys(&told[0])[..4], keys(&told[1])[..4]);
    }
}

#[tokio::test]
async fn a_bare_browser_socket_on_another_node_gets_events_alone() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let url = format!("{}?token={}", two.url("/ws"), two.token("bob", "r"));
    let mut bob = Request::new(url).connect().await.expect("accepted");
    until(&mut alice, "bob is here").await;
    bob.send(json!({"from": "bob", "data": write("hi")})).await;
    until(&mut alice, "bob: hi").await;
    alice.tell(write("hello")).await;
    let mut heard = Vec::new();
    while heard.last() != Some(&json!("alice: hello")) {
        let frame = bob.frame().await;
        for key in ["welcome", "synced", "presence", "ack"] {
            assert!(frame.get(key).is_none(), "{frame}");
        }
        if frame.get("from").is_some() {
            heard.push(frame["data"].clone());
        }
    }
    assert_eq!(
        heard,
        ["alice is here", "bob is here", "bob: hi", "alice: hello"]
    );
}

#[tokio::test]
async fn seats_are_those_of_the_whole_cluster() {
    let (_redis, one, two) = two().await;
    let mut seats = Vec::new();
    let mut clients = Vec::new();
    for (node, user) in [(&one, "a"), (&two, "b"), (&one, "c"), (&two, "d")] {
        let mut client = node.connect(user, "r").await;
        let welcome = &greeting(&mut client).await[0]["welcome"];
        seats.push((welcome["seat"].clone(), welcome["role"].clone()));
        clients.push(client);
    }
    let player = |seat: u32| (json!(seat), json!("player"));
    let watcher = (Value::Null, json!("spectator"));
    assert_eq!(seats, [player(0), player(1), player(2), watcher]);
    let code = clients[3]
        .refused(json!({"type": "Hint", "line": "psst"}))
        .await;
    assert_eq!(code, "spectator");
    let mut watcher = clients.pop().expect("four");
    watcher.tell(write("from the audience")).await;
    until(&mut clients[0], "d: from the audience").await;
}

/// Nobody may watch.
#[tapaculo::game(players = 1, reconnect = "30s")]
#[derive(Default)]
struct Booth;

#[tapaculo::game]
impl Booth {}

#[tokio::test]
async fn a_room_that_is_full_on_one_node_is_full_on_the_other() {
    let redis = Redis::start().await;
    let one = Node::start(&redis, Server::with_game::<Booth>).await;
    let two = Node::start(&redis, Server::with_game::<Booth>).await;
    let alice = one.join("alice", "r").await;
    let mut bob = two.connect("bob", "r").await;
    let (_, error) = bob.until("error").await;
    assert_eq!(error["error"]["code"], "room_full");
    assert_eq!(bob.closed().await, Some(4003));
    alice.close().await;
    // She has left the seat by the time that her goodbye was answered, or soon after.
    loop {
        let mut bob = two.connect("bob", "r").await;
        let frame = bob.frame().await;
        if frame.get("welcome").is_some() {
            break;
        }
        assert_eq!(frame["error"]["code"], "room_full");
    }
}

#[tokio::test]
async fn whom_the_game_refuses_is_told_why_on_any_node() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let mut mallory = two.connect("mallory", "r").await;
    let (_, error) = mallory.until("error").await;
    assert_eq!(error["error"]["code"], "rejected");
    assert_eq!(error["error"]["message"], "not you");
    assert_eq!(mallory.closed().await, Some(4003));
    alice.tell(write("alone")).await;
    let mut bob = two.connect("bob", "r").await;
    let welcome = &greeting(&mut bob).await[0]["welcome"];
    assert_eq!(welcome["seat"], 1, "the seat was not taken");
}

#[tokio::test]
async fn the_newest_connection_of_a_user_wins_whichever_node_it_is_on() {
    let (_redis, one, two) = two().await;
    let mut bob = one.join("bob", "r").await;
    let mut first = one.join("alice", "r").await;
    let mut second = two.join("alice", "r").await;
    assert_eq!(first.closed().await, Some(4009));
    let mut third = two.join("alice", "r").await;
    assert_eq!(second.closed().await, Some(4009));
    let mut fourth = one.join("alice", "r").await;
    assert_eq!(third.closed().await, Some(4009));
    fourth.tell(write("it is me")).await;
    until(&mut bob, "alice: it is me").await;
    // The old ones' end was not hers.
    let mut carol = two.connect("carol", "r").await;
    let welcome = &greeting(&mut carol).await[0]["welcome"];
    let alice = &welcome["members"][1];
    assert_eq!(
        (&alice["user"], &alice["connected"]),
        (&json!("alice"), &json!(true))
    );
}

#[tokio::test]
async fn who_drops_on_one_node_resumes_on_the_other_with_exactly_what_was_missed() {
    let (_redis, one, two) = two().await;
    let mut bob = one.join("bob", "r").await;
    for (from, to) in [(&one, &two), (&two, &one), (&two, &two)] {
        let mut alice = from.connect("alice", "r").await;
        let frames = greeting(&mut alice).await;
        let position = position(&frames);
        drop(alice);
        bob.tell(write("one")).await;
        let whisper = json!({"type": "Whisper", "to": "alice", "line": "for you"});
        bob.tell(whisper).await;
        bob.tell(json!({"type": "TellSeat", "seat": 0, "line": "not for you"}))
            .await;
        let mut request = to.request("alice", "r");
        request.url = format!("{}?resume={position}", request.url);
        let mut alice = request.connect().await.expect("accepted");
        let frames = greeting(&mut alice).await;
        assert_eq!(frames[0]["welcome"]["resumed"], true, "{frames:?}");
        let missed: Vec<_> = frames.iter().filter(|f| f.get("from").is_some()).collect();
        let missed: Vec<_> = missed.iter().map(|event| &event["data"]).collect();
        assert_eq!(missed, ["bob: one", "for you"]);
        bob.tell(write("two")).await;
        assert_eq!(event(&mut alice).await.1, "bob: two");
        alice.close().await;
        until(&mut bob, "alice has left").await;
    }
}

#[tokio::test]
async fn a_greeting_that_is_longer_than_what_may_wait_is_told_on_any_node() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let long = "x".repeat(12_000);
    for _ in 0..99 {
        alice.tell(write(&long)).await;
    }
    let mut bob = two.connect("bob", "r").await;
    let frames = greeting(&mut bob).await;
    assert_eq!(frames[1]["state"].as_array().map(Vec::len), Some(99));
    let events = frames.iter().filter(|frame| frame.get("from").is_some());
    assert_eq!(events.count(), 100, "all that is kept");
    alice.tell(write("short")).await;
    assert_eq!(event(&mut bob).await.1, "alice: short");
}
