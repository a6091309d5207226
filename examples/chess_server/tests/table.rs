//! What happens around the board: clocks, players who come and go, rematches.

use super::{assert_refused, ended, game, game_over, outcome, play, say};
use crate::chess::Chess;
use cozy_chess::Board;
use serde_json::{Value, json};
use std::time::Duration;
use tapaculo::testing::TestRoom;

const BEGINNING: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

/// Alice, White, and Bob, with a minute each and two seconds for a move.
fn timed() -> TestRoom<Chess> {
    with_clock(json!({"minutes": 1, "increment": 2}))
}

fn with_clock(clock: Value) -> TestRoom<Chess> {
    let mut room = TestRoom::with_options(json!({ "clock": clock }));
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    room.received("alice");
    room.received("bob");
    room
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const MILLISECOND: Duration = Duration::from_millis(1);

fn now(room: &TestRoom<Chess>) -> u64 {
    room.now().as_millis()
}

/// What White and Black have left, in milliseconds, as of when the clock that runs was started.
fn left(room: &TestRoom<Chess>) -> (u64, u64) {
    let clocks = &room.view("bob")["clocks"];
    let of = |side: &str| clocks[side].as_u64().unwrap();
    (of("white"), of("black"))
}

fn last(room: &mut TestRoom<Chess>, user: &str) -> Value {
    room.received(user).pop().unwrap()
}

#[test]
fn without_options_there_is_no_clock() {
    let mut room = game();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(seconds(24 * 60 * 60));
    assert_eq!(outcome(&room), Value::Null);
    assert_eq!(room.view("bob")["clocks"], Value::Null);
}

#[test]
fn a_clock_that_makes_no_sense_opens_no_room() {
    let minutes = "the room's options: `minutes` are 0.25 to 180, in quarters of a minute";
    let increment = "the room's options: `increment` is 0 to 60, in whole seconds";
    let shape = "expected a `clock`, such as {\"minutes\": 5, \"increment\": 3}";
    for (options, words) in [
        (json!({"clock": {"minutes": 0}}), minutes),
        (json!({"clock": {"minutes": -5}}), minutes),
        (json!({"clock": {"minutes": 0.3}}), minutes),
        (json!({"clock": {"minutes": 180.25}}), minutes),
        (json!({"clock": {"minutes": 1e300}}), minutes),
        (json!({"clock": {"minutes": 5, "increment": 61}}), increment),
        (
            json!({"clock": {"minutes": 5, "increment": 0.5}}),
            increment,
        ),
        (json!({"clock": {"minutes": 5, "increment": -1}}), increment),
        (
            json!({"clock": {"increment": 3}}),
            "missing field `minutes`",
        ),
        (json!({"clock": "5+3"}), shape),
        (json!({"clocks": {"minutes": 5}}), "unknown field `clocks`"),
    ] {
        let mut room = TestRoom::<Chess>::with_options(options);
        let refused = room.join("alice").unwrap_err();
        assert_eq!(refused.code(), "rejected");
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[test]
fn every_clock_that_makes_sense_opens_a_room() {
    for (clock, milliseconds) in [
        (json!({"minutes": 0.25}), 15_000),
        (json!({"minutes": 1.5, "increment": 0}), 90_000),
        (json!({"minutes": 180, "increment": 60}), 10_800_000),
    ] {
        let room = with_clock(clock);
        assert_eq!(left(&room), (milliseconds, milliseconds));
    }
    let room = with_clock(Value::Null);
    assert_eq!(room.view("bob")["clocks"], Value::Null);
}

#[test]
fn the_first_move_of_each_is_free() {
    let mut room = timed();
    let still = json!({"white": 60_000, "black": 60_000, "running": null, "at": null});
    assert_eq!(room.view("bob")["clocks"], still);
    room.advance(seconds(600));
    play(&mut room, "e2e4").unwrap();
    assert_eq!(last(&mut room, "bob")["clocks"], still);
    room.advance(seconds(600));
    play(&mut room, "e7e5").unwrap();
    let at = now(&room);
    let running = json!({"white": 60_000, "black": 60_000, "running": "white", "at": at});
    assert_eq!(last(&mut room, "bob")["clocks"], running);
    assert_eq!(room.view("alice")["clocks"], running);
}

#[test]
fn a_move_stops_the_clock_and_adds_the_increment() {
    let mut room = timed();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(Duration::from_millis(10_250));
    play(&mut room, "g1f3").unwrap();
    let made = last(&mut room, "bob");
    assert_eq!(
        made["clocks"],
        json!({"white": 51_750, "black": 60_000, "running": "black", "at": now(&room)})
    );
    room.advance(seconds(1));
    play(&mut room, "b8c6").unwrap();
    assert_eq!(left(&room), (51_750, 61_000));
}

#[test]
fn the_flag_falls_at_its_time_and_not_before() {
    let mut room = timed();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.received("bob");
    room.advance(seconds(60) - MILLISECOND);
    assert_eq!(room.received("bob"), [] as [Value; 0]);
    room.advance(MILLISECOND);
    let mut over = game_over("0-1", "timeout");
    over["clocks"] = json!({"white": 0, "black": 60_000, "running": null, "at": null});
    assert_eq!(room.received("bob"), [over]);
    assert_refused(play(&mut room, "g1f3"), "the game is over");
    room.advance(seconds(600));
    assert_eq!(room.received("bob"), [] as [Value; 0]);
}

#[test]
fn a_move_in_the_last_moment_saves_the_flag_and_the_next_one_has_its_own_time() {
    let mut room = timed();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(seconds(60) - MILLISECOND);
    play(&mut room, "g1f3").unwrap();
    assert_eq!(left(&room), (2_001, 60_000));
    room.advance(seconds(60) - MILLISECOND);
    assert_eq!(outcome(&room), Value::Null);
    room.advance(MILLISECOND);
    assert_eq!(outcome(&room), ended("1-0", "timeout"));
}

#[test]
fn after_the_game_no_clock_runs_and_no_flag_falls() {
    let mut room = timed();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(seconds(5));
    say(&mut room, "bob", "Resign").unwrap();
    assert_eq!(left(&room), (55_000, 60_000));
    room.received("bob");
    room.advance(seconds(600));
    assert_eq!(room.received("bob"), [] as [Value; 0]);
    assert_eq!(outcome(&room), ended("1-0", "resignation"));
}

#[test]
fn time_that_is_up_against_too_little_to_mate_with_is_a_draw() {
    for (position, result) in [
        ("6k1/8/8/8/8/8/8/QK6 w - - 0 1", "1/2-1/2"),
        ("5bk1/8/8/8/8/8/8/QK6 w - - 0 1", "1/2-1/2"),
        ("5bk1/8/8/8/8/8/8/BK6 w - - 0 1", "1/2-1/2"),
        ("5nk1/8/8/8/8/8/8/QK6 w - - 0 1", "1/2-1/2"),
        ("5nk1/8/8/8/8/8/8/RK6 w - - 0 1", "0-1"),
        ("5bk1/8/8/8/8/8/8/RKN5 w - - 0 1", "0-1"),
        ("5bk1/8/8/8/8/8/P7/QK6 w - - 0 1", "0-1"),
        ("5bk1/8/8/8/8/8/8/KB6 w - - 0 1", "0-1"),
        ("4nnk1/8/8/8/8/8/8/QK6 w - - 0 1", "0-1"),
        ("6k1/p7/8/8/8/8/8/QK6 w - - 0 1", "0-1"),
        ("6k1/r7/8/8/8/8/8/QK6 w - - 0 1", "0-1"),
    ] {
        let mut room = timed();
        play(&mut room, "e2e4 e7e5").unwrap();
        let board: Board = position.parse().unwrap();
        room.state_mut().position = board.into();
        room.advance(seconds(60));
        assert_eq!(outcome(&room), ended(result, "timeout"), "{position}");
    }
}

#[test]
fn a_clock_runs_on_while_its_player_is_cut_off() {
    let mut room = timed();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(seconds(50));
    room.disconnect("alice");
    room.advance(seconds(10) - MILLISECOND);
    assert_eq!(outcome(&room), Value::Null);
    room.advance(MILLISECOND);
    assert_eq!(outcome(&room), ended("0-1", "timeout"));
}

#[test]
fn whoever_is_cut_off_for_too_long_has_lost() {
    let mut room = game();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.received("alice");
    room.disconnect("bob");
    let until = now(&room) + 20_000;
    let gone = json!({"type": "Disconnected", "by": "bob", "until": until});
    assert_eq!(room.received("alice"), [gone]);
    assert_eq!(room.view("alice")["black"]["away"], until);
    room.advance(seconds(20) - MILLISECOND);
    assert_eq!(room.received("alice"), [] as [Value; 0]);
    room.advance(MILLISECOND);
    assert_eq!(room.received("alice"), [game_over("1-0", "abandoned")]);
    assert_eq!(room.view("alice")["black"]["user"], "bob");
    assert_eq!(room.view("alice")["black"]["away"], Value::Null);
}

#[test]
fn whoever_is_back_in_time_plays_on() {
    let mut room = game();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.received("bob");
    room.disconnect("alice");
    room.advance(seconds(20) - MILLISECOND);
    room.reconnect("alice").unwrap();
    let back = json!({"type": "Reconnected", "by": "alice"});
    assert_eq!(last(&mut room, "bob"), back);
    assert_eq!(room.view("bob")["white"]["away"], Value::Null);
    room.advance(seconds(600));
    play(&mut room, "g1f3").unwrap();
}

#[test]
fn whoever_says_goodbye_has_lost_at_once() {
    for (user, other, result) in [("alice", "bob", "0-1"), ("bob", "alice", "1-0")] {
        let mut room = game();
        play(&mut room, "e2e4 e7e5").unwrap();
        room.received(other);
        room.leave(user);
        assert_eq!(room.received(other), [game_over(result, "abandoned")]);
    }
}

#[test]
fn a_game_is_not_lost_before_both_have_moved() {
    let mut room = game();
    play(&mut room, "e2e4").unwrap();
    room.leave("bob");
    assert_eq!(last(&mut room, "alice"), game_over("*", "aborted"));
    let mut room = game();
    room.disconnect("alice");
    room.advance(seconds(20));
    assert_eq!(last(&mut room, "bob"), game_over("*", "aborted"));
}

#[test]
fn leaving_before_the_game_or_after_it_changes_no_result() {
    let mut room = TestRoom::<Chess>::new();
    room.join("alice").unwrap();
    room.watch("carol").unwrap();
    room.leave("alice");
    assert_eq!(room.received("carol"), [] as [Value; 0]);
    assert_eq!(room.view("carol")["white"], Value::Null);
    let mut room = game();
    say(&mut room, "bob", "Resign").unwrap();
    room.received("alice");
    room.leave("bob");
    assert_eq!(room.received("alice"), [] as [Value; 0]);
    assert_eq!(outcome(&room), ended("1-0", "resignation"));
}

#[test]
fn a_rematch_begins_when_both_want_it_with_colours_changed_and_clocks_reset() {
    let mut room = timed();
    room.watch("carol").unwrap();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.advance(seconds(60));
    room.received("alice");
    room.received("carol");
    say(&mut room, "alice", "Rematch").unwrap();
    let words = "you have already asked for a rematch";
    assert_refused(say(&mut room, "alice", "Rematch"), words);
    assert_eq!(room.view("bob")["rematch"], "alice");
    say(&mut room, "bob", "Rematch").unwrap();
    let still = json!({"white": 60_000, "black": 60_000, "running": null, "at": null});
    let told = [
        json!({"type": "RematchOffered", "by": "alice"}),
        json!({"type": "GameStart", "white": "bob", "black": "alice", "fen": BEGINNING,
            "clocks": still}),
    ];
    assert_eq!(room.received("alice"), told);
    assert_eq!(room.received("carol"), told);
    let view = room.view("carol");
    assert_eq!(
        [&view["moves"], &view["rematch"], &view["outcome"]],
        [&json!([]), &Value::Null, &Value::Null]
    );
    let pawn = |from: &str, to: &str| json!({"type": "Move", "from": from, "to": to});
    let early = room.send("alice", pawn("e2", "e4")).map(drop);
    assert_refused(early, "it is not your turn");
    room.send("bob", pawn("e2", "e4")).unwrap();
    room.send("alice", pawn("e7", "e5")).unwrap();
    room.advance(seconds(60));
    assert_eq!(outcome(&room), ended("0-1", "timeout"));
}

#[test]
fn there_is_no_rematch_before_the_end_or_with_someone_who_has_left() {
    let mut room = TestRoom::<Chess>::new();
    room.join("alice").unwrap();
    let waiting = "the game has not started: your opponent is not here yet";
    assert_refused(say(&mut room, "alice", "Rematch"), waiting);
    room.join("bob").unwrap();
    assert_refused(
        say(&mut room, "alice", "Rematch"),
        "the game is not over yet",
    );
    say(&mut room, "alice", "Resign").unwrap();
    say(&mut room, "bob", "Rematch").unwrap();
    room.leave("bob");
    assert_eq!(room.view("alice")["rematch"], Value::Null);
    let left = "your opponent has left: whoever comes next plays you";
    assert_refused(say(&mut room, "alice", "Rematch"), left);
}

#[test]
fn a_newcomer_on_the_free_seat_plays_the_next_game_once_both_want_it() {
    let mut room = timed();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.leave("alice");
    room.join("carol").unwrap();
    // The end of the last game stays to be seen.
    assert_eq!(room.view("carol")["outcome"], ended("0-1", "abandoned"));
    assert_eq!(room.view("carol")["white"]["user"], "alice");
    say(&mut room, "carol", "Rematch").unwrap();
    say(&mut room, "bob", "Rematch").unwrap();
    let start = last(&mut room, "bob");
    assert_eq!(
        [&start["type"], &start["white"], &start["black"]],
        ["GameStart", "bob", "carol"]
    );
    assert_eq!(left(&room), (60_000, 60_000));
    assert_eq!(room.view("bob")["moves"], json!([]));
    room.send("bob", json!({"type": "Move", "from": "e2", "to": "e4"}))
        .unwrap();
    say(&mut room, "carol", "Resign").unwrap();
    say(&mut room, "carol", "Rematch").unwrap();
    say(&mut room, "bob", "Rematch").unwrap();
    assert_eq!(last(&mut room, "bob")["white"], "carol");
}

#[test]
fn two_who_both_left_and_come_back_may_play_again() {
    let mut room = game();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.watch("carol").unwrap();
    room.leave("alice");
    room.leave("bob");
    room.join("bob").unwrap();
    room.join("alice").unwrap();
    say(&mut room, "alice", "Rematch").unwrap();
    say(&mut room, "bob", "Rematch").unwrap();
    let start = last(&mut room, "carol");
    assert_eq!(start["fen"], BEGINNING);
    let (white, black) = (start["white"].as_str(), start["black"].as_str());
    assert_ne!(white, black);
    let pawn = |from: &str, to: &str| json!({"type": "Move", "from": from, "to": to});
    room.send(white.unwrap(), pawn("e2", "e4")).unwrap();
    room.send(black.unwrap(), pawn("e7", "e5")).unwrap();
}

#[test]
fn whoever_comes_back_too_late_sees_how_it_ended() {
    let mut room = game();
    play(&mut room, "e2e4 e7e5").unwrap();
    room.disconnect("alice");
    room.advance(seconds(20));
    room.reconnect("alice").unwrap();
    assert_eq!(outcome(&room), ended("0-1", "abandoned"));
    say(&mut room, "alice", "Rematch").unwrap();
    say(&mut room, "bob", "Rematch").unwrap();
    assert_eq!(last(&mut room, "alice")["white"], "bob");
}

#[test]
fn anyone_may_ask_for_the_servers_time() {
    let mut room = timed();
    room.watch("carol").unwrap();
    room.advance(seconds(7));
    for user in ["alice", "carol"] {
        let reply = room.send(user, json!({"type": "Time"})).unwrap();
        assert_eq!(reply, Some(json!(now(&room))));
    }
}
