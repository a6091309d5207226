//! Both directions, against a codec that is not our own.

use super::{from_json, to_json};
use crate::protocol::{Incoming, json::MAX_DEPTH};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Any JSON value, at most so many levels deep.
fn any_value(rng: &mut StdRng, depth: usize) -> Value {
    match rng.random_range(0..if depth == 0 { 7 } else { 9 }) {
        0 => Value::Null,
        1 => rng.random::<bool>().into(),
        // Every length of an integer is as likely.
        2 => (rng.random::<u64>() >> rng.random_range(0..64)).into(),
        3 => (rng.random::<i64>() >> rng.random_range(0..64)).into(),
        4 => loop {
            let number = Value::from(f64::from_bits(rng.random()));
            // The parser that these tests read JSON with may be wrong about the last digits.
            let read: Value = serde_json::from_str(&number.to_string()).unwrap();
            if read == number {
                return number;
            }
        },
        5 => f64::from(rng.random_range(-1000_i32..1000) as f32 / 8.0).into(),
        6 => any_text(rng).into(),
        7 => (0..any_length(rng))
            .map(|_| any_value(rng, depth - 1))
            .collect(),
        _ => {
            let entries = (0..any_length(rng)).map(|_| (any_text(rng), any_value(rng, depth - 1)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn any_length(rng: &mut StdRng) -> usize {
    match rng.random_range(0..20) {
        0 => rng.random_range(14..20),
        _ => rng.random_range(0..5),
    }
}

fn any_text(rng: &mut StdRng) -> String {
    let length = match rng.random_range(0..20) {
        0 => rng.random_range(200..300),
        1 => rng.random_range(28..36),
        _ => rng.random_range(0..8),
    };
    let any = |_| match rng.random_range(0..6) {
        0 => char::from(rng.random_range(0..32_u8)),
        1 => ['"', '\\', '/', '\u{7f}', '\u{2028}'][rng.random_range(0..5)],
        2 => rng.random(),
        _ => char::from(rng.random_range(32..127_u8)),
    };
    (0..length).map(any).collect()
}

fn decoded(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = rmp_serde::from_read(&mut rest).unwrap();
    assert!(rest.is_empty(), "{rest:?} after {value}");
    value
}

fn why(bytes: &[u8]) -> String {
    to_json(bytes).unwrap_err().why
}

/// The same value, with the same kinds of numbers: `-0.0` is not `0.0`.
fn is_same(a: &Value, b: &Value) -> bool {
    let [a, b] = [a, b].map(Value::to_string);
    a == b
}

#[test]
fn what_is_written_is_read_by_others_as_it_was_and_so_is_what_others_write() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..5000 {
        let value = any_value(&mut rng, 4);
        let text = if rng.random() {
            value.to_string()
        } else {
            serde_json::to_string_pretty(&value).unwrap()
        };
        let bytes = from_json(&text);
        assert!(is_same(&decoded(&bytes), &value), "{text}");
        assert!(bytes.len() <= text.len() * 9 / 4, "{text}: {bytes:?}");

        let theirs = rmp_serde::to_vec(&value).unwrap();
        let text = to_json(&theirs).unwrap();
        assert!(text.len() <= 6 * theirs.len(), "{text}");
        assert_eq!(text, value.to_string());
    }
}

#[test]
fn a_number_stays_the_number_that_it_is() {
    for (text, bytes) in [
        ("0", &[0x00][..]),
        ("127", &[0x7f]),
        ("128", &[0xcc, 0x80]),
        ("-1", &[0xff]),
        ("-33", &[0xd0, 0xdf]),
        ("9007199254740993", &[0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1]),
        (
            "18446744073709551615",
            &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        ("-9223372036854775808", &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ("1.0", &[0xca, 0x3f, 0x80, 0, 0]),
        ("-0.0", &[0xca, 0x80, 0, 0, 0]),
        (
            "0.1",
            &[0xcb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
        ),
        // One more than the greatest integer there is.
        ("18446744073709551616.0", &[0xca, 0x5f, 0x80, 0, 0]),
        ("5e-324", &[0xcb, 0, 0, 0, 0, 0, 0, 0, 1]),
    ] {
        assert_eq!(from_json(text), bytes, "{text}");
        let read = to_json(bytes).unwrap();
        let (read, written): (Value, Value) = (
            serde_json::from_str(&read).unwrap(),
            serde_json::from_str(text).unwrap(),
        );
        assert!(is_same(&read, &written), "{text} is read as {read}");
    }
    assert_eq!(from_json("-0"), from_json("-0.0"));
    assert_eq!(
        from_json("18446744073709551616"),
        from_json("18446744073709551616.0")
    );
    assert_eq!(from_json("1e2"), from_json("100.0"));
    // What is not among the floats of four bytes is what those are nearest to.
    assert_eq!(
        to_json(&[0xca, 0x3d, 0xcc, 0xcc, 0xcd]).unwrap(),
        "0.10000000149011612"
    );
}

#[test]
fn a_float_is_read_to_its_last_digit() {
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..20_000 {
        let number = f64::from_bits(rng.random());
        if number.is_finite() {
            let bytes = from_json(&serde_json::to_string(&number).unwrap());
            assert_eq!(
                rmp_serde::from_slice::<f64>(&bytes).unwrap().to_bits(),
                number.to_bits()
            );
        }
    }
}

#[test]
fn containers_and_strings_of_every_length_have_their_headers() {
    for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let text = "x".repeat(length);
        let map: Map<_, _> = (0..length).map(|n| (n.to_string(), json!([n]))).collect();
        // Headers that grow move what comes after them, and what is around them.
        let value = json!([text, vec![0; length], {"a": map, &text: [[]]}, {}, [], "end"]);
        let bytes = from_json(&value.to_string());
        assert_eq!(decoded(&bytes), value, "{length}");
        assert_eq!(bytes, rmp_serde::to_vec(&value).unwrap(), "{length}");
        assert_eq!(to_json(&bytes).unwrap(), value.to_string(), "{length}");
    }
}

#[test]
fn what_the_server_says_may_be_nested_as_deep_as_it_likes() {
    let text = "[".repeat(100_000) + &"]".repeat(100_000);
    let bytes = from_json(&text);
    assert_eq!(bytes.len(), 100_000);
    assert_eq!((bytes[0], bytes[99_999]), (0x91, 0x90));
}

#[test]
fn raw_json_of_a_game_that_no_codec_should_have_is_still_something() {
    assert_eq!(
        decoded(&from_json(r#"["\ud800", "\u0000\ud83d\ude00"]"#)),
        json!(["\u{fffd}", "\0😀"])
    );
    assert_eq!(from_json("1e999"), [0xca, 0x7f, 0x80, 0, 0]);
    for broken in [
        "",
        "{",
        "}",
        "\"",
        "\"\\",
        "[\"a",
        "nul",
        "é",
        "[1,,é]]",
        "{\"a\":[}",
    ] {
        from_json(broken); // it ends, and does not panic
    }
}

fn nested(levels: usize) -> Vec<u8> {
    [vec![0x91; levels - 1], vec![0x90]].concat()
}

#[test]
fn a_frame_may_be_64_levels_deep_and_no_deeper() {
    assert!(to_json(&nested(MAX_DEPTH)).is_ok());
    assert!(why(&nested(MAX_DEPTH + 1)).contains("deeper than 64"));
    assert!(why(&nested(100_000)).contains("deeper than 64"));
    let maps = [0x81, 0xa1, b'a'].repeat(100_000);
    assert!(why(&maps).contains("ends within a value"));
}

#[test]
fn lengths_that_lie_cost_nothing() {
    let start = Instant::now();
    for head in [0xdb, 0xdd, 0xdf, 0xc6, 0xc9] {
        let lie = [head, 0xff, 0xff, 0xff, 0xff, 0xa1];
        for _ in 0..1000 {
            assert!(why(&lie).contains("ends within a value"));
        }
        // The same where it is passed over for its depth.
        let deep = [vec![0x91; MAX_DEPTH + 1], lie.repeat(1000)].concat();
        assert!(why(&deep).contains("ends within a value"));
    }
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn what_json_cannot_say_is_refused_and_the_id_is_found() {
    let frame = |inside: &[u8]| {
        let parts = [&b"\x82\xa4data\x81\xa1x"[..], inside, b"\xa2id\x07"];
        parts.concat()
    };
    assert_eq!(to_json(&frame(&[1])).unwrap(), r#"{"data":{"x":1},"id":7}"#);
    for (inside, words) in [
        (&[0xc4, 1, 9][..], "bytes (`bin`)"),
        (&[0xc5, 0, 1, 9], "bytes (`bin`)"),
        (&[0xc6, 0, 0, 0, 1, 9], "bytes (`bin`)"),
        (&[0xd4, 5, 9], "extensions (`ext`)"),
        (&[0xd6, 0xff, 0, 0, 0, 0], "extensions (`ext`)"),
        (
            &[
                0xd8, 5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
            ],
            "extensions (`ext`)",
        ),
        (&[0xc7, 0, 5], "extensions (`ext`)"),
        (&[0xc8, 0, 2, 5, 9, 9], "extensions (`ext`)"),
        (&[0xc1], "`0xc1`"),
        (&[0xca, 0x7f, 0xc0, 0, 0], "JSON has no NaN"),
        (&[0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], "JSON has no inf"),
        (&[0xa1, 0xff], "not UTF-8"),
        (&[0xa3, 0xed, 0xa0, 0x80], "not UTF-8"),
        (&[0x81, 1, 2], "keys are strings"),
        (&[0x81, 0xc4, 1, b'k', 2], "keys are strings"),
        (&[0x82, 0x92, 1, 0x81, 1, 1, 2, 0xc0, 3], "keys are strings"),
        (&nested(MAX_DEPTH), "nested deeper"),
    ] {
        let error = to_json(&frame(inside)).unwrap_err();
        assert!(error.why.contains(words), "{inside:x?}: {}", error.why);
        assert_eq!(error.id, Some(7), "{inside:x?}");
    }
    let two = [frame(&[1]), frame(&[2])].concat();
    let error = to_json(&two).unwrap_err();
    assert!(error.why.contains("comes after"), "{}", error.why);
    for end in 0..two.len() / 2 {
        assert!(why(&two[..end]).contains("ends within"), "{end} bytes");
    }
}

#[test]
fn a_key_twice_is_found_like_in_json() {
    let text = to_json(b"\x82\xa4data\x82\xa1a\x01\xa1a\x02\xa2id\x07").unwrap();
    let error = Incoming::parse(&text).unwrap_err();
    assert!(error.why.contains("`a` is there twice"), "{}", error.why);
    assert_eq!(error.id, Some(7));
}

#[test]
fn no_frame_is_a_bomb_and_none_takes_long() {
    let start = Instant::now();
    let mut rng = StdRng::seed_from_u64(3);
    for round in 0..20_000 {
        let mut bytes: Vec<u8> = if round % 2 == 0 {
            let length = rng.random_range(0..200);
            (0..length).map(|_| rng.random()).collect()
        } else {
            rmp_serde::to_vec(&any_value(&mut rng, 3)).unwrap()
        };
        for _ in 0..rng.random_range(0..4) {
            if let Some(last) = bytes.len().checked_sub(1) {
                bytes[rng.random_range(0..=last)] = rng.random();
            }
        }
        if let Ok(text) = to_json(&bytes) {
            assert!(text.len() <= 6 * bytes.len(), "{bytes:x?}");
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
            let (read, expected) = (decoded(&from_json(&text)), decoded(&bytes));
            assert!(is_same(&read, &expected), "{read} is not {expected}");
        }
    }
    // The worst there is: a byte each.
    let mut all_false = vec![0xdd, 0, 1, 0, 0];
    all_false.resize(5 + 65_536, 0xc2);
    assert!(to_json(&all_false).unwrap().len() <= 6 * all_false.len());
    let mut control = vec![0xdb, 0, 1, 0, 0];
    control.resize(5 + 65_536, 0x01);
    assert!(to_json(&control).unwrap().len() <= 6 * control.len());
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}
