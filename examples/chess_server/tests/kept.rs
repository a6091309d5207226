//! A game that is kept goes on as it was.

use super::{assert_illegal, assert_refused, game, game_at, outcome, play, say};
use crate::chess::Chess;
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::testing::TestRoom;

/// Has the game go on elsewhere from what was saved of it, with both players.
fn restart(room: &mut TestRoom<Chess>) {
    room.restart();
    for user in ["alice", "bob"] {
        room.reconnect(user).unwrap();
    }
}

#[test]
fn it_looks_as_it_did() {
    let mut room = TestRoom::<Chess>::new();
    room.join_named("alice", "Alice").unwrap();
    room.join_named("bob", "Bob").unwrap();
    play(&mut room, "e2e4 d7d5 e4d5").unwrap();
    say(&mut room, "alice", "OfferDraw").unwrap();
    let before = room.view("alice");
    assert_eq!(before["white"]["name"], "Alice");
    assert_eq!(before["draw_offer"], "alice");
    restart(&mut room);
    assert_eq!(room.view("alice"), before);

    say(&mut room, "bob", "AcceptDraw").unwrap();
    say(&mut room, "bob", "Rematch").unwrap();
    let over = room.view("alice");
    assert_eq!(over["outcome"]["reason"], "agreement");
    restart(&mut room);
    assert_eq!(room.view("alice"), over);
    say(&mut room, "alice", "Rematch").unwrap();
    assert_eq!(room.view("alice")["white"]["user"], "bob");
}

#[test]
fn whoever_has_not_come_back_is_away() {
    let mut room = game();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.restart();
    room.reconnect("alice").unwrap();
    assert_eq!(room.view("alice")["white"]["away"], Value::Null);
    assert_ne!(room.view("alice")["black"]["away"], Value::Null);
    room.advance(Duration::from_secs(20));
    assert_eq!(outcome(&room)["reason"], "abandoned");
}

#[test]
fn it_knows_what_has_stood_on_the_board() {
    let mut room = game();
    play(&mut room, "g1f3 g8f6 f3g1 f6g8 g1f3 g8f6 f3g1").unwrap();
    restart(&mut room);
    assert_eq!(outcome(&room), Value::Null);
    play(&mut room, "f6g8").unwrap();
    assert_eq!(outcome(&room)["reason"], "threefold_repetition");
}

#[test]
fn it_knows_who_may_castle_and_what_is_taken_in_passing() {
    let mut room = game_at("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1");
    play(&mut room, "h1h2 a8b8 h2h1 b8a8").unwrap();
    restart(&mut room);
    assert_illegal(&mut room, "e1g1");
    play(&mut room, "e1c1").unwrap();
    assert_illegal(&mut room, "e8c8");
    play(&mut room, "e8g8").unwrap();

    let mut room = game();
    play(&mut room, "e2e4 a7a6 e4e5 d7d5").unwrap();
    restart(&mut room);
    play(&mut room, "e5d6").unwrap();
}

#[test]
fn its_clock_runs_on() {
    let mut room = TestRoom::<Chess>::with_options(json!({"clock": {"minutes": 1}}));
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(Duration::from_secs(20));
    restart(&mut room);
    play(&mut room, "g1f3").unwrap();
    assert_eq!(room.view("bob")["clocks"]["white"], 40_000);
    restart(&mut room);
    room.advance(Duration::from_secs(59));
    assert_eq!(outcome(&room), Value::Null);
    room.advance(Duration::from_secs(1));
    assert_eq!(
        outcome(&room),
        json!({"result": "1-0", "reason": "timeout"})
    );
    assert_refused(play(&mut room, "b8c6"), "the game is over");
}
