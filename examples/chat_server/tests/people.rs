//! Who is here, and how they look.

use super::{assert_refused, room};
use crate::chat::Chat;
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::{
    UserId,
    testing::{Refused, TestRoom},
};

fn look(room: &mut TestRoom<Chat>, user: &str, name: &str) -> Result<(), Refused> {
    let look = json!({"type": "Look", "name": name, "color": "gold", "avatar": "moon"});
    room.send(user, look).map(drop)
}

/// What a frame of presence says, of the first one of that kind.
fn presence(frames: &[Value], event: &str) -> Value {
    let mut presences = frames.iter().map(|frame| &frame["presence"]);
    let found = presences.find(|presence| presence["event"] == event);
    found.cloned().unwrap_or_default()
}

#[test]
fn whoever_comes_has_a_colour_of_its_own_as_long_as_there_are_enough() {
    let mut room = TestRoom::<Chat>::new();
    for number in 0..16 {
        room.join_named(&format!("user {number}"), "Ann").unwrap();
    }
    let view = room.view("user 0");
    let people = view["people"].as_array().unwrap();
    let mut colors: Vec<_> = people.iter().map(|one| one["color"].to_string()).collect();
    colors.sort_unstable();
    assert_eq!(colors.len(), 16);
    assert!(
        colors.chunks(2).all(|pair| pair[0] == pair[1]),
        "{colors:?}"
    );
    colors.dedup();
    assert_eq!(colors.len(), 8);
}

#[test]
fn everybody_is_told_of_another_look_and_newcomers_see_it() {
    let mut room = room();
    look(&mut room, "ann", "  Queen   Ann ").unwrap();
    let frames = room.frames("ben");
    let looks = json!({
        "type": "Looks", "user": "ann", "name": "Queen Ann", "color": "gold", "avatar": "moon",
    });
    assert!(
        frames.iter().any(|frame| frame["data"] == looks),
        "{frames:?}"
    );
    let changed = presence(&frames, "changed");
    assert_eq!(
        (&changed["name"], &changed["avatar"]),
        (&json!("Queen Ann"), &json!("moon"))
    );
    // The same again is nothing new.
    look(&mut room, "ann", "Queen Ann").unwrap();
    assert_eq!(room.frames("ben"), [] as [Value; 0]);
    room.join_named("eve", "Eve").unwrap();
    let frames = room.frames("eve");
    assert_eq!(frames[0]["welcome"]["members"][0]["name"], "Queen Ann");
    let seen = frames.iter().find(|frame| frame.get("state").is_some());
    let people = seen.unwrap()["state"]["people"].as_array().unwrap();
    assert!(people.contains(&json!({
        "user": "ann", "name": "Queen Ann", "color": "gold", "avatar": "moon",
    })));
}

#[test]
fn a_colour_or_a_picture_is_from_the_palette() {
    let mut room = room();
    let stranger = "https://example.org/who-is-here.png";
    for (color, avatar) in [
        ("gold", stranger),
        ("gold", "//example.org/a.png"),
        ("gold", "data:image/svg+xml,<svg/>"),
        ("gold", ""),
        ("#ff0000", "moon"),
        ("red;background:url(https://example.org)", "moon"),
    ] {
        let look = json!({"type": "Look", "name": "Ann", "color": color, "avatar": avatar});
        assert_refused(room.send("ann", look), "unknown variant");
    }
    assert_eq!(room.frames("ben"), [] as [Value; 0]);
}

#[test]
fn a_name_is_one_line_of_what_can_be_seen_at_the_door_as_in_the_room() {
    let zalgo = format!("Z{}", "\u{315}".repeat(3));
    for (name, words) in [
        (" ", "something to read"),
        ("\u{a0}\u{3000}", "something to read"),
        ("\u{200d}", "something to read"),
        ("\u{200c}\u{fe0f}", "something to read"),
        ("Ann\u{1d159}", "can't be seen"),
        ("x23456789012345678901", "at most 20 characters"),
        ("An\u{0}n", "can't be seen"),
        ("An\u{202e}n", "can't be seen"),
        ("\u{2066}Ann", "can't be seen"),
        ("An\u{200b}n", "can't be seen"),
        ("\u{feff}Ann", "can't be seen"),
        ("\u{2800}", "can't be seen"),
        ("\u{3164}", "can't be seen"),
        ("A\u{e0041}", "can't be seen"),
        (zalgo.as_str(), "at most 2 accents"),
    ] {
        let mut room = room();
        assert_refused(look(&mut room, "ann", name), words);
        assert_refused(room.join_named("eve", name), words);
        assert_eq!(room.view("ann")["people"].as_array().unwrap().len(), 2);
    }
    for name in [
        "Ann",
        "\u{5d0}\u{5e0}",
        "Nguy\u{1ec5}n",
        "e\u{302}\u{301}",
        "\u{1f469}\u{200d}\u{1f680}",
        "<b>Ann</b>",
    ] {
        let mut room = room();
        look(&mut room, "ann", name).unwrap();
        assert_eq!(room.view("ann")["people"][0]["name"], name);
    }
}

#[test]
fn whoever_is_cut_off_is_away_and_after_a_minute_gone_and_nothing_is_kept_of_it() {
    let mut room = room();
    room.disconnect("ann");
    let frames = room.frames("ben");
    assert_eq!(presence(&frames, "disconnected")["user"], "ann");
    assert_eq!(room.view("ben")["people"].as_array().unwrap().len(), 2);
    room.advance(Duration::from_secs(59));
    assert_eq!(room.frames("ben"), [] as [Value; 0]);
    room.advance(Duration::from_secs(1));
    assert_eq!(presence(&room.frames("ben"), "left")["user"], "ann");
    assert_eq!(room.view("ben")["people"].as_array().unwrap().len(), 1);
    // Nothing is left of how it looked, not even for itself.
    room.join_named("ann", "Someone").unwrap();
    assert_eq!(presence(&room.frames("ben"), "joined")["name"], "Someone");
    let ann = UserId::new("ann").unwrap();
    assert!(room.state().knows(&ann));
    room.leave("ann");
    assert!(!room.state().knows(&ann));
    assert!(room.failures().is_empty());
}
