//! Seats outlive sockets: holding, coming back, resuming, and answers that are given once.

use crate::{prelude::*, testing::TestRoom};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Says all that happens to it.
#[tapaculo::game(
    players = 2,
    spectators,
    history = 4,
    reconnect = "60s",
    empty_timeout = "10s",
    event = Said
)]
#[derive(Default)]
struct Club {
    count: u32,
    /// Whether nobody is let in any more.
    barred: bool,
}

#[derive(Serialize)]
struct Said(String);

#[tapaculo::game]
impl Club {
    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), &'static str> {
        if self.barred {
            return Err("nobody is let in");
        }
        room.broadcast(Said(format!("{} joined", player.user())));
        room.send_to(player.user(), Said("your secret".to_owned()));
        Ok(())
    }

    #[on_full]
    fn full(&mut self, room: &mut Room<Self>) {
        room.broadcast(Said("full".to_owned()));
    }

    #[on_disconnect]
    fn dropped(&mut self, room: &mut Room<Self>, player: &Player) {
        assert!(!room.is_connected(player.user()));
        let until = room.now() + Duration::from_secs(60);
        assert_eq!(room.held_until(player.user()), Some(until));
        room.broadcast(Said(format!("{} dropped", player.user())));
    }

    #[on_reconnect]
    fn returned(&mut self, room: &mut Room<Self>, player: &Player) {
        assert!(room.is_connected(player.user()));
        room.broadcast(Said(format!("{} returned", player.user())));
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>, player: &Player) {
        room.broadcast(Said(format!("{} left", player.user())));
    }

    #[view]
    fn view(&self, _viewer: &Member) -> u32 {
        self.count
    }

    #[message]
    fn count(&mut self, room: &mut Room<Self>, by: u32) -> Result<u32, String> {
        self.count = self.count.checked_add(by).ok_or("too much")?;
        room.broadcast(Said(self.count.to_string()));
        Ok(self.count)
    }

    /// Says something to one member only.
    #[message]
    fn whisper(&mut self, room: &mut Room<Self>, to: UserId) {
        room.send_to(&to, Said("psst".to_owned()));
    }

    #[message]
    fn forget(&mut self, room: &mut Room<Self>, seq: u64) {
        room.redact(seq);
    }

    #[message]
    fn kick(&mut self, room: &mut Room<Self>, user: UserId) {
        room.kick(&user, "out");
        room.broadcast(Said("a kick".to_owned()));
    }

    #[message]
    fn close(&mut self, room: &mut Room<Self>) -> &'static str {
        room.close("time to go");
        "closed"
    }

    #[message]
    fn bar(&mut self) {
        self.barred = true;
    }

    #[message]
    fn unname(&mut self, room: &mut Room<Self>, player: &Player) {
        room.set_metadata(player.user(), Metadata::default());
    }

    #[message]
    fn forget_name(&mut self, room: &mut Room<Self>, user: UserId) {
        room.clear_metadata(&user);
        assert_eq!(room.metadata(&user), None);
    }

    #[message]
    fn name(&mut self, room: &mut Room<Self>, player: &Player, name: String) {
        let mut known = Metadata::named(name.as_str());
        known.avatar = Some(format!("/{name}.png"));
        known.custom = json!({"level": self.count});
        room.set_metadata(player.user(), known.clone());
        assert_eq!(room.metadata(player.user()), Some(&known));
    }
}

fn club() -> TestRoom<Club> {
    let mut room = TestRoom::new();
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    room.frames("alice");
    room.frames("bob");
    room
}

fn count(room: &mut TestRoom<Club>, user: &str, by: u32) {
    room.send(user, json!({"type": "Count", "by": by})).unwrap();
}

/// The frames with this key, and what it has.
fn of(frames: &[Value], key: &str) -> Vec<Value> {
    frames.iter().filter_map(|f| f.get(key).cloned()).collect()
}

#[test]
fn seats_outlive_sockets() {
    let mut room = club();
    room.disconnect("alice");
    assert_eq!(room.received("bob"), ["alice dropped"]);
    // Nobody else gets the seat, and the player is not refused for a full room.
    room.join("carol").unwrap();
    let welcome = &room.frames("carol")[0]["welcome"];
    assert_eq!(welcome["role"], "spectator");
    assert_eq!(welcome["members"][0]["connected"], false);
    assert_eq!(welcome["members"][1]["connected"], true);
    room.advance(Duration::from_millis(59_999));
    room.reconnect("alice").unwrap();
    let frames = room.frames("alice");
    assert_eq!(frames[0]["welcome"]["seat"], 0);
    assert_eq!(frames[0]["welcome"]["members"][0]["connected"], true);
    assert_eq!(room.received("bob"), ["alice returned"]);

    room.disconnect("alice");
    room.advance(Duration::from_secs(60));
    let heard = room.frames("bob");
    let moves = of(&heard, "presence");
    assert_eq!(moves[0]["event"], "disconnected");
    assert_eq!(moves[1]["event"], "left");
    assert_eq!(of(&heard, "data"), ["alice dropped", "alice left"]);
    // A freed seat is the next newcomer's, and its owner comes back as a newcomer.
    room.join("dave").unwrap();
    assert_eq!(room.frames("dave")[0]["welcome"]["seat"], 0);
    room.reconnect("alice").unwrap();
    let frames = room.frames("alice");
    assert_eq!(frames[0]["welcome"]["role"], "spectator");
    assert_eq!(frames[0]["welcome"]["resumed"], false);
}

#[test]
fn who_says_goodbye_gives_up_the_seat_at_once() {
    let mut room = club();
    room.leave("alice");
    assert_eq!(room.received("bob"), ["alice left"]);
    room.join("carol").unwrap();
    assert_eq!(room.frames("carol")[0]["welcome"]["seat"], 0);
    assert_eq!(room.received("bob"), ["carol joined", "full"]);
}

#[test]
fn a_spectators_place_is_held_as_long_as_a_seat_and_no_hook_runs() {
    let mut room = club();
    room.watch("carol").unwrap();
    room.frames("alice");
    room.disconnect("carol");
    let frames = room.frames("alice");
    assert_eq!(of(&frames, "presence")[0]["event"], "disconnected");
    assert_eq!(of(&frames, "data"), [json!(null); 0]);
    count(&mut room, "bob", 1);
    room.reconnect("carol").unwrap();
    let frames = room.frames("carol");
    let again = frames
        .iter()
        .rposition(|frame| frame.get("welcome").is_some());
    let again = &frames[again.unwrap()..];
    assert_eq!(again[0]["welcome"]["resumed"], true);
    assert_eq!(of(again, "data"), ["1"]);
    room.disconnect("carol");
    room.advance(Duration::from_secs(60));
    let moves = of(&room.frames("alice"), "presence");
    let events: Vec<_> = moves.iter().map(|moved| moved["event"].clone()).collect();
    assert_eq!(events, ["reconnected", "disconnected", "left"]);
}

#[test]
fn who_watches_and_comes_anew_to_play_gets_a_seat_that_is_free() {
    let mut room = club();
    room.join("carol").unwrap();
    room.watch("dora").unwrap();
    room.leave("bob");
    room.frames("alice");
    // To resume is not to ask for a seat, and neither is a token for watching.
    room.reconnect("carol").unwrap();
    room.watch("dora").unwrap();
    assert_eq!(room.frames("alice"), [json!(null); 0]);
    room.join("carol").unwrap();
    let welcomes = of(&room.frames("carol"), "welcome");
    assert_eq!(welcomes.last().unwrap()["seat"], 1);
    let frames = room.frames("alice");
    let moved = of(&frames, "presence");
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert_eq!(
        (&moved[0]["event"], &moved[0]["seat"]),
        (&json!("joined"), &json!(1))
    );
    assert_eq!(of(&frames, "data"), ["carol joined", "full"]);
}

#[test]
fn who_watches_and_is_refused_the_seat_has_left_and_hears_nothing_more() {
    let mut room = club();
    room.join("carol").unwrap();
    room.leave("bob");
    room.send("alice", json!({"type": "Bar"})).unwrap();
    room.frames("alice");
    room.frames("carol");
    let refused = room.join("carol").unwrap_err();
    assert_eq!(refused.to_string(), "nobody is let in");
    count(&mut room, "alice", 1);
    assert_eq!(room.closed("carol"), Some(4009));
    assert_eq!(room.received("carol"), [json!(null); 0]);
    let moved = of(&room.frames("alice"), "presence");
    let moved: Vec<_> = moved.iter().map(|moved| &moved["event"]).collect();
    assert_eq!(moved, ["left"]);
}

#[test]
fn a_name_that_the_game_takes_back_is_the_tokens_again() {
    let mut room = TestRoom::<Club>::new();
    let alice = |room: &mut TestRoom<Club>| {
        room.join("observer").unwrap();
        let welcomes = of(&room.frames("observer"), "welcome");
        welcomes[0]["members"][0]["name"]
            .as_str()
            .map(str::to_owned)
    };
    room.join_named("alice", "Alice of the token").unwrap();
    room.send("alice", json!({"type": "Name", "name": "Queen"}))
        .unwrap();
    assert_eq!(alice(&mut room).as_deref(), Some("Queen"));
    room.send("alice", json!({"type": "Unname"})).unwrap();
    assert_eq!(alice(&mut room).as_deref(), Some("Alice of the token"));
    room.join_named("alice", "Alice of another token").unwrap();
    assert_eq!(alice(&mut room).as_deref(), Some("Alice of another token"));
}

#[test]
fn a_room_in_which_all_are_away_is_kept_and_then_empty() {
    let mut room = club();
    room.disconnect("alice");
    room.disconnect("bob");
    room.advance(Duration::from_secs(60));
    assert!(!room.is_over(), "it has only just become empty");
    room.advance(Duration::from_millis(9_999));
    assert!(!room.is_over());
    room.advance(Duration::from_millis(1));
    assert!(room.is_over());
}

#[test]
fn a_member_that_resumes_gets_exactly_what_it_missed() {
    let mut room = club();
    count(&mut room, "bob", 1);
    room.disconnect("alice");
    count(&mut room, "bob", 1);
    for to in ["alice", "bob"] {
        room.send("bob", json!({"type": "Whisper", "to": to}))
            .unwrap();
    }
    count(&mut room, "bob", 1);
    room.received("alice");
    room.reconnect("alice").unwrap();
    let frames = room.frames("alice");
    let welcome = &frames[0]["welcome"];
    assert_eq!(welcome["resumed"], true);
    assert_eq!(of(&frames, "state"), [json!(null); 0]);
    let heard = of(&frames, "data");
    assert_eq!(heard, ["alice dropped", "2", "psst", "3", "alice returned"]);
    let last = frames.last().unwrap();
    assert_eq!(last["synced"], frames[frames.len() - 2]["seq"]);
    // And what happens next, once.
    count(&mut room, "bob", 1);
    assert_eq!(room.received("alice"), ["4"]);
}

#[test]
fn who_can_not_be_brought_up_to_date_is_told_so_and_gets_what_a_newcomer_gets() {
    let mut room = club();
    room.disconnect("alice");
    for _ in 0..1030 {
        count(&mut room, "bob", 1);
    }
    room.frames("alice");
    room.reconnect("alice").unwrap();
    let frames = room.frames("alice");
    assert_eq!(frames[0]["welcome"]["resumed"], false);
    assert_eq!(frames[1]["state"], 1030);
    // Four are kept, and one of them is that it returned.
    assert_eq!(
        of(&frames, "data"),
        ["1028", "1029", "1030", "alice returned"]
    );

    // Nor does anyone resume who comes without a position.
    room.join("alice").unwrap();
    let frames = room.frames("alice");
    assert_eq!(frames[0]["welcome"]["resumed"], false);
}

#[test]
fn a_redacted_event_is_taken_away_from_those_who_have_it_and_shown_to_nobody_else() {
    let mut room = club();
    count(&mut room, "bob", 7);
    let seq = room.frames("alice")[0]["seq"].as_u64().unwrap();
    room.disconnect("alice");
    room.send("bob", json!({"type": "Forget", "seq": seq}))
        .unwrap();
    room.send("bob", json!({"type": "Forget", "seq": 1_000_000}))
        .unwrap();
    assert_eq!(of(&room.frames("bob"), "redacted"), [json!(seq)]);
    room.frames("alice");
    room.reconnect("alice").unwrap();
    assert_eq!(of(&room.frames("alice"), "redacted"), [json!(seq)]);
    room.watch("carol").unwrap();
    let frames = room.frames("carol");
    assert!(!of(&frames, "data").contains(&json!("7")));
    assert_eq!(of(&frames, "redacted"), [json!(null); 0]);
}

#[test]
fn who_is_kicked_is_closed_with_4011_after_what_was_said_and_its_seat_is_free() {
    let mut room = club();
    room.send("alice", json!({"type": "Kick", "user": "bob"}))
        .unwrap();
    assert_eq!(room.closed("bob"), Some(4011));
    assert_eq!(room.received("bob"), ["a kick"]);
    let frames = room.frames("alice");
    assert_eq!(of(&frames, "data"), ["a kick", "bob left"]);
    assert_eq!(of(&frames, "presence")[0]["event"], "left");
    room.join("carol").unwrap();
    assert_eq!(room.frames("carol")[0]["welcome"]["seat"], 1);
    // Oneself, after the answer.
    room.send("alice", json!({"type": "Kick", "user": "alice"}))
        .unwrap();
    assert_eq!(room.closed("alice"), Some(4011));
    room.send("carol", json!({"type": "Kick", "user": "nobody"}))
        .unwrap();
}

#[test]
fn a_room_that_its_game_closes_answers_first_and_then_closes_everyone_with_4010() {
    let mut room = club();
    let reply = room.send("alice", json!({"type": "Close"})).unwrap();
    assert_eq!(reply, Some(json!("closed")));
    assert_eq!(room.closed("alice"), Some(4010));
    assert_eq!(room.closed("bob"), Some(4010));
    assert!(room.is_over());
    assert_eq!(room.received("bob"), [json!(null); 0], "no hook runs");
}

#[test]
fn metadata_is_the_rooms_and_shown_to_whoever_comes() {
    let mut room = club();
    room.send("alice", json!({"type": "Name", "name": "Alice"}))
        .unwrap();
    // Those who are there are told, herself included.
    for user in ["alice", "bob"] {
        let changed = &of(&room.frames(user), "presence")[0];
        assert_eq!(
            (&changed["event"], &changed["user"]),
            (&json!("changed"), &json!("alice"))
        );
        assert_eq!(
            (&changed["name"], &changed["avatar"]),
            (&json!("Alice"), &json!("/Alice.png"))
        );
    }
    room.watch("carol").unwrap();
    let welcome = &room.frames("carol")[0]["welcome"];
    assert_eq!(welcome["members"][0]["name"], "Alice");
    assert_eq!(welcome["members"][0]["avatar"], "/Alice.png");
    assert!(welcome["members"][1].get("name").is_none());
    room.leave("alice");
    room.join_named("alice", "someone else").unwrap();
    let moved = of(&room.frames("bob"), "presence");
    assert_eq!(moved.last().unwrap()["name"], "Alice");
}

#[test]
fn what_is_cleared_of_a_user_is_forgotten_and_the_token_names_it_again() {
    let mut room = TestRoom::<Club>::new();
    room.join_named("alice", "Al").unwrap();
    room.join("bob").unwrap();
    let name = json!({"type": "Name", "name": "Alice"});
    room.send("alice", name.clone()).unwrap();
    room.frames("bob");
    let forget = json!({"type": "ForgetName", "user": "alice"});
    room.send("bob", forget.clone()).unwrap();
    let moved = of(&room.frames("bob"), "presence");
    assert_eq!(
        (&moved[0]["event"], &moved[0]["name"]),
        (&json!("changed"), &json!("Al"))
    );
    assert!(moved[0].get("avatar").is_none());
    // There is nothing more to forget, and so nothing to tell.
    room.send("bob", forget.clone()).unwrap();
    assert_eq!(of(&room.frames("bob"), "presence"), [json!(null); 0]);
    // Also of one who has gone.
    room.send("alice", name).unwrap();
    room.leave("alice");
    room.send("bob", forget).unwrap();
    room.join_named("alice", "Al").unwrap();
    let welcomes = of(&room.frames("alice"), "welcome");
    assert_eq!(welcomes.last().unwrap()["members"][1]["name"], "Al");
}

#[test]
fn acked_once() {
    let mut room = club();
    let add = json!({"type": "Count", "by": 1});
    let first = room.send_with_id("alice", 1, add.clone()).unwrap();
    assert_eq!(first, Some(json!(1)));
    assert_eq!(room.send_with_id("alice", 1, add.clone()).unwrap(), first);
    room.disconnect("alice");
    room.reconnect("alice").unwrap();
    let welcomes = of(&room.frames("alice"), "welcome");
    assert_eq!(welcomes[0]["acked"], 1);
    assert_eq!(room.send_with_id("alice", 1, add.clone()).unwrap(), first);
    assert_eq!(room.state().count, 1);
    // The same id with another body, refusals, and ids that are too old.
    let other = json!({"type": "Count", "by": 2});
    let refused =
        |refused: Result<_, crate::testing::Refused>| refused.unwrap_err().code().to_owned();
    assert_eq!(refused(room.send_with_id("alice", 1, other)), "conflict");
    let much = json!({"type": "Count", "by": u32::MAX});
    for _ in 0..3 {
        let words = room.send_with_id("alice", 2, much.clone()).unwrap_err();
        assert_eq!(words.to_string(), "too much");
    }
    let none = json!({"type": "Cuont"});
    assert_eq!(refused(room.send_with_id("alice", 3, none)), "bad_message");
    assert_eq!(
        refused(room.send_with_id("alice", 3, add.clone())),
        "conflict"
    );
    for id in 4..=70 {
        room.send_with_id("alice", id, add.clone()).unwrap();
    }
    assert_eq!(
        refused(room.send_with_id("alice", 6, add.clone())),
        "stale_id"
    );
    assert_eq!(
        room.send_with_id("alice", 7, add.clone()).unwrap(),
        Some(json!(5))
    );
    // Also after the seat was given up and taken again.
    room.leave("alice");
    room.reconnect("alice").unwrap();
    assert_eq!(
        room.send_with_id("alice", 70, add).unwrap(),
        Some(json!(68))
    );
    assert_eq!(room.state().count, 68);
}

#[test]
fn the_newest_connection_wins() {
    let mut room = club();
    for _ in 0..100 {
        room.reconnect("alice").unwrap();
        assert_eq!(room.frames("alice")[0]["welcome"]["seat"], 0);
    }
    // It was connected all the time, as far as anybody knows.
    assert_eq!(room.frames("bob"), [json!(null); 0]);
}
