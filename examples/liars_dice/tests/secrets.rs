//! Hidden dice stay hidden: whatever a member receives, is answered or sees.

use super::{
    PEOPLE, bid, game, game_of, game_opened_by, id, say, say_anything, seconds, stage, turn,
};
use crate::dice::LiarsDice;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tapaculo::testing::TestRoom;

/// The dice under a member's cup.
fn dice_of(room: &TestRoom<LiarsDice>, user: &str) -> Option<Value> {
    let dice = room.state().cups.dice_of(&id(user))?;
    Some(serde_json::to_value(dice).unwrap())
}

/// Takes the lists of numbers out of a value, which is what dice look like, but for those of cups
/// that were lifted.
fn take_dice(value: &mut Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(fields)
            if fields
                .get("hands")
                .is_some_and(|_| fields.contains_key("loser")) => {}
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| take_dice(field, found)),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_number) => {
            found.push(value.take());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_dice(item, found)),
        _ => {}
    }
}

/// Everything that a member has received since the last time, and what it sees, own dice taken
/// out: nobody else's are in it.
#[track_caller]
fn without_own_dice(room: &mut TestRoom<LiarsDice>, user: &str) -> Vec<Value> {
    let mut all = room.frames(user);
    all.push(room.view(user));
    let own = dice_of(room, user);
    let mut found = Vec::new();
    for value in &mut all {
        take_dice(value, &mut found);
    }
    for dice in found {
        assert_eq!(Some(dice), own, "{user} has seen dice");
    }
    all
}

#[test]
fn each_is_told_the_own_dice_and_sees_them() {
    let mut room = TestRoom::<LiarsDice>::new();
    for user in &PEOPLE[..3] {
        room.join(user).unwrap();
    }
    say(&mut room, "bob", "Start").unwrap();
    for user in &PEOPLE[..3] {
        let own = dice_of(&room, user).unwrap();
        let mut told = room.received(user);
        told.retain(|event| event["type"] == "YourDice");
        assert_eq!(told, [json!({"type": "YourDice", "dice": own})]);
        assert_eq!(room.view(user)["mine"], own);
    }
}

#[test]
fn who_watches_and_who_comes_in_the_middle_of_a_game_sees_no_dice() {
    let mut room = game(3);
    room.watch("zoe").unwrap();
    room.join("dave").unwrap();
    for user in ["zoe", "dave"] {
        assert_eq!(room.view(user)["mine"], Value::Null);
        without_own_dice(&mut room, user);
    }
}

#[test]
fn who_comes_back_is_told_the_own_dice_again() {
    let mut room = game_opened_by("bob", 2);
    let own = dice_of(&room, "alice").unwrap();
    // Cut off before the roll, and back after it: the log has them for this one alone.
    room.disconnect("alice");
    bid(&mut room, "bob", 10, 6).unwrap();
    room.advance(seconds(30)); // called a lie
    room.advance(seconds(9)); // rolled anew
    let next = dice_of(&room, "alice").unwrap();
    assert_ne!(own, next);
    room.reconnect("alice").unwrap();
    let told = room.received("alice");
    assert!(
        told.contains(&json!({"type": "YourDice", "dice": next})),
        "{told:?}"
    );
    // A page that is loaded again knows nothing: it gets the view.
    room.join("alice").unwrap();
    let frames = room.frames("alice");
    let state = frames.iter().find_map(|frame| frame.get("state")).unwrap();
    assert_eq!(state["mine"], next);
}

#[test]
fn over_a_long_random_game_nobody_sees_a_die_of_another() {
    for seed in 0..8 {
        let mut room = game_of(4, TestRoom::with_seed(seed));
        let mut rng = StdRng::seed_from_u64(seed);
        room.watch("zoe").unwrap();
        room.join("erin").unwrap();
        let mut cut_off = None;
        while stage(&room) != "over" {
            match stage(&room).as_str() {
                "bidding" if cut_off == Some(turn(&room).as_str()) => room.advance(seconds(30)),
                "bidding" => say_anything(&mut room, &mut rng),
                _ => room.advance(seconds(9)),
            }
            // Somebody is cut off and comes back: resuming tells no more.
            match cut_off.take() {
                Some(user) => room.reconnect(user).unwrap(),
                None if rng.random_bool(0.2) => {
                    let user = PEOPLE[rng.random_range(0..4)];
                    room.disconnect(user);
                    cut_off = Some(user);
                }
                None => {}
            }
            for user in ["alice", "bob", "carol", "dave", "erin", "zoe"] {
                without_own_dice(&mut room, user);
                if cut_off != Some(user) {
                    let reply = room.send(user, json!({"type": "Time"})).unwrap();
                    assert!(reply.unwrap().is_u64());
                }
            }
        }
    }
}

/// The proof, rather than a search: if what somebody is told depended in any way on the dice of
/// another, then it would differ where nothing but the dice does.
#[test]
fn what_anyone_is_told_before_the_cups_are_lifted_depends_on_no_dice() {
    let mut transcripts: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    let mut rounds = 0;
    for seed in 0..40 {
        let mut room = game_of(3, TestRoom::with_seed(seed));
        let first = turn(&room);
        room.watch("zoe").unwrap();
        for face in 1..=5 {
            let user = turn(&room);
            bid(&mut room, &user, 2, face).unwrap();
        }
        room.disconnect("bob");
        room.advance(seconds(30));
        room.join("dave").unwrap();
        room.reconnect("bob").unwrap();
        room.join("carol").unwrap();
        let users = ["alice", "bob", "carol", "dave", "zoe"];
        let told: Vec<_> = users
            .iter()
            .map(|user| without_own_dice(&mut room, user))
            .collect();
        let before = transcripts.entry(first).or_insert_with(|| told.clone());
        rounds += 1;
        assert_eq!(*before, told, "seed {seed}");
    }
    assert_eq!(transcripts.len(), 3);
    assert!(rounds > transcripts.len());
}
