//! What happens around the dice: people who are cut off, leave, sit down late.

use super::{
    PEOPLE, assert_refused, bid, game, game_opened_by, last, left, say, seconds, set_dice, stage,
    turn,
};
use serde_json::{Value, json};

#[test]
fn whoever_leaves_takes_the_dice_along_and_the_others_roll_anew() {
    let mut room = game(3);
    let (first, before) = (turn(&room), room.view("alice")["mine"].clone());
    bid(&mut room, &first, 2, 2).unwrap();
    for user in &PEOPLE[..3] {
        room.received(user);
    }
    room.leave("carol");
    let told = room.received("alice");
    assert_eq!(told[0], json!({"type": "Gone", "by": "carol"}));
    assert_eq!(
        (&told[1]["type"], &told[1]["round"]),
        (&json!("RoundStart"), &json!(2))
    );
    assert_eq!(told[2]["type"], "YourDice");
    assert_ne!(told[2]["dice"], before);
    assert_eq!(left(&room), [5, 5, 0]);
    assert_ne!(turn(&room), "carol");
    let user = turn(&room);
    bid(&mut room, &user, 10, 1).unwrap();
}

#[test]
fn the_turn_of_whoever_leaves_goes_to_the_next() {
    let mut room = game(3);
    let user = turn(&room);
    let at = PEOPLE.iter().position(|one| *one == user).unwrap();
    room.leave(&user);
    assert_eq!(turn(&room), PEOPLE[(at + 1) % 3]);
}

#[test]
fn the_last_who_stays_has_won() {
    let mut room = game(3);
    room.leave("bob");
    assert_eq!(stage(&room), "bidding");
    room.received("alice");
    room.leave("carol");
    let over = json!({"type": "GameOver", "winner": "alice"});
    assert_eq!(last(&mut room, "alice"), over);
    let view = room.view("alice");
    assert_eq!(
        (&view["winner"], &view["uncovered"]),
        (&json!("alice"), &Value::Null)
    );
}

#[test]
fn whoever_leaves_while_the_cups_are_lifted_is_not_waited_for() {
    let mut room = game(3);
    let first = turn(&room);
    bid(&mut room, &first, 15, 6).unwrap();
    let caller = turn(&room);
    say(&mut room, &caller, "Liar").unwrap();
    let others: Vec<_> = PEOPLE[..3].iter().filter(|user| **user != caller).collect();
    say(&mut room, &caller, "Ready").unwrap();
    say(&mut room, others[0], "Ready").unwrap();
    assert_eq!(room.view(&caller)["stage"], "uncovered");
    room.leave(others[1]);
    assert_eq!(room.view(&caller)["stage"], "bidding");
}

#[test]
fn whoever_is_cut_off_while_the_cups_are_lifted_is_not_waited_for() {
    let mut room = game_opened_by("alice", 2);
    bid(&mut room, "alice", 10, 6).unwrap();
    say(&mut room, "bob", "Liar").unwrap();
    say(&mut room, "bob", "Ready").unwrap();
    assert_eq!(stage(&room), "uncovered");
    room.disconnect("alice");
    assert_eq!(room.view("bob")["stage"], "bidding");
}

#[test]
fn whoever_is_out_may_leave_without_disturbing() {
    let mut room = game_opened_by("alice", 3);
    set_dice(&mut room, "carol", &[]);
    bid(&mut room, "alice", 1, 1).unwrap();
    room.received("alice");
    room.leave("carol");
    assert_eq!(room.received("alice"), [] as [Value; 0]);
    assert_eq!(room.view("alice")["bids"].as_array().unwrap().len(), 1);
}

#[test]
fn whoever_is_cut_off_keeps_the_seat_for_a_minute_and_turns_go_on() {
    let mut room = game(3);
    room.disconnect("bob");
    let until = (room.now() + seconds(60)).as_millis();
    let gone = json!({"type": "Disconnected", "by": "bob", "until": until});
    assert_eq!(room.received("alice"), [gone]);
    assert_eq!(room.view("alice")["away"], json!({"bob": until}));
    while turn(&room) != "bob" {
        let user = turn(&room);
        let count = room.state().cups.last_bid().map_or(1, |bid| bid.count + 1);
        bid(&mut room, &user, count, 1).unwrap();
    }
    room.received("alice");
    room.advance(seconds(30));
    let made = last(&mut room, "alice");
    assert_eq!((&made["by"], &made["late"]), (&json!("bob"), &json!(true)));
    room.reconnect("bob").unwrap();
    assert_eq!(
        last(&mut room, "alice"),
        json!({"type": "Reconnected", "by": "bob"})
    );
    assert_eq!(room.view("alice")["away"], json!({}));
    assert_eq!(left(&room), [5, 5, 5]);
}

#[test]
fn whoever_is_cut_off_for_longer_has_left() {
    let mut room = game(3);
    room.disconnect("bob");
    room.advance(seconds(60));
    let told = room.received("alice");
    assert!(told.contains(&json!({"type": "Gone", "by": "bob"})));
    assert_eq!(left(&room), [5, 0, 5]);
    assert_eq!(room.view("alice")["away"], json!({}));
}

#[test]
fn whoever_sits_down_in_the_middle_of_a_game_plays_the_next_one() {
    let mut room = game(2);
    room.join("carol").unwrap();
    assert_eq!(left(&room), [5, 5]);
    assert_eq!(room.view("carol")["mine"], Value::Null);
    room.leave("bob");
    assert_eq!(stage(&room), "over");
    say(&mut room, "carol", "Start").unwrap();
    assert_eq!(left(&room), [5, 5]);
    assert_eq!(room.view("carol")["mine"].as_array().unwrap().len(), 5);
}

#[test]
fn whoever_comes_back_too_late_watches_the_dice_of_nobody() {
    let mut room = game(3);
    room.leave("bob");
    room.join("bob").unwrap();
    assert_eq!(room.view("bob")["mine"], Value::Null);
    let words = "you are not in this game";
    assert_refused(bid(&mut room, "bob", 1, 1), words);
}

#[test]
fn a_full_table_begins_by_itself_only_the_first_time() {
    let mut room = game(6);
    for user in &PEOPLE[1..] {
        room.leave(user);
    }
    assert_eq!(stage(&room), "over");
    for user in &PEOPLE[1..] {
        room.join(user).unwrap();
    }
    assert_eq!(stage(&room), "over");
}

#[test]
fn anyone_may_ask_for_the_servers_time() {
    let mut room = game(2);
    room.watch("zoe").unwrap();
    room.advance(seconds(7));
    for user in ["alice", "zoe"] {
        let reply = room.send(user, json!({"type": "Time"})).unwrap();
        assert_eq!(reply, Some(json!(room.now().as_millis())));
    }
}
