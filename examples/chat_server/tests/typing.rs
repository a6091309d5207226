//! Signs of typing: for who is there now, and for no longer than they are true.

use super::{room, say};
use crate::chat::{Chat, TYPING};
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::testing::TestRoom;

fn types(room: &mut TestRoom<Chat>, active: bool) {
    let sign = json!({"type": "Typing", "active": active});
    room.send("ann", sign).unwrap();
}

/// What Ben has been told of Ann's typing since the last time.
fn signs(room: &mut TestRoom<Chat>) -> Vec<bool> {
    let events = room.received("ben").into_iter();
    let signs = events.filter(|event| event["type"] == "Typing");
    signs
        .map(|sign| sign["active"].as_bool().unwrap())
        .collect()
}

#[test]
fn it_is_volatile() {
    let mut room = room();
    types(&mut room, true);
    let sign = json!({"type": "Typing", "user": "ann", "active": true});
    // Without a number: it takes no place in what was said.
    assert_eq!(room.frames("ben"), [json!({"from": "ann", "data": sign})]);
    room.join_named("eve", "Eve").unwrap();
    let told = Value::from(room.frames("eve")).to_string();
    assert!(!told.contains("Typing"), "{told}");
}

#[test]
fn it_ends_when_the_typist_stops_says_something_or_goes() {
    type Ends = fn(&mut TestRoom<Chat>);
    let ends: [(&str, Ends); 4] = [
        ("stops", |room| types(room, false)),
        ("says something", |room| {
            say(room, "ann", "Hello");
        }),
        ("is cut off", |room| room.disconnect("ann")),
        ("leaves", |room| room.leave("ann")),
    ];
    for (how, end) in ends {
        let mut room = room();
        types(&mut room, true);
        end(&mut room);
        assert_eq!(signs(&mut room), [true, false], "{how}");
        // It has ended once.
        room.advance(Duration::from_secs(120));
        assert_eq!(signs(&mut room), [] as [bool; 0], "{how}");
    }
}

#[test]
fn it_ends_by_itself_and_goes_on_with_each_sign() {
    let mut room = room();
    types(&mut room, true);
    room.advance(TYPING - Duration::from_millis(1));
    types(&mut room, true);
    room.advance(TYPING - Duration::from_millis(1));
    assert_eq!(signs(&mut room), [true, true]);
    room.advance(Duration::from_millis(1));
    assert_eq!(signs(&mut room), [false]);
}

#[test]
fn who_did_not_type_stops_nothing() {
    let mut room = room();
    types(&mut room, false);
    say(&mut room, "ann", "Hello");
    assert_eq!(signs(&mut room), [] as [bool; 0]);
}
