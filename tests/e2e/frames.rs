//! Frames that are not, or should not be: written out by hand, byte by byte.

use crate::bystander::{ROOM, Scene};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::collections::BTreeMap;
use tapaculo_tests::wire::{
    BINARY, CLOSE, CONTINUE, Heard, LAST, PING, PONG, RSV1, RSV2, RSV3, TEXT, Wire, announced,
    frame, unmasked,
};

/// A message that everybody hears.
const SAY: &[u8] = br#"{"data": {"type": "Say", "text": "hi"}, "id": 1}"#;

/// How long a frame may be where messages have at most 16 KiB.
const HARD_LIMIT: usize = 64 * 1024;

/// Sends bytes over a connection of their own, and answers with the code that they are closed
/// with.
async fn code_for(scene: &Scene, bytes: &[u8]) -> Option<u16> {
    let mut alice = Wire::join(&scene.server, "alice", ROOM).await;
    alice.try_send(bytes).await;
    alice.closed().await
}

#[tokio::test]
async fn reserved_bits_and_opcodes_close_with_1002() {
    let scene = Scene::set().await;
    for bits in [RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3] {
        for opcode in [TEXT, BINARY, PING] {
            let bytes = frame(LAST | bits | opcode, SAY);
            let code = code_for(&scene, &bytes).await;
            assert_eq!(code, Some(1002), "{bits:#x} of {opcode:#x}");
        }
    }
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        let code = code_for(&scene, &frame(LAST | opcode, SAY)).await;
        assert_eq!(code, Some(1002), "{opcode:#x}");
        // Also in the middle of a message.
        let mut bytes = frame(TEXT, &SAY[..5]);
        bytes.extend(frame(LAST | opcode, &SAY[5..]));
        assert_eq!(code_for(&scene, &bytes).await, Some(1002), "{opcode:#x}");
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_frame_that_is_not_masked_closes_with_1002() {
    let scene = Scene::set().await;
    for first in [LAST | TEXT, LAST | BINARY, LAST | PING, LAST | CLOSE, TEXT] {
        let code = code_for(&scene, &unmasked(first, SAY)).await;
        assert_eq!(code, Some(1002), "{first:#x}");
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_control_frame_that_is_too_long_or_in_parts_closes_with_1002() {
    let scene = Scene::set().await;
    for opcode in [PING, PONG, CLOSE] {
        for length in [126, 1000, 65_000] {
            let code = code_for(&scene, &frame(LAST | opcode, &vec![3; length])).await;
            assert_eq!(code, Some(1002), "{opcode:#x} of {length}");
        }
        let code = code_for(&scene, &frame(opcode, b"\x03\xe8")).await;
        assert_eq!(code, Some(1002), "{opcode:#x} that is not the last");
    }
    // A goodbye of half a code.
    assert_eq!(
        code_for(&scene, &frame(LAST | CLOSE, b"\x03")).await,
        Some(1002)
    );
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_ping_of_125_bytes_is_answered_with_the_same() {
    let scene = Scene::set().await;
    let mut alice = Wire::join(&scene.server, "alice", ROOM).await;
    alice.send(&frame(LAST | PING, &[7; 125])).await;
    assert_eq!(alice.next().await, Heard::Pong(vec![7; 125]));
}

#[tokio::test]
async fn a_part_of_no_message_and_a_message_within_another_close_with_1002() {
    let scene = Scene::set().await;
    for first in [CONTINUE, LAST | CONTINUE] {
        let code = code_for(&scene, &frame(first, SAY)).await;
        assert_eq!(code, Some(1002), "{first:#x}");
    }
    for first in [TEXT, BINARY, LAST | TEXT, LAST | BINARY] {
        let mut bytes = frame(TEXT, b"{\"data\": ");
        bytes.extend(frame(first, SAY));
        assert_eq!(code_for(&scene, &bytes).await, Some(1002), "{first:#x}");
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_frame_of_a_gigabyte_is_refused_as_soon_as_it_is_announced() {
    let scene = Scene::set().await;
    let beyond = HARD_LIMIT as u64 + 1;
    for length in [beyond, 1 << 30, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX] {
        for first in [LAST | TEXT, LAST | BINARY, TEXT] {
            // None of it ever comes.
            let code = code_for(&scene, &announced(first, length)).await;
            assert_eq!(code, Some(1009), "{length} as {first:#x}");
        }
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_message_in_ten_thousand_fragments_is_one_message() {
    let scene = Scene::set().await;
    let mut alice = Wire::join(&scene.server, "alice", ROOM).await;
    let text = "x".repeat(10_000 - SAY.len() - 1);
    let say = json!({"data": {"type": "Whisper", "text": text}, "id": 1}).to_string();
    let say = say.as_bytes();
    let mut bytes = frame(TEXT, &[]);
    for (at, byte) in say.iter().enumerate() {
        bytes.extend(frame(CONTINUE, &[*byte]));
        if at % 1000 == 0 {
            // Pings come through in between.
            bytes.extend(frame(LAST | PING, &[]));
        }
    }
    bytes.extend(frame(LAST | CONTINUE, &[]));
    alice.send(&bytes).await;
    let mut pongs = 0;
    loop {
        match alice.next().await {
            Heard::Pong(_) => pongs += 1,
            Heard::Frame(frame) => {
                assert_eq!(frame["ack"], 1);
                break;
            }
            end => panic!("{end:?}"),
        }
    }
    // Of pings that come at once the last may stand for all.
    assert!(pongs >= 1);
}

#[tokio::test]
async fn fragments_without_end_close_with_1009_once_they_are_too_much() {
    let scene = Scene::set().await;
    for length in [1, 1000] {
        let mut alice = Wire::join(&scene.server, "alice", ROOM).await;
        alice.send(&frame(TEXT, b"{\"data\": \"")).await;
        let fragments = frame(CONTINUE, &vec![b'x'; length]).repeat(1000 / length);
        let mut sent = 0;
        while sent < 100 * HARD_LIMIT && alice.try_send(&fragments).await {
            sent += 1000;
        }
        assert_eq!(alice.closed().await, Some(1009), "of {length}");
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_text_is_utf8_or_closes_with_1007_wherever_it_is_cut() {
    let scene = Scene::set().await;
    let bad: [&[u8]; 10] = [
        b"\xff",
        b"\xc3\x28",
        b"\x80",
        b"\xc0\x80",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xed\xa0\xbd\xed\xb8\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xe2\x82",
    ];
    for bad in bad {
        let text = [br#"{"data": {"type": "Say", "text": ""#, bad, br#""}}"#].concat();
        let code = code_for(&scene, &frame(LAST | TEXT, &text)).await;
        assert_eq!(code, Some(1007), "{bad:x?}");
        for at in 0..text.len() {
            if at % 7 != 0 && !(30..text.len()).contains(&at) {
                continue;
            }
            let mut bytes = frame(TEXT, &text[..at]);
            bytes.extend(frame(LAST | CONTINUE, &text[at..]));
            let code = code_for(&scene, &bytes).await;
            assert_eq!(code, Some(1007), "{bad:x?} cut at {at}");
        }
        let goodbye = [b"\x03\xe8", bad].concat();
        let code = code_for(&scene, &frame(LAST | CLOSE, &goodbye)).await;
        assert_eq!(code, Some(1007), "{bad:x?} in a goodbye");
    }
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn a_text_that_is_cut_within_its_characters_is_whole_again() {
    let mut scene = Scene::set().await;
    let mut alice = Wire::join(&scene.server, "alice", ROOM).await;
    let said = "é€😀";
    let text = json!({"data": {"type": "Say", "text": said}, "id": 1}).to_string();
    let mut parts = text.as_bytes().chunks(1);
    alice
        .send(&frame(TEXT, parts.next().expect("a part")))
        .await;
    for part in parts {
        alice.send(&frame(CONTINUE, part)).await;
    }
    alice.send(&frame(LAST | CONTINUE, &[])).await;
    assert_eq!(alice.until("ack").await["ack"], 1);
    assert_eq!(scene.overheard().await[0]["data"]["text"], said);
}

#[tokio::test]
async fn compression_is_never_accepted_and_a_compressed_frame_closes_with_1002() {
    let scene = Scene::set().await;
    // "Hello", compressed, as RFC 7692, section 7.2.3.1 has it.
    let hello = frame(LAST | RSV1 | TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "x-webkit-deflate-frame",
        "permessage-bzip2, PERMESSAGE-DEFLATE",
        "permessage-deflate\r\nSec-WebSocket-Extensions: x-webkit-deflate-frame",
        ";;;,,,\"",
    ] {
        let fields = format!("Sec-WebSocket-Extensions: {offer}\r\n");
        let mut alice = Wire::connect(&scene.server, "alice", ROOM, &fields).await;
        let head = alice.head().to_lowercase();
        assert!(
            !head.contains("sec-websocket-extensions"),
            "{offer}: {head}"
        );
        alice.until("synced").await;
        alice.send(&hello).await;
        assert_eq!(alice.closed().await, Some(1002), "{offer}");
    }
    scene.ends_unharmed().await;
}

/// Bytes that are no frames, or hardly.
fn noise(rng: &mut StdRng) -> Vec<u8> {
    if rng.random() {
        let length = rng.random_range(0..200);
        return (0..length).map(|_| rng.random()).collect();
    }
    let mut bytes = frame(LAST | TEXT, br#"{"ping": 77}"#).repeat(3);
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len());
        bytes[at] = rng.random();
    }
    bytes
}

#[tokio::test]
async fn random_bytes_end_with_a_code_for_them_or_wait_for_more() {
    let mut rng = StdRng::seed_from_u64(11);
    let scene = Scene::set().await;
    let mut codes = BTreeMap::new();
    for _ in 0..1000 {
        let bytes = noise(&mut rng);
        let mut alice = Wire::join(&scene.server, "alice", ROOM).await;
        alice.try_send(&bytes).await;
        // What waits for more learns that there is none.
        alice.finish().await;
        let code = loop {
            match alice.next().await {
                Heard::Frame(frame) => {
                    let answered = frame.get("error").is_some() || frame.get("pong").is_some();
                    assert!(answered, "{bytes:x?}: {frame}");
                }
                Heard::Pong(_) => {}
                Heard::Close(code) => break code,
                Heard::End => break None,
            }
        };
        *codes.entry(code).or_insert(0) += 1;
    }
    let known = [None, Some(1002), Some(1007), Some(1009)];
    assert!(codes.keys().all(|code| known.contains(code)), "{codes:?}");
    assert!(codes.len() == known.len(), "some never came: {codes:?}");
    scene.ends_unharmed().await;
}

#[tokio::test]
async fn what_follows_a_goodbye_is_not_heard() {
    let scene = Scene::set().await;
    let mut alice = Wire::join(&scene.server, "alice", ROOM).await;
    let mut bytes = frame(LAST | CLOSE, b"\x03\xe8");
    bytes.extend(frame(LAST | TEXT, SAY));
    bytes.extend(frame(LAST | PING, b"anyone?"));
    alice.send(&bytes).await;
    assert_eq!(alice.closed().await, Some(1000));
    scene.ends_unharmed().await;
}
