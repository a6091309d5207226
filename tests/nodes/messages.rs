//! What is sent on a node that has not got the room.

use super::{event, two, until, write};
use serde_json::{Value, json};
use tapaculo_tests::client::{Client, Received};

#[tokio::test]
async fn an_id_that_is_sent_again_through_another_node_is_answered_the_same_and_applied_once() {
    let (_redis, one, two) = two().await;
    let mut watcher = one.join("watcher", "r").await;
    let message = json!({"data": write("once"), "id": 1});
    let mut acks = Vec::new();
    for node in [&two, &one, &two] {
        let mut alice = node.join("alice", "r").await;
        alice.send(message.clone()).await;
        acks.push(alice.until("ack").await.1);
        alice.send(message.clone()).await;
        acks.push(alice.until("ack").await.1);
        let other = json!({"data": write("twice"), "id": 1});
        alice.send(other).await;
        let (_, error) = alice.until("error").await;
        assert_eq!(
            (&error["error"]["code"], &error["id"]),
            (&json!("conflict"), &json!(1))
        );
    }
    assert!(acks.iter().all(|ack| *ack == acks[0]), "{acks:?}");
    let (_, ack) = watcher.ask(write("last")).await;
    assert_eq!(ack["reply"], 2, "it was written once");
}

#[tokio::test]
async fn as_many_as_may_be_unanswered_are_answered_in_order_through_another_node() {
    let (_redis, one, two) = two().await;
    let _alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    for id in 1..=64 {
        let data = write(&id.to_string());
        bob.send(json!({"data": data, "id": id})).await;
    }
    let mut heard = 0;
    for id in 1..=64 {
        let (before, ack) = bob.until("ack").await;
        assert_eq!((&ack["ack"], &ack["reply"]), (&json!(id), &json!(id)));
        let said = before.iter().filter(|frame| frame.get("from").is_some());
        heard += said.count();
        assert!(heard >= id, "what it said comes before its answer");
    }
    assert_eq!(heard, 64);
}

#[tokio::test]
async fn events_go_to_those_they_are_for_on_any_node() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    let mut carol = two.join("carol", "r").await;
    let talk = |line: &str, kind: &str| json!({"type": kind, "line": line, "to": "bob", "seat": 2});
    alice.tell(talk("to bob", "Whisper")).await;
    alice.tell(talk("to seat two", "TellSeat")).await;
    let (before, _) = bob.ask(talk("not to bob", "TellOthers")).await;
    let lines = before.iter().filter(|frame| frame.get("from").is_some());
    let lines: Vec<_> = lines.map(|event| (&event["seq"], &event["data"])).collect();
    assert_eq!(*lines.last().expect("some"), (&json!(4), &json!("to bob")));
    alice.tell(talk("hint", "Hint")).await;
    let (own, _) = alice.ask(write("end")).await;
    let own = own.iter().filter(|frame| frame.get("from").is_some());
    let own: Vec<_> = own.map(|event| event["data"].clone()).collect();
    assert_eq!(own, ["alice: end"]);
    let mut heard = Vec::new();
    for client in [&mut bob, &mut carol] {
        let mut lines: Vec<(Option<u64>, String)> = Vec::new();
        while lines.last().is_none_or(|(_, line)| line != "alice: end") {
            let (_, event) = client.until("from").await;
            let line = event["data"].as_str().expect("a text").to_owned();
            lines.push((event["seq"].as_u64(), line));
        }
        lines.retain(|(_, line)| !line.ends_with("is here"));
        heard.push(lines);
    }
    let line = |seq: Option<u64>, line: &str| (seq, line.to_owned());
    let (others, end) = (line(Some(6), "not to bob"), line(Some(7), "alice: end"));
    let to_carol = line(Some(5), "to seat two");
    let hint = line(None, "hint");
    // What came before the answer to what he said himself he has read with that.
    assert_eq!(heard[0], [hint.clone(), end.clone()]);
    assert_eq!(heard[1], [to_carol, others, hint, end]);
}

#[tokio::test]
async fn what_is_taken_back_is_taken_back_on_every_node() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    bob.tell(write("oh no")).await;
    let seq = until(&mut alice, "bob: oh no").await;
    bob.tell(json!({"type": "Redact", "seq": seq})).await;
    let (_, redacted) = alice.until("redacted").await;
    assert_eq!(redacted["redacted"], seq);
    for node in [&one, &two] {
        let mut carol = node.connect("carol", "r").await;
        let (greeting, _) = carol.until("synced").await;
        let lines: Vec<_> = greeting.iter().map(|frame| &frame["data"]).collect();
        assert!(!lines.contains(&&json!("bob: oh no")), "{greeting:?}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_is_told_its_sender_alone_and_changes_nothing_on_any_node() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    until(&mut alice, "bob is here").await;
    assert_eq!(bob.refused(json!({"type": "Refuse"})).await, "rejected");
    assert_eq!(bob.refused(json!({"type": "Panic"})).await, "internal");
    let slow = json!({"type": "Ponder", "ms": 60_000});
    assert_eq!(bob.refused(slow).await, "internal", "it takes too long");
    assert_eq!(bob.refused(json!({"type": "Nothing"})).await, "bad_message");
    bob.send(json!({"data": write("x"), "from": "alice", "id": 9}))
        .await;
    let (_, error) = bob.until("error").await;
    assert_eq!(error["error"]["code"], "forged_sender");
    assert_eq!(alice.tell(write("fine")).await["reply"], 1);
    assert_eq!(event(&mut bob).await.1, "alice: fine");
}

/// Sends without waiting, and answers with the order in which things were heard.
async fn many(mut client: Client, user: &str, times: u64) -> Vec<(u64, String)> {
    for id in 1..=times {
        let data = write(&format!("{user} {id}"));
        client.send(json!({"data": data, "id": id})).await;
    }
    let (mut events, mut acked) = (Vec::new(), Vec::new());
    while acked.len() < times as usize || events.len() < 3 * times as usize {
        match client.next().await {
            Received::Frame(frame) if frame.get("ack").is_some() => {
                let last = events.last().map_or(0, |(seq, _)| *seq);
                let seq = frame["seq"].as_u64().expect("a number");
                assert!(last >= seq, "{frame} before {seq}");
                acked.push(frame["ack"].as_u64().expect("an id"));
            }
            Received::Frame(frame) if frame.get("from").is_some() => {
                let line = frame["data"].as_str().expect("a text");
                if line.contains(": ") {
                    events.push((frame["seq"].as_u64().expect("one"), line.to_owned()));
                }
            }
            Received::Frame(frame) => assert!(frame.get("error").is_none(), "{frame}"),
            Received::Closed(code) => panic!("closed with {code:?}"),
        }
    }
    let all: Vec<u64> = (1..=times).collect();
    assert_eq!(acked, all);
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_hear_the_same_in_the_same_order_whoever_speaks_where() {
    let (_redis, one, two) = two().await;
    let alice = one.join("alice", "r").await;
    let bob = two.join("bob", "r").await;
    let carol = two.join("carol", "r").await;
    let (alice, bob, carol) = tokio::join!(
        many(alice, "alice", 60),
        many(bob, "bob", 60),
        many(carol, "carol", 60)
    );
    assert_eq!(alice, bob);
    assert_eq!(bob, carol);
    let numbers: Vec<u64> = alice.iter().map(|(seq, _)| *seq).collect();
    let all: Vec<u64> = (4..=183).collect();
    assert_eq!(numbers, all);
}

#[tokio::test]
async fn a_slow_handler_does_not_cost_its_node_the_lease() {
    let (_redis, one, two) = two().await;
    let mut alice = one.join("alice", "r").await;
    let mut bob = two.join("bob", "r").await;
    let ponder = json!({"type": "Ponder", "ms": 1_400});
    let mut replies: Vec<Value> = Vec::new();
    for _ in 0..2 {
        let (here, there) = tokio::join!(alice.ask(ponder.clone()), bob.ask(ponder.clone()));
        replies.extend([here.1, there.1]);
    }
    assert!(
        replies.iter().all(|ack| ack.get("ack").is_some()),
        "{replies:?}"
    );
    assert_eq!(alice.tell(write("still here")).await["reply"], 5);
}
