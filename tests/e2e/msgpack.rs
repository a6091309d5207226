//! MessagePack over sockets: the same protocol, frame by frame.

use crate::{chess::Chess, games::Desk};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tapaculo::{MessageLimits, prelude::*};
use tapaculo_tests::{chess::play_all, client::Request, codec::Codec, server::TestServer};
use tokio_tungstenite::tungstenite::Message;

/// Says what it is told, in every way there is.
#[tapaculo::game(players = 4, reconnect = "60s", event = Echoed)]
#[derive(Default)]
pub(crate) struct Echo {
    last: Value,
}

#[derive(Serialize)]
pub(crate) struct Echoed(Value);

#[tapaculo::game]
impl Echo {
    #[view]
    fn view(&self) -> Value {
        self.last.clone()
    }

    #[message]
    fn say(&mut self, room: &mut Room<Self>, value: Value) -> Value {
        self.last = value.clone();
        room.broadcast_volatile(Echoed(value.clone()));
        room.broadcast(Echoed(value.clone()));
        value
    }

    /// Takes back what was said last.
    #[message]
    fn unsay(&mut self, room: &mut Room<Self>) {
        room.redact(room.last_seq());
    }
}

async fn echo() -> TestServer {
    TestServer::start(Server::with_game::<Echo>).await
}

async fn desk() -> TestServer {
    TestServer::start(Server::with_game::<Desk>).await
}

fn packed(frame: &Value) -> Vec<u8> {
    rmp_serde::to_vec(frame).expect("any JSON")
}

#[tokio::test]
async fn the_first_codec_that_is_offered_and_spoken_is_taken_and_answered() {
    let server = desk().await;
    let url = server.url(&format!("/ws?token={}", server.token("alice", "r")));
    for (offer, taken) in [
        ("tapaculo.v1.msgpack", Codec::MessagePack),
        ("tapaculo.v1.msgpack, tapaculo.v1.json", Codec::MessagePack),
        ("tapaculo.v1.json, tapaculo.v1.msgpack", Codec::Json),
        (
            "tapaculo.v2.msgpack, tapaculo.v1.msgpack",
            Codec::MessagePack,
        ),
        ("tapaculo.token.x, tapaculo.v1.msgpack", Codec::MessagePack),
    ] {
        let request = Request::new(&url).protocols(offer).header(
            "Authorization",
            format!("Bearer {}", server.token("alice", "r")),
        );
        let (mut client, response) = request.connect_full().await.expect("accepted");
        let answered = response.headers().get_all("sec-websocket-protocol");
        let answered: Vec<_> = answered.iter().collect();
        assert_eq!(answered, [taken.protocol()], "{offer}");
        // The client reads no other codec than that.
        client.until("synced").await;
    }
    for offer in ["tapaculo.v2.msgpack", "msgpack", "tapaculo.v1.msgpack.x"] {
        let status = Request::new(&url).protocols(offer).status().await;
        assert_eq!(status, 400, "{offer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn games_of_chess_are_the_same_in_either_codec_and_between_the_two() {
    let server = Arc::new(TestServer::start(Server::with_game::<Chess>).await);
    play_all(&server, 0..12).await;
}

#[tokio::test]
async fn every_frame_there_is_comes_as_a_binary_map_with_what_it_has_in_json() {
    let server = echo().await;
    let [mut json, mut binary] = [
        server.connect_in(Codec::Json, "alice", "r").await,
        server.connect_in(Codec::MessagePack, "bob", "r").await,
    ];
    json.until("synced").await;
    let (mut frames, synced) = binary.until("synced").await;
    frames.push(synced);
    let mut carol = server.join("carol", "r").await;
    let value = json!({"any": [null, true, -1, 1.5, "é\u{0}😀", {}, []]});
    carol.tell(json!({"type": "Say", "value": value})).await;
    carol.tell(json!({"type": "Unsay"})).await;
    let (before, redacted) = binary.until("redacted").await;
    let (same, same_redacted) = json.until("redacted").await;
    let is_bobs = |frame: &&Value| frame["presence"]["user"] != "bob";
    assert_eq!(
        before,
        same.iter().filter(is_bobs).cloned().collect::<Vec<_>>()
    );
    assert_eq!(redacted, same_redacted);
    frames.extend(before);
    frames.push(redacted);
    let (before, ack) = binary.ask(json!({"type": "Say", "value": value})).await;
    assert_eq!(ack["reply"], value);
    frames.extend(before);
    frames.push(ack);
    frames.push(binary.ask(json!({"type": "Sya"})).await.1);
    binary.send(json!({"ping": 3})).await;
    frames.push(binary.until("pong").await.1);
    binary
        .send(json!({"token": server.token("bob", "r")}))
        .await;
    frames.push(binary.until("renewed").await.1);
    drop(carol);
    frames.push(binary.until("presence").await.1);
    // That they were binary, and maps, is what the client has seen to.
    let kinds = frames.iter().map(|frame| {
        let keys = frame.as_object().expect("a map").keys();
        keys.map(String::as_str).collect::<Vec<_>>().join(" ")
    });
    let kinds: BTreeSet<String> = kinds.collect();
    let expected = [
        "ack reply seq",
        "data from",
        "data from seq",
        "error id",
        "pong",
        "presence",
        "redacted",
        "renewed",
        "seq state",
        "synced",
        "welcome",
    ];
    assert_eq!(kinds, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn a_value_is_the_same_whichever_way_it_goes() {
    let server = echo().await;
    let mut json = server.join_in(Codec::Json, "alice", "r").await;
    let mut binary = server.join_in(Codec::MessagePack, "bob", "r").await;
    let all: String = (0..=0x7ff).filter_map(char::from_u32).collect();
    for value in [
        json!(u64::MAX),
        json!(i64::MIN),
        json!((1_u64 << 53) + 1),
        json!([0, -0.0, 1.0, 0.1, 1e300, 5e-324, -1.5]),
        json!({}),
        json!({"": [], "a\u{0}\u{1f600}\"\\": {"": {}}}),
        json!(all + "\u{fffd}\u{10ffff}"),
        json!(vec![json!({"a": 1}); 20]),
    ] {
        for (codec, teller) in [(Codec::Json, true), (Codec::MessagePack, false)] {
            let (one, other) = match teller {
                true => (&mut json, &mut binary),
                false => (&mut binary, &mut json),
            };
            let message = json!({"type": "Say", "value": value});
            let (before, ack) = one.ask(message).await;
            // The text tells 1 from 1.0, and 0.0 from -0.0.
            let expected = value.to_string();
            assert_eq!(ack["reply"].to_string(), expected, "{codec:?}");
            let told = other.until("seq").await.1;
            assert_eq!(told["data"].to_string(), expected, "{codec:?}");
            let event = before.iter().find(|frame| frame.get("seq").is_some());
            assert_eq!(event, Some(&told), "{codec:?}");
        }
    }
    // Four bytes of a float are the number that they are.
    binary
        .raw(Message::binary(
            &b"\x82\xa4data\x82\xa4type\xa3Say\xa5value\xca\x3d\xcc\xcc\xcd\xa2id\x64"[..],
        ))
        .await;
    assert_eq!(binary.until("ack").await.1["reply"], 0.10000000149011612);
}

#[tokio::test]
async fn a_session_goes_on_in_the_other_codec_where_it_was() {
    let server = echo().await;
    let mut alice = server.connect_in(Codec::Json, "alice", "r").await;
    let mut bob = server.join("bob", "r").await;
    let (_, welcome) = alice.until("welcome").await;
    let epoch = welcome["welcome"]["epoch"]
        .as_str()
        .expect("an epoch")
        .to_owned();
    let (_, synced) = alice.until("synced").await;
    let mut position = synced["synced"].as_u64().expect("a number");
    for (round, codec) in [Codec::MessagePack, Codec::Json, Codec::MessagePack]
        .into_iter()
        .enumerate()
    {
        // Cut, so that the seat is held.
        drop(alice);
        let (mut said, mut missed) = (Vec::new(), Vec::new());
        for n in 0..3 {
            let value = json!([round, n]);
            bob.tell(json!({"type": "Say", "value": value})).await;
            said.push(value);
        }
        let mut request = server.request_in(codec, "alice", "r");
        request.url = format!("{}?resume={epoch}-{position}", request.url);
        alice = request.connect().await.expect("accepted");
        let welcome = alice.frame().await;
        assert_eq!(welcome["welcome"]["resumed"], true, "{welcome}");
        let (events, synced) = alice.until("synced").await;
        for event in events {
            position += 1;
            assert_eq!(event["seq"], position);
            missed.push(event["data"].clone());
        }
        assert_eq!(missed, said);
        assert_eq!(synced["synced"], position);
    }
}

#[tokio::test]
async fn what_is_sent_again_in_the_same_words_is_the_same_message_in_either_codec() {
    let server = echo().await;
    let mut json = server.join_in(Codec::Json, "alice", "r").await;
    let frame =
        |text: &str| json!({"data": {"type": "Say", "value": [1, 1.5, text, "é\n\u{0}"]}, "id": 1});
    json.send(frame("a")).await;
    let first = json.until("ack").await.1;
    let mut binary = server.connect_in(Codec::MessagePack, "alice", "r").await;
    binary.until("synced").await;
    for (text, expected) in [("a", &first), ("b", &json!("conflict"))] {
        binary.send(frame(text)).await;
        let answer = binary.frame().await;
        let answer = answer["error"].get("code").unwrap_or(&answer);
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn every_wrong_frame_gets_its_answer_from_the_table() {
    let server = desk().await;
    let mut alice = server.join_in(Codec::MessagePack, "alice", "r").await;
    let _bob = server.join("bob", "r").await;
    alice.before_pong(1).await;
    let say = |text: &str| json!({"type": "Say", "text": text});
    let deep = [&b"\x82\xa4data"[..], &[0x91; 10_000], b"\x90\xa2id\x08"].concat();
    let foreign = |value: &[u8], id: u8| {
        let parts = [
            &b"\x82\xa4data\x82\xa4type\xa3Say\xa4text"[..],
            value,
            b"\xa2id",
            &[id],
        ];
        parts.concat()
    };
    for (frame, code, id) in [
        (packed(&json!({"token": "forged"})), "unauthorized", None),
        (vec![], "bad_frame", None),
        (b"\x81".to_vec(), "bad_frame", None),
        (b"nonsense".to_vec(), "bad_frame", None),
        (packed(&json!([])), "bad_frame", None),
        (
            packed(&json!([{"type": "Say", "text": "hi"}])),
            "bad_frame",
            None,
        ),
        (packed(&json!({})), "bad_frame", None),
        (packed(&json!({"id": 1})), "bad_frame", Some(1)),
        (packed(&json!({"data": 1, "id": 0})), "bad_frame", None),
        (packed(&json!({"data": 1, "id": 1.0})), "bad_frame", None),
        (
            b"\x82\xa4data\x82\xa1a\x01\xa1a\x02\xa2id\x02".to_vec(),
            "bad_frame",
            Some(2),
        ),
        (b"\x82\x01\x02\xa2id\x03".to_vec(), "bad_frame", Some(3)),
        (foreign(&[0xc4, 1, 1], 4), "bad_frame", Some(4)),
        (foreign(&[0xd4, 1, 1], 5), "bad_frame", Some(5)),
        (foreign(&[0xca, 0x7f, 0xc0, 0, 0], 6), "bad_frame", Some(6)),
        (foreign(&[0xa1, 0xff], 7), "bad_frame", Some(7)),
        (vec![0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0], "bad_frame", None),
        (deep, "bad_frame", Some(8)),
        (
            [packed(&json!({"ping": 1})), packed(&json!({"ping": 2}))].concat(),
            "bad_frame",
            None,
        ),
        (
            packed(&json!({"data": null, "id": 13})),
            "bad_message",
            Some(13),
        ),
        (
            packed(&json!({"data": {"type": "Sya"}, "id": 14})),
            "bad_message",
            Some(14),
        ),
        (
            packed(&json!({"data": {"type": "Say", "text": 5}})),
            "bad_message",
            None,
        ),
        (
            packed(&json!({"from": "bob", "data": say("hi"), "id": 15})),
            "forged_sender",
            Some(15),
        ),
        (
            packed(&json!({"data": say(&"x".repeat(17_000)), "id": 16})),
            "too_large",
            Some(16),
        ),
        (
            packed(&json!({"data": say("rude"), "id": 17})),
            "rejected",
            Some(17),
        ),
        (
            packed(&json!({"data": {"type": "Mumble"}, "id": 18})),
            "internal",
            Some(18),
        ),
        (
            packed(&json!({"data": {"type": "Stumble"}, "id": 18})),
            "conflict",
            Some(18),
        ),
    ] {
        alice.raw(Message::binary(frame.clone())).await;
        let answer = alice.frame().await;
        let frame = &frame[..frame.len().min(80)];
        assert_eq!(answer["error"]["code"], code, "{frame:x?}: {answer}");
        assert_eq!(answer.get("id").and_then(Value::as_u64), id, "{frame:x?}");
    }
    // What is not of the codec is told what the codec is.
    alice
        .raw(Message::text(json!({"ping": 1}).to_string()))
        .await;
    let error = &alice.frame().await["error"];
    assert_eq!(error["code"], "bad_frame");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|words| words.contains("MessagePack"))
    );
    for id in 100..170 {
        alice.send(json!({"data": say("on"), "id": id})).await;
        alice.until("ack").await;
    }
    alice.send(json!({"data": say("rude"), "id": 17})).await;
    assert_eq!(alice.until("error").await.1["error"]["code"], "stale_id");
    let mut carol = server.join_in(Codec::MessagePack, "carol", "r").await;
    assert_eq!(carol.refused(say("hi")).await, "spectator");
}

#[tokio::test]
async fn a_frame_has_the_size_that_it_was_sent_with() {
    let server = desk().await;
    let mut alice = server.join_in(Codec::MessagePack, "alice", "r").await;
    // In JSON it would have six times as many bytes as it may.
    let text = "\u{1}".repeat(16_000);
    let (before, ack) = alice.ask(json!({"type": "Say", "text": text})).await;
    assert_eq!(before[0]["data"]["text"], text);
    assert!(ack.get("ack").is_some(), "{ack}");
    let rest = "\u{1}".repeat(16 * 1024);
    assert_eq!(
        alice.refused(json!({"type": "Say", "text": rest})).await,
        "too_large"
    );
    alice.raw(Message::binary(vec![0xc0; 4_000_000])).await;
    assert_eq!(alice.closed().await, Some(1009));
}

#[tokio::test]
async fn what_is_too_much_is_refused_by_its_id_and_a_ban_is_a_ban() {
    let limits = |ban| MessageLimits {
        max_messages_per_window: 1,
        window_duration: Duration::from_secs(3600),
        ban_duration: ban,
        ..Default::default()
    };
    for (ban, code) in [(0, "rate_limited"), (3600, "banned")] {
        let limits = limits(Duration::from_secs(ban));
        let server =
            TestServer::start(|server| server.with_game::<Desk>().with_limits(limits)).await;
        let mut alice = server.join_in(Codec::MessagePack, "alice", "r").await;
        alice.send(json!({"ping": 1})).await;
        alice.until("pong").await;
        assert_eq!(alice.refused(json!({"type": "Clap"})).await, code);
        if ban > 0 {
            assert_eq!(alice.closed().await, Some(4008));
        } else {
            // Of a frame that is no message, too.
            alice
                .raw(Message::binary(&b"\x82\xa4data\xc4\x00\xa2id\x63"[..]))
                .await;
            let answer = alice.frame().await;
            assert_eq!(
                (&answer["id"], &answer["error"]["code"]),
                (&json!(99), &json!(code))
            );
        }
    }
}

#[tokio::test]
async fn who_is_refused_the_room_is_told_why_in_its_codec() {
    let server = desk().await;
    let mut intruder = server.connect_in(Codec::MessagePack, "intruder", "r").await;
    let (_, error) = intruder.until("error").await;
    assert_eq!(error["error"]["message"], "not you");
    assert_eq!(intruder.closed().await, Some(4003));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_random_and_mutated_frames_are_each_answered_and_end_nothing() {
    let good = [
        json!({"data": {"type": "Say", "text": "hi"}, "id": 7}),
        json!({"from": "alice", "data": {"type": "Whisper", "text": "\u{e9}\n"}, "id": 9}),
        json!({"data": {"type": "Shout", "bytes": 3}, "id": 8, "extra": [1, {"a": null}]}),
        json!({"ping": 3}),
    ];
    let mut rng = StdRng::seed_from_u64(8);
    let server = desk().await;
    let mut alice = server.join_in(Codec::MessagePack, "alice", "r").await;
    for n in 0..10_000_u64 {
        let mut frame = if n % 2 == 0 {
            packed(&good[rng.random_range(0..good.len())])
        } else {
            let length = rng.random_range(1..64);
            (0..length).map(|_| rng.random()).collect()
        };
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..frame.len());
            match rng.random_range(0..3) {
                0 if frame.len() > 1 => drop(frame.remove(at)),
                1 => frame.insert(at, rng.random()),
                _ => frame[at] = rng.random(),
            }
        }
        let read: Value = rmp_serde::from_slice(&frame).unwrap_or_default();
        let is_silent = read["data"]["type"] == "Whisper" && read["id"].is_null();
        alice.raw(Message::binary(frame.clone())).await;
        let answers = alice.before_pong(1_000_000 + n).await;
        assert!(is_silent || !answers.is_empty(), "{frame:x?}");
        let settled = answers
            .iter()
            .filter(|answer| answer.get("error").is_some() || answer.get("ack").is_some());
        assert!(settled.count() <= 1, "{frame:x?}: {answers:?}");
    }
    let mut bob = server.join("bob", "r").await;
    bob.tell(json!({"type": "Say", "text": "fine"})).await;
}
