//! The rules of the chat, each by what people in a room are told.

mod people;
mod typing;

use crate::chat::Chat;
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::testing::{Refused, TestRoom};

/// Ann and Ben, who have been told of each other.
fn room() -> TestRoom<Chat> {
    let mut room = TestRoom::new();
    room.join_named("ann", "Ann").unwrap();
    room.join_named("ben", "Ben").unwrap();
    room.frames("ann");
    room.frames("ben");
    room
}

/// Says something; answers with the number of its event.
fn say(room: &mut TestRoom<Chat>, user: &str, text: &str) -> u64 {
    try_to_say(room, user, text).unwrap()
}

fn try_to_say(room: &mut TestRoom<Chat>, user: &str, text: &str) -> Result<u64, Refused> {
    let said = room.send(user, json!({"type": "Say", "text": text}))?;
    Ok(said.unwrap().as_u64().unwrap())
}

fn edit(room: &mut TestRoom<Chat>, user: &str, message: u64, text: &str) -> Result<u64, Refused> {
    let edit = json!({"type": "Edit", "message": message, "text": text});
    let edited = room.send(user, edit)?;
    Ok(edited.unwrap().as_u64().unwrap())
}

fn delete(room: &mut TestRoom<Chat>, user: &str, message: u64) -> Result<(), Refused> {
    let delete = json!({"type": "Delete", "message": message});
    room.send(user, delete).map(drop)
}

/// What somebody has been told was said, since the last time, in order.
fn heard(room: &mut TestRoom<Chat>, user: &str) -> Vec<String> {
    let events = room.received(user).into_iter();
    let texts = events.filter_map(|event| event["text"].as_str().map(str::to_owned));
    texts.collect()
}

/// All that is told to somebody who comes now, as one text.
fn told_to_a_newcomer(room: &mut TestRoom<Chat>) -> String {
    room.join_named("eve", "Eve").unwrap();
    let told = room.frames("eve");
    room.leave("eve");
    Value::from(told).to_string()
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Refused>, words: &str) {
    let refused = result.unwrap_err();
    assert!(refused.to_string().contains(words), "{refused}");
}

#[test]
fn what_is_said_is_told_to_everybody_and_to_newcomers() {
    let mut room = room();
    let seq = say(&mut room, "ann", "Hello");
    let said = json!({
        "type": "Said",
        "by": {"name": "Ann", "color": "teal", "avatar": "initials"},
        "at": room.now(),
        "text": "Hello",
    });
    let frame = json!({"seq": seq, "from": "ann", "data": said});
    assert_eq!(room.frames("ann"), std::slice::from_ref(&frame));
    assert_eq!(room.frames("ben"), std::slice::from_ref(&frame));
    room.join_named("eve", "Eve").unwrap();
    assert!(room.frames("eve").contains(&frame));
    assert!(room.failures().is_empty());
}

#[test]
fn a_newcomer_is_told_the_last_two_hundred_messages_and_nothing_else_takes_their_place() {
    let mut room = room();
    for number in 0..300 {
        say(&mut room, "ann", &format!("number {number}"));
        let look = json!({"type": "Look", "name": format!("Ben {number}"), "color": "red", "avatar": "moon"});
        room.send("ben", look).unwrap();
    }
    room.join_named("eve", "Eve").unwrap();
    let heard = heard(&mut room, "eve");
    let last: Vec<_> = (100..300)
        .map(|number| format!("number {number}"))
        .collect();
    assert_eq!(heard, last);
}

#[test]
fn an_edit_takes_the_place_of_its_message_for_everybody() {
    let mut room = room();
    let at = room.now();
    let first = say(&mut room, "ann", "my sekret");
    say(&mut room, "ben", "what?");
    room.frames("ben");
    room.advance(Duration::from_secs(60));
    let second = edit(&mut room, "ann", first, "my secret").unwrap();
    let told = room.frames("ben");
    let edited = json!({
        "type": "Edited",
        "id": first,
        "by": {"name": "Ann", "color": "teal", "avatar": "initials"},
        "at": at,
        "text": "my secret",
    });
    // First what it is now, so that no page ever shows it gone.
    let frames = [
        json!({"seq": second, "from": "ann", "data": edited}),
        json!({"redacted": first}),
    ];
    assert_eq!(told, frames);
    // And again: it has its first place, and is named by the event that says it now.
    assert_refused(edit(&mut room, "ann", first, "mine"), "can't be changed");
    let third = edit(&mut room, "ann", second, "mine").unwrap();
    let told = room.frames("ben");
    assert_eq!(
        (&told[0]["data"]["id"], &told[0]["data"]["at"]),
        (&json!(first), &json!(at))
    );
    assert_eq!(told[1], json!({"redacted": second}));
    delete(&mut room, "ann", third).unwrap();
    assert_eq!(room.frames("ben"), [json!({"redacted": third})]);
    // What is gone does not come back.
    assert_refused(edit(&mut room, "ann", third, "back"), "can't be changed");
    assert_refused(delete(&mut room, "ann", third), "can't be changed");
}

#[test]
fn nobody_who_comes_or_comes_back_is_told_what_is_no_more() {
    let mut room = room();
    let edited = say(&mut room, "ann", "a sekret");
    let deleted = say(&mut room, "ann", "a mistake");
    say(&mut room, "ann", "the rest");
    // Ben has heard of them, Cleo has not.
    room.join_named("cleo", "Cleo").unwrap();
    room.disconnect("ben");
    room.disconnect("cleo");
    room.frames("ben");
    room.frames("cleo");
    let late = say(&mut room, "ann", "a slip");
    edit(&mut room, "ann", edited, "a secret").unwrap();
    delete(&mut room, "ann", deleted).unwrap();
    delete(&mut room, "ann", late).unwrap();
    let gone = ["a sekret", "a mistake", "a slip"];
    for user in ["ben", "cleo"] {
        room.reconnect(user).unwrap();
        let frames = room.frames(user);
        assert_eq!(frames[0]["welcome"]["resumed"], true);
        assert!(frames.contains(&json!({"redacted": edited})));
        assert!(frames.contains(&json!({"redacted": deleted})));
        let told = Value::from(frames).to_string();
        assert!(gone.iter().all(|text| !told.contains(text)), "{told}");
        assert!(told.contains("a secret"));
    }
    let told = told_to_a_newcomer(&mut room);
    assert!(gone.iter().all(|text| !told.contains(text)), "{told}");
    assert!(told.contains("a secret") && told.contains("the rest"));
}

#[test]
fn only_the_author_changes_a_message() {
    let mut room = room();
    let message = say(&mut room, "ann", "mine");
    room.frames("ann");
    assert_refused(edit(&mut room, "ben", message, "yours"), "somebody else's");
    assert_refused(delete(&mut room, "ben", message), "somebody else's");
    assert_refused(delete(&mut room, "ben", 10_000), "can't be changed");
    assert_eq!(room.frames("ann"), [] as [Value; 0]);
    // What is no message is nobody's: here the event of Ann's own coming in.
    assert_refused(delete(&mut room, "ann", 1), "can't be changed");
    // Who has left and comes back is who it was.
    room.leave("ann");
    room.join_named("ann", "Ann").unwrap();
    edit(&mut room, "ann", message, "still mine").unwrap();
    assert_refused(delete(&mut room, "ann", message), "can't be changed");
}

#[test]
fn the_author_is_known_for_as_long_as_the_room_keeps_the_message_and_no_longer() {
    let mut room = room();
    let old = say(&mut room, "ann", "long ago");
    let edited = say(&mut room, "ann", "once");
    for number in 0..1_000 {
        say(&mut room, "ann", &number.to_string());
    }
    // They have left the history, but not what is kept for those who come back.
    assert!(!told_to_a_newcomer(&mut room).contains("long ago"));
    assert_refused(edit(&mut room, "ben", old, "mine"), "somebody else's");
    let newer = edit(&mut room, "ann", edited, "and again").unwrap();
    room.frames("ben");
    delete(&mut room, "ann", old).unwrap();
    assert_eq!(room.frames("ben"), [json!({"redacted": old})]);
    for number in 0..1_023 {
        say(&mut room, "ben", &number.to_string());
    }
    assert_eq!(room.state().authors.len(), 1_024);
    assert_refused(edit(&mut room, "ben", newer, "mine"), "somebody else's");
    say(&mut room, "ben", "one more");
    assert_eq!(room.state().authors.len(), 1_024);
    assert_refused(edit(&mut room, "ann", newer, "third"), "can't be changed");
}

#[test]
fn a_message_has_something_to_read_and_an_end() {
    let mut room = room();
    room.frames("ben");
    for blank in [
        " \n\t ",
        "\u{200b}",
        "\u{2800} \u{3164}",
        "\u{200d}\u{fe0f}",
    ] {
        assert_refused(try_to_say(&mut room, "ann", blank), "something to read");
    }
    let longest = "x".repeat(4_000);
    say(&mut room, "ann", &format!("  {longest}\n"));
    let too_long = format!("{longest}x");
    assert_refused(
        try_to_say(&mut room, "ann", &too_long),
        "at most 4000 characters",
    );
    assert_refused(try_to_say(&mut room, "ann", "a\u{7}b"), "can't be seen");
    assert_refused(try_to_say(&mut room, "ann", "a\u{1b}[2Jb"), "can't be seen");
    // Characters count, not bytes.
    let wide = "\u{1f426}".repeat(4_000);
    let message = say(&mut room, "ann", &wide);
    assert_refused(
        edit(&mut room, "ann", message, &too_long),
        "at most 4000 characters",
    );
    assert_refused(edit(&mut room, "ann", message, " "), "something to read");
    say(&mut room, "ann", "one\r\ntwo\n\tthree");
    assert_eq!(
        heard(&mut room, "ben"),
        [longest, wide, "one\ntwo\n\tthree".to_owned()]
    );
}

#[test]
fn a_text_is_told_as_it_was_written() {
    let mut room = room();
    let texts = [
        "<img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "\u{202e}gpj.exe",
        "Z\u{315}\u{310}\u{314}a\u{489}",
        "\"quoted\" \\ 'so'",
    ];
    for text in texts {
        say(&mut room, "ann", text);
    }
    assert_eq!(heard(&mut room, "ben"), texts);
}
