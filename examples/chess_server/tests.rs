//! The rules, against positions with known answers.

mod kept;
mod table;

use crate::chess::Chess;
use cozy_chess::Board;
use serde_json::{Value, json};
use tapaculo::testing::{Refused, TestRoom};

const CASTLES: &str = "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1";

/// Alice, White, and Bob, at the beginning of a game.
fn game() -> TestRoom<Chess> {
    let mut room = TestRoom::new();
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    room.received("alice");
    room.received("bob");
    room
}

/// The same, from this position on.
fn game_at(fen: &str) -> TestRoom<Chess> {
    let mut room = game();
    let board: Board = fen.parse().unwrap();
    room.state_mut().position = board.into();
    room
}

/// Sends `e2e4 a7a8q …`, each from the player whose turn it is; stops at the first refusal.
fn play(room: &mut TestRoom<Chess>, moves: &str) -> Result<(), Refused> {
    for uci in moves.split_whitespace() {
        let blacks = fen(room).contains(" b ");
        let mut message = json!({"type": "Move", "from": uci[..2], "to": uci[2..4]});
        if let Some(promotion) = uci.get(4..5) {
            message["promotion"] = promotion.into();
        }
        room.send(if blacks { "bob" } else { "alice" }, message)?;
    }
    Ok(())
}

fn say(room: &mut TestRoom<Chess>, user: &str, kind: &str) -> Result<(), Refused> {
    room.send(user, json!({"type": kind})).map(drop)
}

fn fen(room: &TestRoom<Chess>) -> String {
    room.view("alice")["fen"].as_str().unwrap().to_owned()
}

fn last_san(room: &TestRoom<Chess>) -> String {
    let view = room.view("alice");
    let moves = view["moves"].as_array().unwrap();
    moves.last().unwrap().as_str().unwrap().to_owned()
}

fn outcome(room: &TestRoom<Chess>) -> Value {
    room.view("alice")["outcome"].clone()
}

fn ended(result: &str, reason: &str) -> Value {
    json!({"result": result, "reason": reason})
}

fn game_over(result: &str, reason: &str) -> Value {
    json!({"type": "GameOver", "result": result, "reason": reason})
}

#[track_caller]
fn assert_refused(result: Result<(), Refused>, words: &str) {
    let refused = result.unwrap_err();
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        ("rejected", words)
    );
}

/// Each of the moves is illegal here, and leaves everything as it was.
#[track_caller]
fn assert_illegal(room: &mut TestRoom<Chess>, moves: &str) {
    let before = room.view("alice");
    for uci in moves.split_whitespace() {
        let words = format!("{} to {} is not a legal move", &uci[..2], &uci[2..4]);
        assert_refused(play(room, uci), &words);
    }
    assert_eq!(room.view("alice"), before);
}

#[test]
fn the_game_starts_when_both_sit_and_the_first_is_white() {
    let mut room = TestRoom::<Chess>::new();
    room.join("alice").unwrap();
    assert_eq!(room.received("alice"), [] as [Value; 0]);
    assert_eq!(room.view("alice")["turn"], Value::Null);
    room.join("bob").unwrap();
    let start = json!({
        "type": "GameStart",
        "white": "alice",
        "black": "bob",
        "fen": "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    });
    assert_eq!(room.received("alice").pop(), Some(start.clone()));
    assert_eq!(room.received("bob").pop(), Some(start));
    assert_eq!(room.view("bob")["turn"], "white");
}

#[test]
fn a_move_is_told_to_everyone() {
    let mut room = game();
    room.join("carol").unwrap();
    play(&mut room, "e2e4").unwrap();
    let made = json!({
        "type": "MoveMade",
        "by": "alice",
        "from": "e2",
        "to": "e4",
        "promotion": null,
        "san": "e4",
        "fen": "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1",
    });
    for user in ["alice", "bob"] {
        assert_eq!(room.received(user), std::slice::from_ref(&made));
    }
    assert_eq!(room.received("carol").pop(), Some(made));
}

#[test]
fn the_view_is_all_that_a_newcomer_needs() {
    let mut room = game();
    play(&mut room, "e2e4 e7e5 g1f3").unwrap();
    say(&mut room, "alice", "OfferDraw").unwrap();
    room.watch("carol").unwrap();
    let view = json!({
        "fen": "rnbqkbnr/pppp1ppp/8/4p3/4P3/5N2/PPPP1PPP/RNBQKB1R b KQkq - 1 2",
        "white": {"user": "alice", "name": null, "away": null},
        "black": {"user": "bob", "name": null, "away": null},
        "moves": ["e4", "e5", "Nf3"],
        "last_move": {"from": "g1", "to": "f3"},
        "turn": "black",
        "clock": null,
        "clocks": null,
        "draw_offer": "alice",
        "outcome": null,
        "rematch": null,
    });
    assert_eq!(room.view("carol"), view);
}

#[test]
fn nobody_moves_out_of_turn_or_anothers_pieces() {
    let mut room = game();
    let pawn = json!({"type": "Move", "from": "e7", "to": "e5"});
    let early = room.send("bob", pawn.clone()).map(drop);
    assert_refused(early, "it is not your turn");
    let anothers = room.send("alice", pawn).map(drop);
    assert_refused(anothers, "you have no piece on e7");
    assert_refused(play(&mut room, "e4e5"), "you have no piece on e4");
    assert_illegal(&mut room, "e2e5 e2d3 e1e2 f1b5 a1a2 g1e2");
    assert_eq!(room.received("bob"), [] as [Value; 0]);
}

#[test]
fn spectators_only_watch() {
    let mut room = game();
    room.watch("carol").unwrap();
    room.join("dave").unwrap();
    for user in ["carol", "dave"] {
        let message = json!({"type": "Move", "from": "e2", "to": "e4"});
        assert_eq!(room.send(user, message).unwrap_err().code(), "spectator");
        assert_eq!(
            say(&mut room, user, "Resign").unwrap_err().code(),
            "spectator"
        );
    }
    play(&mut room, "e2e4").unwrap();
}

#[test]
fn unknown_fields_are_ignored_and_wrong_ones_are_named() {
    let mut room = game();
    let wrong = [
        (json!({"type": "Move", "from": "e2"}), "`to`"),
        (
            json!({"type": "Move", "from": "e2", "to": "e9"}),
            "`e9` is not a square",
        ),
        (
            json!({"type": "Move", "from": "e2", "to": "E4"}),
            "`E4` is not a square",
        ),
        (json!({"type": "Move", "from": "e2", "to": 4}), "to"),
        (
            json!({"type": "Move", "from": "e2", "to": "e4", "promotion": "k"}),
            "promotion",
        ),
        (json!({"type": "Mvoe"}), "did you mean `Move`?"),
    ];
    for (message, words) in wrong {
        let refused = room.send("alice", message).unwrap_err();
        assert_eq!(refused.code(), "bad_message");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    let message = json!({"type": "Move", "from": "e2", "to": "e4", "by": "bob", "colour": 3});
    room.send("alice", message).unwrap();
}

#[test]
fn castling_is_the_kings_own_move_of_two_squares() {
    for (moves, san, fen_after) in [
        ("e1g1", "O-O", "r3k2r/8/8/8/8/8/8/R4RK1 b kq - 1 1"),
        ("e1c1", "O-O-O", "r3k2r/8/8/8/8/8/8/2KR3R b kq - 1 1"),
        ("a1b1 e8g8", "O-O", "r4rk1/8/8/8/8/8/8/1R2K2R w K - 2 2"),
        ("h1g1 e8c8", "O-O-O", "2kr3r/8/8/8/8/8/8/R3K1R1 w Q - 2 2"),
    ] {
        let mut room = game_at(CASTLES);
        play(&mut room, moves).unwrap();
        assert_eq!(
            (last_san(&room), fen(&room)),
            (san.into(), fen_after.into())
        );
    }
    let mut room = game();
    play(&mut room, "e2e4 e7e5 g1f3 b8c6 f1c4 g8f6 e1g1").unwrap();
    let made = room.received("bob").pop().unwrap();
    assert_eq!(
        (&made["from"], &made["to"], &made["san"]),
        (&json!("e1"), &json!("g1"), &json!("O-O"))
    );
}

#[test]
fn castling_by_taking_ones_own_rook_is_illegal() {
    assert_illegal(&mut game_at(CASTLES), "e1h1 e1a1");
}

#[test]
fn castling_is_lost_with_a_move_of_the_king_or_of_that_rook() {
    let mut king = game_at(CASTLES);
    play(&mut king, "e1e2 a8b8 e2e1 b8a8").unwrap();
    assert_illegal(&mut king, "e1g1 e1c1");
    let mut rook = game_at(CASTLES);
    play(&mut rook, "h1h2 a8b8 h2h1 b8a8").unwrap();
    assert_illegal(&mut rook, "e1g1");
    play(&mut rook, "e1c1").unwrap();
    assert_illegal(&mut rook, "e8c8");
    play(&mut rook, "e8g8").unwrap();
}

#[test]
fn castling_is_lost_with_the_rook_taken_even_if_another_comes() {
    let mut room = game_at("r3k2r/8/8/8/8/8/6b1/R3K2R b KQkq - 0 1");
    play(&mut room, "g2h1 a1b1 h1c6 b1b2 c6d7 b2h2 d7e6 h2h1 e6d7").unwrap();
    assert_illegal(&mut room, "e1g1");
}

#[test]
fn the_king_castles_neither_out_of_nor_through_nor_into_check() {
    assert_illegal(
        &mut game_at("4k3/8/8/8/4r3/8/8/R3K2R w KQ - 0 1"),
        "e1g1 e1c1",
    );
    assert_illegal(&mut game_at("4k3/8/8/8/5r2/8/8/R3K2R w KQ - 0 1"), "e1g1");
    assert_illegal(&mut game_at("4k3/8/8/8/2r5/8/8/R3K2R w KQ - 0 1"), "e1c1");
    let mut only_the_rook_is_attacked = game_at("1r2k3/8/8/8/8/8/8/R3K3 w Q - 0 1");
    play(&mut only_the_rook_is_attacked, "e1c1").unwrap();
}

#[test]
fn nothing_may_stand_between_king_and_rook() {
    assert_illegal(&mut game(), "e1g1 e1c1");
    assert_illegal(
        &mut game_at("4k3/8/8/8/8/8/8/RN2K1NR w KQ - 0 1"),
        "e1g1 e1c1",
    );
}

#[test]
fn a_pawn_that_just_passed_is_taken_en_passant() {
    let mut room = game();
    play(&mut room, "e2e4 a7a6 e4e5 d7d5").unwrap();
    assert_eq!(
        fen(&room),
        "rnbqkbnr/1pp1pppp/p7/3pP3/8/8/PPPP1PPP/RNBQKBNR w KQkq d6 0 3"
    );
    play(&mut room, "e5d6").unwrap();
    assert_eq!(last_san(&room), "exd6");
    assert_eq!(
        fen(&room),
        "rnbqkbnr/1pp1pppp/p2P4/8/8/8/PPPP1PPP/RNBQKBNR b KQkq - 0 3"
    );
}

#[test]
fn en_passant_lapses_with_the_next_move() {
    let mut room = game();
    play(&mut room, "e2e4 a7a6 e4e5 d7d5 h2h3 h7h6").unwrap();
    assert_illegal(&mut room, "e5d6");
}

#[test]
fn a_single_step_is_not_taken_en_passant() {
    let mut room = game();
    play(&mut room, "e2e4 d7d6 e4e5 a7a6 a2a3 d6d5").unwrap();
    assert_illegal(&mut room, "e5d6");
}

#[test]
fn en_passant_may_not_uncover_the_king() {
    let mut along_the_rank = game_at("7k/3p4/8/K3P2r/8/8/8/8 b - - 0 1");
    play(&mut along_the_rank, "d7d5").unwrap();
    assert_eq!(fen(&along_the_rank), "7k/8/8/K2pP2r/8/8/8/8 w - - 0 2");
    assert_illegal(&mut along_the_rank, "e5d6");
    let mut pinned = game_at("4r2k/3p4/8/4P3/8/8/8/4K3 b - - 0 1");
    play(&mut pinned, "d7d5").unwrap();
    assert_illegal(&mut pinned, "e5d6");
}

#[test]
fn a_pawn_becomes_any_of_four_pieces() {
    for (piece, san, letter) in [
        ("q", "a8=Q+", "Q"),
        ("r", "a8=R+", "R"),
        ("b", "a8=B", "B"),
        ("n", "a8=N", "N"),
    ] {
        let mut room = game_at("7k/P7/8/8/8/7p/8/K7 w - - 3 9");
        play(&mut room, &format!("a7a8{piece}")).unwrap();
        let made = room.received("bob").pop().unwrap();
        assert_eq!(
            (&made["san"], &made["promotion"]),
            (&json!(san), &json!(piece))
        );
        assert_eq!(made["fen"], format!("{letter}6k/8/8/8/8/7p/8/K7 b - - 0 9"));
    }
    let mut black = game_at("7k/8/8/8/8/8/p6P/1R5K b - - 0 1");
    play(&mut black, "a2b1n").unwrap();
    assert_eq!(last_san(&black), "axb1=N");
}

#[test]
fn a_knight_made_of_a_pawn_can_mate() {
    let mut room = game_at("rb6/k1P5/p1K5/8/8/8/8/8 w - - 0 1");
    play(&mut room, "c7c8n").unwrap();
    assert_eq!(last_san(&room), "c8=N#");
    assert_eq!(outcome(&room), ended("1-0", "checkmate"));
}

#[test]
fn a_promotion_is_named_where_it_is_due_and_only_there() {
    let mut room = game_at("7k/P7/8/8/8/8/1P6/K7 w - - 0 1");
    let missing = "the pawn promotes: choose `q`, `r`, `b` or `n` as its `promotion`";
    assert_refused(play(&mut room, "a7a8"), missing);
    assert_refused(play(&mut room, "b2b3q"), "this move promotes nothing");
    assert_refused(play(&mut room, "a1a2q"), "this move promotes nothing");
    assert_illegal(&mut room, "a7b8q a7b8");
    play(&mut room, "a7a8r").unwrap();
}

#[test]
fn checkmate_ends_the_game() {
    let mut room = game();
    play(&mut room, "f2f3 e7e5 g2g4 d8h4").unwrap();
    assert_eq!(last_san(&room), "Qh4#");
    assert_eq!(
        room.received("alice").pop(),
        Some(game_over("0-1", "checkmate"))
    );
    assert_eq!(outcome(&room), ended("0-1", "checkmate"));
    assert_eq!(room.view("bob")["turn"], Value::Null);
}

#[test]
fn stalemate_is_a_draw() {
    let mut room = game();
    let loyd = "e2e3 a7a5 d1h5 a8a6 h5a5 h7h5 h2h4 a6h6 a5c7 f7f6 c7d7 e8f7 d7b7 d8d3 b7b8 d3h7 \
                b8c8 f7g6";
    play(&mut room, loyd).unwrap();
    assert_eq!(outcome(&room), Value::Null);
    play(&mut room, "c8e6").unwrap();
    assert_eq!(
        room.received("bob").pop(),
        Some(game_over("1/2-1/2", "stalemate"))
    );
}

#[test]
fn too_little_to_mate_with_is_a_draw() {
    for fen in [
        "4k3/8/8/8/8/8/4p3/4K3 w - - 0 1",
        "4k3/8/8/8/8/8/4p3/4KB2 w - - 0 1",
        "4k3/8/8/8/8/8/4p3/4K1N1 w - - 0 1",
        "4kn2/8/8/8/8/8/4p3/4K3 w - - 0 1",
        "2b1k3/8/8/8/8/8/4p3/4KB2 w - - 0 1",
        "2b1k3/8/8/8/8/8/B3p3/4KB2 w - - 0 1",
    ] {
        let mut room = game_at(fen);
        play(&mut room, "e1e2").unwrap();
        assert_eq!(
            outcome(&room),
            ended("1/2-1/2", "insufficient_material"),
            "{fen}"
        );
    }
}

#[test]
fn what_could_still_mate_plays_on() {
    for fen in [
        "4kb2/8/8/8/8/8/4p3/4KB2 w - - 0 1",
        "4k3/8/8/8/8/8/4p3/2B1KB2 w - - 0 1",
        "4kn2/8/8/8/8/8/4p3/4K1N1 w - - 0 1",
        "4kn2/8/8/8/8/8/4p3/4KB2 w - - 0 1",
        "4k3/8/8/8/8/8/4p3/1N2K1N1 w - - 0 1",
        "4k3/8/8/8/8/8/P3p3/4K3 w - - 0 1",
        "4k2r/8/8/8/8/8/4p3/4K3 w - - 0 1",
    ] {
        let mut room = game_at(fen);
        play(&mut room, "e1e2").unwrap();
        assert_eq!(outcome(&room), Value::Null, "{fen}");
    }
}

#[test]
fn fifty_moves_without_a_capture_or_a_pawn_move_are_a_draw() {
    let mut room = game_at("4k3/8/8/8/8/8/R7/4K3 w - - 98 80");
    play(&mut room, "a2a3").unwrap();
    assert_eq!(outcome(&room), Value::Null);
    play(&mut room, "e8e7").unwrap();
    assert_eq!(
        room.received("alice").pop(),
        Some(game_over("1/2-1/2", "fifty_moves"))
    );
    let mut pawn = game_at("4k3/8/8/8/8/8/P7/R3K3 w - - 99 80");
    play(&mut pawn, "a2a3 e8e7").unwrap();
    assert_eq!(outcome(&pawn), Value::Null);
}

#[test]
fn mate_with_the_fiftieth_move_is_mate() {
    let mut room = game_at("7k/8/6K1/8/8/8/R7/8 w - - 99 80");
    play(&mut room, "a2a8").unwrap();
    assert_eq!(outcome(&room), ended("1-0", "checkmate"));
}

#[test]
fn the_same_position_for_the_third_time_is_a_draw() {
    let mut room = game();
    play(&mut room, "g1f3 g8f6 f3g1 f6g8 g1f3 g8f6 f3g1").unwrap();
    assert_eq!(outcome(&room), Value::Null);
    play(&mut room, "f6g8").unwrap();
    assert_eq!(outcome(&room), ended("1/2-1/2", "threefold_repetition"));
}

#[test]
fn positions_are_the_same_only_with_the_same_castling() {
    let mut room = game_at("4k3/8/8/8/8/8/8/4K2R w K - 0 1");
    let there_and_back = "h1g1 e8e7 g1h1 e7e8";
    play(&mut room, there_and_back).unwrap();
    play(&mut room, there_and_back).unwrap();
    assert_eq!(outcome(&room), Value::Null);
    play(&mut room, "h1g1").unwrap();
    assert_eq!(outcome(&room), ended("1/2-1/2", "threefold_repetition"));
}

#[test]
fn positions_are_the_same_only_with_the_same_en_passant() {
    let there_and_back = "e8d8 e1d1 d8e8 d1e1";
    let mut possible = game_at("4k3/8/8/8/3p4/8/4P3/4K3 w - - 0 1");
    play(&mut possible, "e2e4").unwrap();
    play(&mut possible, there_and_back).unwrap();
    play(&mut possible, there_and_back).unwrap();
    assert_eq!(outcome(&possible), Value::Null);
    let mut impossible = game_at("4k3/8/8/3p4/8/8/4P3/4K3 w - - 0 1");
    play(&mut impossible, "e2e4").unwrap();
    play(&mut impossible, there_and_back).unwrap();
    play(&mut impossible, there_and_back).unwrap();
    assert_eq!(
        outcome(&impossible),
        ended("1/2-1/2", "threefold_repetition")
    );
}

#[test]
fn either_resigns_at_any_time() {
    for (user, result) in [("alice", "0-1"), ("bob", "1-0")] {
        let mut room = game();
        say(&mut room, user, "Resign").unwrap();
        for member in ["alice", "bob"] {
            assert_eq!(room.received(member), [game_over(result, "resignation")]);
        }
    }
}

#[test]
fn an_accepted_draw_offer_ends_the_game() {
    let mut room = game();
    say(&mut room, "bob", "OfferDraw").unwrap();
    say(&mut room, "alice", "AcceptDraw").unwrap();
    let told = [
        json!({"type": "DrawOffered", "by": "bob"}),
        game_over("1/2-1/2", "agreement"),
    ];
    assert_eq!(room.received("alice"), told);
    assert_eq!(room.received("bob"), told);
}

#[test]
fn a_declined_draw_offer_is_gone() {
    let mut room = game();
    say(&mut room, "alice", "OfferDraw").unwrap();
    say(&mut room, "bob", "DeclineDraw").unwrap();
    let declined = json!({"type": "DrawDeclined", "by": "bob"});
    assert_eq!(room.received("alice").pop(), Some(declined));
    assert_refused(
        say(&mut room, "bob", "AcceptDraw"),
        "your opponent has not offered a draw",
    );
    say(&mut room, "alice", "OfferDraw").unwrap();
}

#[test]
fn a_draw_offer_lapses_when_the_opponent_moves() {
    let mut room = game();
    say(&mut room, "alice", "OfferDraw").unwrap();
    play(&mut room, "e2e4").unwrap();
    assert_eq!(room.view("bob")["draw_offer"], "alice");
    play(&mut room, "e7e5").unwrap();
    assert_eq!(room.view("bob")["draw_offer"], Value::Null);
    assert_refused(
        say(&mut room, "bob", "AcceptDraw"),
        "your opponent has not offered a draw",
    );
    say(&mut room, "alice", "OfferDraw").unwrap();
}

#[test]
fn only_the_opponents_offer_can_be_answered_and_only_one_made() {
    let mut room = game();
    for kind in ["AcceptDraw", "DeclineDraw"] {
        assert_refused(
            say(&mut room, "bob", kind),
            "your opponent has not offered a draw",
        );
    }
    say(&mut room, "alice", "OfferDraw").unwrap();
    assert_refused(
        say(&mut room, "alice", "OfferDraw"),
        "you have already offered a draw",
    );
    for kind in ["AcceptDraw", "DeclineDraw"] {
        assert_refused(
            say(&mut room, "alice", kind),
            "your opponent has not offered a draw",
        );
    }
    let words = "your opponent offers a draw already: accept it";
    assert_refused(say(&mut room, "bob", "OfferDraw"), words);
    say(&mut room, "bob", "AcceptDraw").unwrap();
}

#[test]
fn nothing_is_played_before_the_game_or_after_it() {
    let mut room = TestRoom::<Chess>::new();
    room.join("alice").unwrap();
    let not_started = "the game has not started: your opponent is not here yet";
    for kind in ["Resign", "OfferDraw", "AcceptDraw", "DeclineDraw"] {
        assert_refused(say(&mut room, "alice", kind), not_started);
    }
    assert_refused(play(&mut room, "e2e4"), not_started);
    room.join("bob").unwrap();
    say(&mut room, "alice", "Resign").unwrap();
    for kind in ["Resign", "OfferDraw", "AcceptDraw", "DeclineDraw"] {
        assert_refused(say(&mut room, "bob", kind), "the game is over");
    }
    assert_refused(play(&mut room, "e2e4"), "the game is over");
}
