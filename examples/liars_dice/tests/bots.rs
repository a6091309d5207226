//! Bots, as the room sees them: members that it has asked for, and that don't stay alone.

use super::{
    assert_refused, bid, game_of, id, last, left, say, say_anything, seconds, stage, turn,
};
use crate::{
    bots::{self, Agency, Answer, Call, Turn},
    dice::LiarsDice,
};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tapaculo::testing::TestRoom;
use tokio::sync::mpsc::UnboundedReceiver;

/// Alice at a table whose agency has so many bots.
fn table(bots: usize) -> (TestRoom<LiarsDice>, UnboundedReceiver<Call>) {
    let mut room = TestRoom::<LiarsDice>::new();
    room.join("alice").unwrap();
    let (agency, calls) = Agency::new(bots);
    room.state_mut().agency = Some(agency);
    (room, calls)
}

/// Asks for a bot, which comes.
fn add_bot(room: &mut TestRoom<LiarsDice>, calls: &mut UnboundedReceiver<Call>) -> (String, Call) {
    say(room, "alice", "AddBot").unwrap();
    let call = calls.try_recv().expect("the agency was called");
    let user = call.user.to_string();
    room.join_named(&user, call.name).unwrap();
    (user, call)
}

fn remove_bot(
    room: &mut TestRoom<LiarsDice>,
    user: &str,
) -> Result<(), tapaculo::testing::Refused> {
    room.send("alice", json!({"type": "RemoveBot", "user": user}))
        .map(drop)
}

#[test]
fn a_bot_comes_when_it_is_asked_for_and_plays_as_others_do() {
    let (mut room, mut calls) = table(5);
    let (bot, _call) = add_bot(&mut room, &mut calls);
    assert!(calls.try_recv().is_err());
    say(&mut room, "alice", "Start").unwrap();
    assert_eq!(left(&room), [5, 5]);
    let told = room.received(&bot);
    assert!(told.iter().any(|event| event["type"] == "YourDice"));
    let first = turn(&room);
    bid(&mut room, &first, 1, 1).unwrap();
    let second = turn(&room);
    say(&mut room, &second, "Liar").unwrap();
    // Nobody waits until a bot has seen enough.
    say(&mut room, "alice", "Ready").unwrap();
    assert_eq!(stage(&room), "bidding");
}

#[test]
fn nobody_takes_a_bots_place_uninvited() {
    let (mut room, mut calls) = table(5);
    let words = "names that begin with `bot:` are for bots that were asked for";
    assert_eq!(room.join("bot:0").unwrap_err().to_string(), words);
    assert_eq!(room.join("bot:Ann-x7k2").unwrap_err().to_string(), words);
    let (bot, _call) = add_bot(&mut room, &mut calls);
    room.leave(&bot);
    assert_eq!(room.join(&bot).unwrap_err().to_string(), words);
}

#[test]
fn bots_at_one_table_have_different_names() {
    let (mut room, mut calls) = table(5);
    let mut names = Vec::new();
    for _ in 0..4 {
        say(&mut room, "alice", "AddBot").unwrap();
        names.push(calls.try_recv().unwrap().name);
    }
    let (bot, call) = add_bot(&mut room, &mut calls);
    names.push(call.name);
    room.leave(&bot);
    drop(call);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 5);
}

#[test]
fn a_table_has_no_more_bots_than_seats() {
    let (mut room, _calls) = table(10);
    for _ in 0..5 {
        say(&mut room, "alice", "AddBot").unwrap();
    }
    assert_refused(say(&mut room, "alice", "AddBot"), "every seat is taken");
    // Those who do not come are not waited for.
    room.advance(seconds(10));
    say(&mut room, "alice", "AddBot").unwrap();
}

#[test]
fn all_tables_together_have_no_more_bots_than_there_are() {
    let (mut room, mut calls) = table(1);
    let (bot, call) = add_bot(&mut room, &mut calls);
    let none = "all bots are at other tables: try again later";
    assert_refused(say(&mut room, "alice", "AddBot"), none);
    room.leave(&bot);
    drop(call);
    add_bot(&mut room, &mut calls);
    // And none at all without an agency.
    room.state_mut().agency = None;
    assert_refused(say(&mut room, "alice", "AddBot"), none);
}

#[test]
fn bots_come_and_are_sent_away_between_games_only() {
    let (mut room, mut calls) = table(5);
    let (bot, _call) = add_bot(&mut room, &mut calls);
    assert_refused(
        remove_bot(&mut room, "alice"),
        "there is no such bot at the table",
    );
    assert_refused(
        remove_bot(&mut room, "bot:77"),
        "there is no such bot at the table",
    );
    say(&mut room, "alice", "Start").unwrap();
    let playing = "wait for the end of the game";
    assert_refused(remove_bot(&mut room, &bot), playing);
    assert_refused(say(&mut room, "alice", "AddBot"), playing);
    room.leave(&bot);
    assert_eq!(stage(&room), "over");
    let (other, _call) = add_bot(&mut room, &mut calls);
    remove_bot(&mut room, &other).unwrap();
    assert_eq!(room.closed(&other), Some(4011));
}

#[test]
fn a_bot_that_is_cut_off_is_gone_at_once() {
    let (mut room, mut calls) = table(5);
    let (bot, _call) = add_bot(&mut room, &mut calls);
    say(&mut room, "alice", "Start").unwrap();
    room.disconnect(&bot);
    assert_eq!(stage(&room), "over");
    assert_eq!(
        last(&mut room, "alice"),
        json!({"type": "GameOver", "winner": "alice"})
    );
}

#[test]
fn bots_do_not_stay_without_people_and_the_room_goes() {
    let (mut room, mut calls) = table(5);
    let bots: Vec<_> = (0..3).map(|_| add_bot(&mut room, &mut calls)).collect();
    say(&mut room, "alice", "Start").unwrap();
    room.disconnect("alice");
    room.advance(seconds(59));
    assert!(bots.iter().all(|(bot, _)| room.closed(bot).is_none()));
    room.advance(seconds(1));
    for (bot, _) in &bots {
        assert_eq!(room.closed(bot), Some(4011), "{bot}");
    }
    assert!(!room.is_over());
    room.advance(seconds(10));
    assert!(room.is_over());
}

#[test]
fn a_bot_that_comes_when_everybody_has_left_is_turned_away() {
    let (mut room, mut calls) = table(5);
    say(&mut room, "alice", "AddBot").unwrap();
    let call = calls.try_recv().unwrap();
    room.leave("alice");
    assert_eq!(
        room.join(call.user.as_str()).unwrap_err().code(),
        "rejected"
    );
    room.advance(seconds(10));
    assert!(room.is_over());
}

#[test]
fn a_bot_makes_room_for_somebody_who_watches_between_games() {
    let (mut room, mut calls) = table(10);
    let bots: Vec<_> = (0..5).map(|_| add_bot(&mut room, &mut calls)).collect();
    // Six are all: the game has begun.
    room.join("zoe").unwrap();
    assert_eq!(room.view("zoe")["stage"], "bidding");
    let refused = say(&mut room, "zoe", "AskForSeat");
    assert_refused(refused, "wait for the end of the game");
    for (bot, _) in &bots[1..] {
        room.leave(bot);
    }
    room.leave(&bots[0].0);
    let more: Vec<_> = (0..5).map(|_| add_bot(&mut room, &mut calls)).collect();
    assert_eq!(stage(&room), "over");
    say(&mut room, "zoe", "AskForSeat").unwrap();
    assert_eq!(room.closed(&more[4].0), Some(4011));
    // A second press changes nothing: there is a seat.
    say(&mut room, "zoe", "AskForSeat").unwrap();
    assert_eq!(room.closed(&more[3].0), None);
    room.join("zoe").unwrap();
    say(&mut room, "zoe", "Start").unwrap();
    assert!(room.view("zoe")["mine"].is_array());
}

#[test]
fn people_are_sent_away_for_nobody() {
    let mut room = TestRoom::<LiarsDice>::new();
    for user in super::PEOPLE {
        room.join(user).unwrap();
    }
    for user in &super::PEOPLE[1..] {
        room.leave(user);
    }
    for user in &super::PEOPLE[1..] {
        room.join(user).unwrap();
    }
    room.watch("zoe").unwrap();
    assert_refused(say(&mut room, "zoe", "AskForSeat"), "every seat is taken");
}

/// Whether Bob, a bot, wins against Alice, who says anything.
fn bot_wins(seed: u64) -> bool {
    let mut room = game_of(2, TestRoom::with_seed(seed));
    let mut rng = StdRng::seed_from_u64(seed);
    while stage(&room) != "over" {
        if stage(&room) != "bidding" {
            room.advance(seconds(9));
        } else if turn(&room) == "alice" {
            say_anything(&mut room, &mut rng);
        } else {
            let cups = &room.state().cups;
            let known = Turn {
                mine: cups.dice_of(&id("bob")).unwrap().to_vec(),
                dice: cups.dice(),
                last: cups.last_bid(),
            };
            match bots::answer(&known, &mut rng) {
                Answer::Bid(one) => bid(&mut room, "bob", one.count, one.face.into()).unwrap(),
                Answer::Liar => say(&mut room, "bob", "Liar").unwrap(),
            }
        }
    }
    room.view("bob")["winner"] == "bob"
}

#[test]
fn a_bot_wins_nearly_always_against_somebody_who_does_not_think() {
    let won = (0..100).filter(|seed| bot_wins(*seed)).count();
    assert!(won > 85, "{won} of 100");
}

#[test]
fn who_is_out_need_not_wait_until_bots_are_done_with_each_other() {
    let (mut room, mut calls) = table(5);
    let _bots: Vec<_> = (0..2).map(|_| add_bot(&mut room, &mut calls)).collect();
    say(&mut room, "alice", "Start").unwrap();
    assert_refused(
        say(&mut room, "alice", "Start"),
        "wait for the end of the game",
    );
    super::set_dice(&mut room, "alice", &[]);
    assert_eq!(room.view("alice")["mine"], Value::Null);
    say(&mut room, "alice", "Start").unwrap();
    assert_eq!(left(&room), [5, 5, 5]);
}
