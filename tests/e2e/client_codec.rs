//! What `/tapaculo.js` makes of MessagePack, against a codec that is not our own.

use crate::msgpack::Echo;
use axum::{Router, response::Html, routing::get};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Map, Value, json};
use tapaculo_tests::{
    browser::Browser,
    codec::{Codec, unpacked},
    server::TestServer,
};

/// The client's codec is its own affair: this is how a test gets at it.
const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<script type="module">
  import { connect } from "/tapaculo.js";
  const source = await (await fetch("/tapaculo.js")).text();
  const inside = new Blob([source, "\nexport { pack, unpack };"], { type: "text/javascript" });
  window.codec = await import(URL.createObjectURL(inside));
  window.toHex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
  window.fromHex = hex => new Uint8Array((hex.match(/../g) ?? []).map(byte => parseInt(byte, 16))).buffer;
  /** Which text tells -0 from 0. */
  window.textOf = value => JSON.stringify(value, (_, one) => (Object.is(one, -0) ? "-0.0" : one));
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...how) {
      super(...how);
      sockets.push(this);
    }
  };
  window.connect = connect;
</script>
"#;

struct Page {
    server: TestServer,
    browser: Browser,
}

async fn page() -> Page {
    let server = TestServer::start(|server| {
        let routes = Router::new().route("/", get(async || Html(PAGE)));
        server.with_game::<Echo>().with_routes(routes)
    })
    .await;
    let browser = Browser::start().await;
    browser.visit(&format!("http://{}/", server.address)).await;
    browser.until("'connect' in window").await;
    Page { server, browser }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let bytes = digits.map(|two| u8::from_str_radix(str::from_utf8(two).expect("hex"), 16));
    bytes.map(|byte| byte.expect("hex")).collect()
}

/// Any value that a browser's numbers can say.
fn any_value(rng: &mut StdRng, depth: usize) -> Value {
    match rng.random_range(0..if depth == 0 { 6 } else { 8 }) {
        0 => [Value::Null, true.into(), false.into()][rng.random_range(0..3)].clone(),
        1 => (rng.random::<u64>() >> rng.random_range(11..64)).into(),
        2 => (rng.random::<i64>() >> rng.random_range(11..64)).into(),
        3 => (f64::from(rng.random::<i32>()) + 0.5).into(),
        4 => (f64::from(rng.random::<u32>() | 1) / 1024.0 / 4_294_967_296.0).into(),
        5 => any_text(rng).into(),
        6 => (0..rng.random_range(0..18))
            .map(|_| any_value(rng, depth - 1))
            .collect(),
        _ => {
            let entries = (0..rng.random_range(0..18)).map(|_| {
                // A browser has keys that are numbers in another order.
                let key = format!("k{}", any_text(rng));
                (key, any_value(rng, depth - 1))
            });
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn any_text(rng: &mut StdRng) -> String {
    let length = [3, 8, 31, 32, 255, 256][rng.random_range(0..6)];
    let any = |_| match rng.random_range(0..8) {
        0 => char::from(rng.random_range(0..32_u8)),
        1 => rng.random(),
        _ => char::from(rng.random_range(32..127_u8)),
    };
    (0..length).map(any).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_is_read_as_json_would_be_and_what_is_written_is_read_by_others() {
    let page = page().await;
    let mut rng = StdRng::seed_from_u64(4);
    let mut values: Vec<Value> = (0..100).map(|_| any_value(&mut rng, 3)).collect();
    for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        values.push("x".repeat(length).into());
        values.push(vec![7; length].into());
        values.push(Value::Object(
            (0..length).map(|n| (format!("k{n}"), n.into())).collect(),
        ));
    }
    for edge in [0, 7, 8, 15, 16, 31, 32, 52, 53] {
        let edge = 1_i64 << edge;
        for number in [edge - 1, edge, edge + 1].map(|number| number.min(1 << 53)) {
            values.extend([Value::from(number), Value::from(-number)]);
        }
    }
    values.extend([
        json!(1_u64 << 63),
        json!(-(1_i64 << 62)),
        json!([0.1, -0.5, 1e300, 5e-324, 1e100]),
        json!({"__proto__": {"x": 1}, "": {}, "\u{feff}a\u{0}": "\u{feff}\u{0}\u{10ffff}\u{2028}"}),
    ]);
    for value in values {
        // As Chromium's own parser has it, for both.
        let text = value.to_string();
        let script = "const value = JSON.parse(arguments[0]);
            const read = codec.unpack(fromHex(arguments[1]));
            const again = codec.unpack(codec.pack(value).slice().buffer);
            return [textOf(read) === textOf(value), textOf(again) === textOf(value), toHex(codec.pack(value))]";
        let bytes = rmp_serde::to_vec(&value).expect("any JSON");
        let result = page
            .browser
            .run(script, &[json!(text), json!(hex(&bytes))])
            .await;
        let start: String = text.chars().take(100).collect();
        assert_eq!(
            (&result[0], &result[1]),
            (&json!(true), &json!(true)),
            "{start}"
        );
        let written = from_hex(result[2].as_str().expect("hex"));
        let read = unpacked(&written);
        assert_eq!(read, value, "{start}");
        // Nobody writes it shorter, but for floats.
        assert!(written.len() <= bytes.len(), "{start}");
    }
    page.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_those_of_json_in_a_browser() {
    let page = page().await;
    for (bytes, text) in [
        ("ca3f800000", "1"),
        ("ca80000000", "-0"),
        ("cb3fb999999999999a", "0.1"),
        // Not as short as they may be.
        ("cf0000000000000007", "7"),
        ("d3ffffffffffffffff", "-1"),
        ("db0000000161", "\"a\""),
        ("dd00000001c0", "[null]"),
        ("df00000001a161c3", "{\"a\": true}"),
        // Beyond 2 ** 53 they are rounded.
        ("cf0020000000000001", "9007199254740993"),
        ("cfffffffffffffffff", "18446744073709551615"),
        ("d38000000000000001", "-9223372036854775807"),
    ] {
        let script = "return textOf(codec.unpack(fromHex(arguments[0]))) === textOf(JSON.parse(arguments[1]))";
        let is_same = page.browser.run(script, &[json!(bytes), json!(text)]).await;
        assert_eq!(is_same, true, "{bytes} is not {text}");
    }
    // What a browser calls whole is whole for the server, as it is in JSON.
    for (number, bytes) in [
        ("9007199254740992", "cf0020000000000000"),
        ("18446744073709549568", "cffffffffffffff800"),
        ("-9223372036854775808", "d38000000000000000"),
        ("18446744073709551616", "ca5f800000"),
        ("-0", "ca80000000"),
    ] {
        let script = "return toHex(codec.pack(JSON.parse(arguments[0])))";
        assert_eq!(
            page.browser.run(script, &[json!(number)]).await,
            bytes,
            "{number}"
        );
    }
    page.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_frame_is_refused_at_once() {
    let page = page().await;
    let deep = |levels: usize| [vec![0x91; levels - 1], vec![0x90]].concat();
    let mut bad: Vec<Vec<u8>> = [
        &b""[..],
        b"\x81",
        b"\x81\xa1a",
        b"\xa5abcd",
        b"\xd9",
        b"\x01\x02",
        b"\xa1\xff",
        b"\xa3\xed\xa0\x80",
        b"\x81\x01\x02",
        b"\xc1",
        b"\xc4\x00",
        b"\xd4\x01\x01",
        b"\xc7\x00\x01",
        b"\xdb\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff\xc0",
        b"\xdf\xff\xff\xff\xff\xa1a\xc0",
        b"\xdd\x7f\xff\xff\xff\xdd\x7f\xff\xff\xff",
    ]
    .map(<[u8]>::to_vec)
    .into();
    bad.push(deep(1001));
    bad.push(deep(1_000_000));
    let whole = rmp_serde::to_vec(&json!({"a": [1, 2.5, "text", {"b": null}], "c": 70_000}));
    let whole = whole.expect("any JSON");
    bad.extend((0..whole.len()).map(|end| whole[..end].to_vec()));
    let script = "const start = performance.now();
        const wrong = arguments[0].filter(hex => {
          try { codec.unpack(fromHex(hex)); return true; } catch { return false; }
        });
        return [wrong, performance.now() - start < 2000]";
    let bad: Vec<_> = bad.iter().map(|bytes| hex(bytes)).collect();
    let refused = page.browser.run(script, &[json!(bad)]).await;
    assert_eq!(refused, json!([[], true]));
    let script = "return textOf(codec.unpack(fromHex(arguments[0]))).length";
    let read = page.browser.run(script, &[json!(hex(&deep(1000)))]).await;
    assert_eq!(read, 2000);
    page.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_the_same_in_either_codec_and_no_other_is_taken() {
    let page = page().await;
    let script = "window.both = {};
        for (const [codec, token] of Object.entries(arguments[0])) {
          const told = (window.both[codec] = { events: [], replies: [], state: [] });
          const room = connect({
            token,
            codec,
            onState: state => { told.state.push(textOf(state)); },
            onEvent: (event, meta) => { told.events.push(textOf([event, meta])); },
            onStatus: status => { told.status = status; },
          });
          told.say = value => room.send({ type: 'Say', value })
            .then(reply => { told.replies.push(textOf(reply)); }, error => { told.replies.push(error.message); });
        }";
    let tokens = json!({
        "json": page.server.token("alice", "r"),
        "msgpack": page.server.token("bob", "r"),
    });
    page.browser.run(script, &[tokens]).await;
    page.browser
        .until("both.json.status === 'connected' && both.msgpack.status === 'connected'")
        .await;
    // The server takes no frame of the other codec.
    let protocols = "return sockets.map(socket => socket.protocol).sort()";
    let protocols = page.browser.run(protocols, &[]).await;
    assert_eq!(protocols, json!(Codec::ALL.map(Codec::protocol)));
    // Each is said by both, once one has its answer.
    let script = "window.done = false;
        const values = [undefined, null, -0, 0.1, 1 / 3, 2 ** 53 + 2, 1e21, new Date(0), [undefined, () => 1], { a: undefined, b: NaN },
          '\\ufeff\\0😀', 'x'.repeat(3000), Array(300).fill({ y: [1.5] }), { toJSON: () => ({ z: -1 }) },
          JSON.parse('{\"__proto__\": 1}')];
        (async () => {
          for (const value of values) {
            await both.json.say(value);
            await both.msgpack.say(value);
          }
          window.done = values.length;
        })()";
    page.browser.run(script, &[]).await;
    let said = page.browser.until("done").await.as_u64().expect("a number");
    let same = "both.json.events.length === both.msgpack.events.length && both.json.events.length";
    // A volatile event and another for each; there is nothing to say in `undefined`.
    let events = 4 * (said - 1);
    page.browser.until(&format!("{same} === {events}")).await;
    for what in ["events", "replies", "state"] {
        let json = page
            .browser
            .run(&format!("return both.json.{what}"), &[])
            .await;
        let packed = page
            .browser
            .run(&format!("return both.msgpack.{what}"), &[])
            .await;
        let told = |told: Value| {
            // Who said it and its number are another thing.
            let told = told.as_array().expect("a list").clone();
            told.into_iter().map(|one| one.as_str().map(str::to_owned))
        };
        assert!(told(json).eq(told(packed)), "{what}");
    }
    let refused =
        "try { connect({ token: 'x', codec: 'cbor' }) } catch (error) { return error.message }";
    let words = page.browser.run(refused, &[]).await;
    assert_eq!(words, "`codec` is \"json\" or \"msgpack\"");
    page.browser.close().await;
}
