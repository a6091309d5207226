//! The game at a table: every rule, in a room without a socket and with dice from a seed.

mod around;
mod bots;
mod live;
mod secrets;

use crate::dice::LiarsDice;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tapaculo::{
    prelude::UserId,
    testing::{Refused, TestRoom},
};

const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// So many people at a table, and the game begun.
fn game_of(people: usize, mut room: TestRoom<LiarsDice>) -> TestRoom<LiarsDice> {
    for user in &PEOPLE[..people] {
        room.join(user).unwrap();
    }
    if people < 6 {
        say(&mut room, "alice", "Start").unwrap();
    }
    for user in &PEOPLE[..people] {
        room.received(user);
    }
    room
}

fn game(people: usize) -> TestRoom<LiarsDice> {
    game_of(people, TestRoom::new())
}

/// The same, with this one as the first to bid.
fn game_opened_by(user: &str, people: usize) -> TestRoom<LiarsDice> {
    let mut games = (0..).map(|seed| game_of(people, TestRoom::with_seed(seed)));
    games.find(|room| turn(room) == user).unwrap()
}

fn say(room: &mut TestRoom<LiarsDice>, user: &str, kind: &str) -> Result<(), Refused> {
    room.send(user, json!({"type": kind})).map(drop)
}

fn bid(room: &mut TestRoom<LiarsDice>, user: &str, count: u8, face: u8) -> Result<(), Refused> {
    let message = json!({"type": "Bid", "count": count, "face": face});
    room.send(user, message).map(drop)
}

/// Whose turn it is.
fn turn(room: &TestRoom<LiarsDice>) -> String {
    let cups = &room.state().cups;
    cups.turn().expect("there is a game").to_string()
}

/// Puts dice under a cup.
fn set_dice(room: &mut TestRoom<LiarsDice>, user: &str, dice: &[u8]) {
    let dice = dice.iter().map(|die| (*die).try_into().unwrap()).collect();
    room.state_mut().cups.put(&id(user), dice);
}

/// How many dice everybody has, in the order of the turns.
fn left(room: &TestRoom<LiarsDice>) -> Vec<u64> {
    let view = room.view("alice");
    let players = view["players"].as_array().unwrap();
    let dice = players.iter().map(|player| player["dice"].as_u64());
    dice.collect::<Option<_>>().unwrap()
}

fn id(user: &str) -> UserId {
    UserId::new(user).unwrap()
}

fn stage(room: &TestRoom<LiarsDice>) -> String {
    room.view("alice")["stage"].as_str().unwrap().to_owned()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const MILLISECOND: Duration = Duration::from_millis(1);

fn last(room: &mut TestRoom<LiarsDice>, user: &str) -> Value {
    room.received(user).pop().unwrap()
}

#[track_caller]
fn assert_refused(result: Result<(), Refused>, words: &str) {
    let refused = result.unwrap_err();
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        ("rejected", words)
    );
}

/// Whoever's turn it is says something that the rules allow, at random.
fn say_anything(room: &mut TestRoom<LiarsDice>, rng: &mut StdRng) {
    let (user, cups) = (turn(room), &room.state().cups);
    let (dice, last) = (cups.dice(), cups.last_bid());
    let (count, face) = last.map_or((1, 0), |bid| (bid.count, bid.face.into()));
    let raises = (count..=dice).flat_map(|n| (1..=6).map(move |face| (n, face)));
    let raises: Vec<_> = raises.filter(|raise| *raise > (count, face)).collect();
    let doubts = last.is_some() && rng.random_bool(0.3);
    if raises.is_empty() || doubts {
        say(room, &user, "Liar").unwrap();
    } else {
        // Near ones, so that there are rounds of some length.
        let (count, face) = raises[rng.random_range(0..raises.len().min(8))];
        bid(room, &user, count, face).unwrap();
    }
}

#[test]
fn whoever_sits_at_the_table_starts_the_game_once_there_are_two() {
    let mut room = TestRoom::<LiarsDice>::new();
    room.join_named("alice", "Alice").unwrap();
    let alone = "it takes two: send somebody the link, or ask for a bot";
    assert_refused(say(&mut room, "alice", "Start"), alone);
    room.join("bob").unwrap();
    room.received("bob");
    say(&mut room, "alice", "Start").unwrap();
    let players = json!([{"user": "alice", "name": "Alice", "dice": 5},
        {"user": "bob", "name": null, "dice": 5}]);
    let told = room.received("bob");
    assert_eq!(told[0], json!({"type": "GameStart", "players": players}));
    let until = (room.now() + seconds(30)).as_millis();
    assert_eq!(
        told[1],
        json!({"type": "RoundStart", "round": 1, "players": players, "turn": turn(&room),
            "until": until})
    );
    assert_eq!(told[2]["type"], "YourDice");
    assert_eq!(told.len(), 3);
    assert_refused(
        say(&mut room, "bob", "Start"),
        "wait for the end of the game",
    );
}

#[test]
fn six_are_all_and_begin_at_once() {
    let room = game(6);
    assert_eq!(
        (stage(&room).as_str(), left(&room)),
        ("bidding", vec![5; 6])
    );
}

#[test]
fn the_first_to_bid_is_drawn() {
    let first = |seed| turn(&game_of(3, TestRoom::with_seed(seed)));
    let all: BTreeSet<_> = (0..50).map(first).collect();
    assert_eq!(all.len(), 3);
}

#[test]
fn dice_come_from_the_rooms_own_randomness() {
    let dice = |seed| game_of(2, TestRoom::with_seed(seed)).view("alice")["mine"].clone();
    assert_eq!(dice(1), dice(1));
    let all: BTreeSet<_> = (0..20).map(|seed| dice(seed).to_string()).collect();
    assert!(all.len() > 15, "{all:?}");
}

#[test]
fn a_bid_is_told_to_everyone_and_the_next_has_the_turn() {
    let mut room = game(3);
    room.watch("zoe").unwrap();
    room.received("zoe");
    let first = turn(&room);
    bid(&mut room, &first, 3, 5).unwrap();
    let next = turn(&room);
    assert_ne!(first, next);
    let until = (room.now() + seconds(30)).as_millis();
    let made = json!({"type": "BidMade", "by": first, "count": 3, "face": 5, "late": false,
        "turn": next, "until": until});
    for user in ["alice", "bob", "carol", "zoe"] {
        assert_eq!(last(&mut room, user), made, "{user}");
    }
    let said = json!({"by": first, "count": 3, "face": 5, "late": false});
    assert_eq!(room.view("zoe")["bids"], json!([said]));
}

#[test]
fn the_turn_goes_around_the_table() {
    let mut room = game(3);
    let mut turns = Vec::new();
    for face in 1..=6 {
        turns.push(turn(&room));
        bid(&mut room, &turns[turns.len() - 1], 1, face).unwrap();
    }
    let seats = turns
        .iter()
        .map(|user| PEOPLE.iter().position(|one| one == user).unwrap());
    let seats: Vec<_> = seats.collect();
    assert!(
        seats.windows(2).all(|two| two[1] == (two[0] + 1) % 3),
        "{turns:?}"
    );
}

#[test]
fn a_bid_rises_or_is_refused_and_nothing_has_changed() {
    let mut room = game(2);
    let (one, other) = (
        turn(&room),
        if turn(&room) == "alice" {
            "bob"
        } else {
            "alice"
        },
    );
    bid(&mut room, &one, 3, 4).unwrap();
    let before = room.view("alice");
    let words = "3 fours is the last bid: bid more dice, or as many of a higher face";
    for (count, face) in [(3, 4), (3, 3), (3, 1), (2, 6), (1, 5)] {
        assert_refused(bid(&mut room, other, count, face), words);
    }
    assert_refused(bid(&mut room, other, 0, 6), "a bid is of one die at least");
    assert_refused(
        bid(&mut room, other, 11, 1),
        "there are only 10 dice on the table",
    );
    for face in [0, 7] {
        let refused = bid(&mut room, other, 4, face).unwrap_err();
        assert_eq!(refused.code(), "bad_message");
        assert!(refused.to_string().contains("faces 1 to 6"), "{refused}");
    }
    assert_eq!(room.view("alice"), before);
    bid(&mut room, other, 3, 5).unwrap();
    bid(&mut room, &one, 4, 1).unwrap();
    bid(&mut room, other, 10, 6).unwrap();
}

#[test]
fn only_whose_turn_it_is_may_bid_or_doubt() {
    let mut room = game(3);
    room.watch("zoe").unwrap();
    let first = turn(&room);
    assert_refused(say(&mut room, &first, "Liar"), "nobody has bid yet");
    bid(&mut room, &first, 1, 1).unwrap();
    let next = turn(&room);
    for user in PEOPLE[..3].iter().filter(|user| **user != next) {
        assert_refused(bid(&mut room, user, 2, 2), "it is not your turn");
        assert_refused(say(&mut room, user, "Liar"), "it is not your turn");
    }
    for message in [json!({"type": "Liar"}), json!({"type": "Start"})] {
        let refused = room.send("zoe", message).unwrap_err();
        assert_eq!(refused.code(), "spectator");
    }
    // Whoever has sat down since plays the next game.
    room.join("dave").unwrap();
    assert_refused(bid(&mut room, "dave", 2, 2), "you are not in this game");
}

/// Alice and Bob, Alice bids; Bob says that it is a lie.
fn challenge(alice: &[u8], bob: &[u8], count: u8, face: u8) -> TestRoom<LiarsDice> {
    let mut room = game_opened_by("alice", 2);
    set_dice(&mut room, "alice", alice);
    set_dice(&mut room, "bob", bob);
    bid(&mut room, "alice", count, face).unwrap();
    room.received("bob");
    say(&mut room, "bob", "Liar").unwrap();
    room
}

#[test]
fn who_doubts_a_true_bid_loses_a_die_also_if_there_are_more() {
    for (count, there) in [(3, 3), (2, 3), (1, 3)] {
        let mut room = challenge(&[4, 4, 1, 2, 3], &[4, 1, 1, 1, 6], count, 4);
        let told = last(&mut room, "bob");
        let until = (room.now() + seconds(9)).as_millis();
        let expected = json!({
            "type": "Uncovered",
            "by": "bob",
            "late": false,
            "bid": {"by": "alice", "count": count, "face": 4, "late": false},
            "count": there,
            "hands": [{"user": "alice", "dice": [4, 4, 1, 2, 3]},
                {"user": "bob", "dice": [4, 1, 1, 1, 6]}],
            "loser": "bob",
            "until": until,
        });
        assert_eq!(told, expected);
        assert_eq!(left(&room), [5, 4]);
    }
}

#[test]
fn who_is_caught_with_a_lie_loses_a_die() {
    let mut room = challenge(&[4, 4, 1, 2, 3], &[4, 1, 1, 1, 6], 4, 4);
    let told = last(&mut room, "bob");
    assert_eq!(
        (&told["count"], &told["loser"]),
        (&json!(3), &json!("alice"))
    );
    assert_eq!(left(&room), [4, 5]);
}

#[test]
fn ones_are_just_ones() {
    let mut room = challenge(&[4, 1, 1, 1, 1], &[1, 1, 1, 1, 1], 2, 4);
    let told = last(&mut room, "bob");
    assert_eq!(
        (&told["count"], &told["loser"]),
        (&json!(1), &json!("alice"))
    );
}

#[test]
fn the_loser_opens_the_next_round_when_all_have_looked() {
    let mut room = challenge(&[4, 4, 1, 2, 3], &[4, 1, 1, 1, 6], 4, 4);
    for user in ["alice", "bob"] {
        assert_refused(bid(&mut room, user, 9, 1), "wait for the next round");
    }
    room.received("bob");
    room.advance(seconds(9) - MILLISECOND);
    assert_eq!(stage(&room), "uncovered");
    room.advance(MILLISECOND);
    let told = room.received("bob");
    assert_eq!(
        (&told[0]["type"], &told[0]["round"]),
        (&json!("RoundStart"), &json!(2))
    );
    assert_eq!(
        (told[0]["turn"].as_str(), turn(&room).as_str()),
        (Some("alice"), "alice")
    );
    assert_eq!(told[1]["dice"].as_array().unwrap().len(), 5);
    assert_eq!(room.view("alice")["mine"].as_array().unwrap().len(), 4);
    assert_eq!(room.view("alice")["bids"], json!([]));
}

#[test]
fn the_next_round_begins_at_once_when_all_people_are_ready() {
    let mut room = challenge(&[4, 4, 1, 2, 3], &[4, 1, 1, 1, 6], 4, 4);
    say(&mut room, "bob", "Ready").unwrap();
    assert_eq!(
        last(&mut room, "alice"),
        json!({"type": "Ready", "by": "bob"})
    );
    assert_eq!(room.view("alice")["ready"], json!(["bob"]));
    say(&mut room, "bob", "Ready").unwrap();
    assert_eq!(stage(&room), "uncovered");
    say(&mut room, "alice", "Ready").unwrap();
    assert_eq!(stage(&room), "bidding");
    assert_refused(say(&mut room, "alice", "Ready"), "the cups are still down");
    // The time to look does not run into the round.
    room.advance(seconds(10));
    assert_eq!(
        (stage(&room).as_str(), room.state().cups.round()),
        ("bidding", 2)
    );
}

#[test]
fn whoever_is_out_of_time_bids_the_smallest_raise() {
    let mut room = game(2);
    let (one, other) = (
        turn(&room),
        if turn(&room) == "alice" {
            "bob"
        } else {
            "alice"
        },
    );
    room.advance(seconds(30) - MILLISECOND);
    assert_eq!(room.received("alice"), [] as [Value; 0]);
    room.advance(MILLISECOND);
    let made = last(&mut room, "alice");
    let by = |made: &Value| {
        (
            made["by"].clone(),
            made["count"].clone(),
            made["face"].clone(),
        )
    };
    assert_eq!(by(&made), (json!(one), json!(1), json!(1)));
    assert_eq!(made["late"], true);
    bid(&mut room, other, 2, 6).unwrap();
    room.advance(seconds(30));
    assert_eq!(
        by(&last(&mut room, "alice")),
        (json!(one), json!(3), json!(1))
    );
}

#[test]
fn a_bid_in_the_last_moment_gives_the_next_all_of_the_time() {
    let mut room = game(2);
    room.advance(seconds(30) - MILLISECOND);
    let first = turn(&room);
    bid(&mut room, &first, 1, 1).unwrap();
    room.received("alice");
    room.advance(seconds(30) - MILLISECOND);
    assert_eq!(room.received("alice"), [] as [Value; 0]);
    room.advance(MILLISECOND);
    assert_eq!(last(&mut room, "alice")["late"], true);
}

#[test]
fn whoever_is_out_of_time_at_the_highest_bid_does_not_believe_it() {
    let mut room = game(2);
    let first = turn(&room);
    bid(&mut room, &first, 10, 6).unwrap();
    room.advance(seconds(30));
    let told = last(&mut room, "alice");
    assert_eq!(
        (&told["type"], &told["late"]),
        (&json!("Uncovered"), &json!(true))
    );
    assert_eq!(told["loser"], first.as_str());
}

#[test]
fn a_table_has_the_dice_and_the_time_that_it_was_opened_with() {
    let options = json!({"dice": 2, "seconds": 10});
    let mut room = game_of(2, TestRoom::with_options(options));
    assert_eq!(left(&room), [2, 2]);
    room.advance(seconds(10));
    assert_eq!(last(&mut room, "alice")["late"], true);
    for (options, words) in [
        (json!({"dice": 0}), "`dice` are 1 to 5 for each"),
        (json!({"dice": 6}), "`dice` are 1 to 5 for each"),
        (json!({"seconds": 4}), "`seconds` for a bid are 5 to 120"),
        (json!({"seconds": 121}), "`seconds` for a bid are 5 to 120"),
        (json!({"wild": true}), "unknown field `wild`"),
    ] {
        let mut room = TestRoom::<LiarsDice>::with_options(options);
        let refused = room.join("alice").unwrap_err();
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[test]
fn whoever_has_no_dice_is_out_and_the_last_with_dice_has_won() {
    let mut room = game_of(2, TestRoom::with_options(json!({"dice": 1})));
    let (first, other) = (
        turn(&room),
        if turn(&room) == "alice" {
            "bob"
        } else {
            "alice"
        },
    );
    set_dice(&mut room, &first, &[2]);
    set_dice(&mut room, other, &[3]);
    bid(&mut room, &first, 2, 2).unwrap();
    room.received("alice");
    say(&mut room, other, "Liar").unwrap();
    let told = room.received("alice");
    assert_eq!(
        (&told[0]["type"], &told[0]["until"]),
        (&json!("Uncovered"), &Value::Null)
    );
    assert_eq!(told[1..], [json!({"type": "GameOver", "winner": other})]);
    let view = room.view(&first);
    assert_eq!(
        (&view["stage"], &view["winner"]),
        (&json!("over"), &json!(other))
    );
    assert_eq!(
        view["uncovered"]["hands"][0]["dice"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_refused(bid(&mut room, other, 1, 1), "there is no game yet");
    // Nothing happens any more until somebody wants another one.
    room.advance(seconds(600));
    assert_eq!(room.received("alice"), [] as [Value; 0]);
    say(&mut room, &first, "Start").unwrap();
    assert_eq!(
        (stage(&room).as_str(), left(&room)),
        ("bidding", vec![1, 1])
    );
}

#[test]
fn every_game_of_random_play_ends_with_one_winner() {
    for seed in 0..60 {
        let people = 2 + usize::try_from(seed).unwrap() % 5;
        let mut room = game_of(people, TestRoom::with_seed(seed));
        let mut rng = StdRng::seed_from_u64(seed);
        let mut dice = 5 * people as u64;
        while stage(&room) != "over" {
            match stage(&room).as_str() {
                "bidding" => say_anything(&mut room, &mut rng),
                _ => {
                    assert_eq!(left(&room).iter().sum::<u64>(), dice - 1, "seed {seed}");
                    dice -= 1;
                    room.advance(seconds(9));
                }
            }
        }
        let alive = left(&room).iter().filter(|dice| **dice > 0).count();
        assert_eq!(alive, 1, "seed {seed}");
        let view = room.view("alice");
        let won = view["players"].as_array().unwrap().iter();
        let won = won.filter(|player| player["user"] == view["winner"]);
        assert!(won.map(|player| &player["dice"]).all(|dice| *dice != 0));
        assert!(room.failures().is_empty());
    }
}
