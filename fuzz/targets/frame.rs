//! A client's frame, in JSON or MessagePack: what the decoder takes for one is one, and says what it says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tapaculo::fuzzing::{Frame, binary_frame, frame};
use tapaculo_fuzz::keeps_the_rules;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        text_frame(text);
    }
    if let Ok(text) = binary_frame(bytes) {
        assert!(text.len() <= 6 * bytes.len(), "it grows without bounds");
        // It keeps the rule of the depth by itself, and leaves that of the keys to the text.
        text_frame(&text);
    }
});

/// The frame that a text is, as the protocol's document has it.
fn expected(text: &str) -> Option<Frame> {
    // A parser that recurses gives up deeper than the rules allow.
    let value: Value = serde_json::from_str(text).ok()?;
    let fields = value.as_object()?;
    if !keeps_the_rules(text) {
        return None;
    }
    let field = |name| fields.get(name).filter(|value: &&Value| !value.is_null());
    let id = match field("id") {
        Some(id) => Some(id.as_u64().filter(|id| *id > 0)?),
        None => None,
    };
    let from = match field("from") {
        Some(from) => Some(from.as_str()?.to_owned()),
        None => None,
    };
    let ping = match field("ping") {
        Some(Value::Number(ping)) => Some(ping.clone()),
        Some(_) => return None,
        None => None,
    };
    let token = match field("token") {
        Some(Value::String(token)) => Some(token.clone()),
        Some(_) => return None,
        None => None,
    };
    match (fields.get("data"), ping, token) {
        (Some(data), _, _) => Some(Frame::Message {
            data: data.to_string(),
            id,
            from,
        }),
        (None, Some(ping), _) => Some(Frame::Ping(ping)),
        (None, None, token) => token.map(Frame::Token),
    }
}

/// The same frame, its message written the way `expected` has it.
fn rewritten(frame: Frame) -> Frame {
    match frame {
        Frame::Message { data, id, from } => {
            let data: Value = serde_json::from_str(&data).expect("a message is JSON");
            let data = data.to_string();
            Frame::Message { data, id, from }
        }
        other => other,
    }
}

fn text_frame(text: &str) {
    let found = frame(text);
    let id = found.as_ref().err().copied().flatten();
    assert_eq!(found.ok().map(rewritten), expected(text));
    // Who sends what is no frame is told of no other id than the one it has.
    if let (Some(id), Ok(value)) = (id, serde_json::from_str::<Value>(text)) {
        assert_eq!(value["id"], id);
    }
}
