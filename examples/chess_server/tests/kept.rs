//! What is saved of a game is the whole game.

use super::{assert_illegal, assert_refused, game, game_at, outcome, play, say};
use crate::chess::Chess;
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::testing::TestRoom;

/// Has the game go on from what would be saved of it now.
fn save_and_load(room: &mut TestRoom<Chess>) {
    let saved = serde_json::to_string(room.state()).unwrap();
    *room.state_mut() = serde_json::from_str(&saved).unwrap();
}

#[test]
fn a_kept_game_looks_as_it_did() {
    let mut room = TestRoom::<Chess>::new();
    room.join_named("alice", "Alice").unwrap();
    room.join_named("bob", "Bob").unwrap();
    play(&mut room, "e2e4 d7d5 e4d5").unwrap();
    say(&mut room, "alice", "OfferDraw").unwrap();
    room.disconnect("bob");
    let before = room.view("alice");
    assert_eq!(
        (&before["white"]["name"], &before["draw_offer"]),
        (&json!("Alice"), &json!("alice"))
    );
    assert_ne!(before["black"]["away"], Value::Null);
    save_and_load(&mut room);
    assert_eq!(room.view("alice"), before);
    room.reconnect("bob").unwrap();
    say(&mut room, "bob", "AcceptDraw").unwrap();
    let over = room.view("alice");
    save_and_load(&mut room);
    assert_eq!(room.view("alice"), over);
    say(&mut room, "bob", "Rematch").unwrap();
    save_and_load(&mut room);
    say(&mut room, "alice", "Rematch").unwrap();
    assert_eq!(room.view("alice")["white"]["user"], "bob");
}

#[test]
fn a_kept_game_knows_what_has_stood_on_the_board() {
    let mut room = game();
    play(&mut room, "g1f3 g8f6 f3g1 f6g8 g1f3 g8f6 f3g1").unwrap();
    save_and_load(&mut room);
    assert_eq!(outcome(&room), Value::Null);
    play(&mut room, "f6g8").unwrap();
    assert_eq!(outcome(&room)["reason"], "threefold_repetition");
}

#[test]
fn a_kept_game_knows_who_may_castle_and_take_in_passing() {
    let mut room = game_at("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1");
    play(&mut room, "h1h2 a8b8 h2h1 b8a8").unwrap();
    save_and_load(&mut room);
    assert_illegal(&mut room, "e1g1");
    play(&mut room, "e1c1 e8g8").unwrap();

    let mut room = game();
    play(&mut room, "e2e4 a7a6 e4e5 d7d5").unwrap();
    save_and_load(&mut room);
    play(&mut room, "e5d6").unwrap();
}

#[test]
fn the_clock_of_a_kept_game_has_run_on() {
    let mut room = TestRoom::<Chess>::with_options(json!({"clock": {"minutes": 1}}));
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(Duration::from_secs(20));
    save_and_load(&mut room);
    play(&mut room, "g1f3").unwrap();
    assert_eq!(room.view("bob")["clocks"]["white"], 40_000);
    room.advance(Duration::from_secs(59));
    save_and_load(&mut room);
    assert_eq!(outcome(&room), Value::Null);
    room.advance(Duration::from_secs(1));
    assert_eq!(
        outcome(&room),
        json!({"result": "1-0", "reason": "timeout"})
    );
    assert_refused(play(&mut room, "b8c6"), "the game is over");
}
