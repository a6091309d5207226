//! What a room promises, through `TestRoom`.

use super::Fragile;
use crate::testing::TestRoom;
use serde_json::{Value, json};
use std::time::Duration;

fn room(panics_in: &str) -> TestRoom<Fragile> {
    TestRoom::with_options(json!({"panics_in": panics_in}))
}

fn join_both(room: &mut TestRoom<Fragile>) {
    room.join("alice").unwrap();
    room.join("bob").unwrap();
}

/// Everything that may run in a room, up to its end.
fn live_a_little(room: &mut TestRoom<Fragile>) {
    let _ = room.join("alice");
    let _ = room.join("bob");
    for tag in ["Count", "Wait"] {
        if !room.is_over() {
            let _ = room.send("alice", json!({"type": tag}));
        }
    }
    for user in ["bob", "alice"] {
        if !room.is_over() {
            room.disconnect(user);
        }
    }
}

#[test]
fn a_panic_anywhere_in_the_game_ends_its_room_with_1011_and_what_it_said_is_not_told() {
    // Where it panics, what was said there before, and who is still there to be told 1011.
    for (place, unheard, told) in [
        ("create", "", None),
        ("on_join", "alice joined", None),
        ("view", "", None),
        ("on_full", "full", Some("alice")),
        ("a validator", "1", Some("bob")),
        ("a handler", "1", Some("bob")),
        ("an async handler", "waiting", Some("bob")),
        ("on_leave", "bob left", Some("alice")),
        ("on_empty", "", None),
    ] {
        let mut fragile = room(place);
        live_a_little(&mut fragile);
        assert!(fragile.is_over(), "{place}");
        if let Some(user) = told {
            assert_eq!(fragile.closed(user), Some(1011), "{place}");
            let heard = fragile.received(user);
            assert!(!heard.contains(&json!(unheard)), "{place}: {heard:?}");
        }
    }
    // The same life ends no room that is well.
    let mut well = room("nowhere");
    live_a_little(&mut well);
    assert!(!well.is_over());
    assert!(well.received("alice").contains(&json!("bob left")));
}

#[test]
fn whoever_causes_a_panic_is_told_internal() {
    for (place, tag) in [
        ("a validator", "Count"),
        ("a handler", "Count"),
        ("an async handler", "Wait"),
    ] {
        let mut fragile = room(place);
        fragile.join("alice").unwrap();
        let refused = fragile.send("alice", json!({"type": tag})).unwrap_err();
        assert_eq!(refused.code(), "internal", "{place}");
    }
    for place in ["create", "on_join"] {
        let refused = room(place).join("alice").unwrap_err();
        assert_eq!(refused.code(), "internal", "{place}");
    }
}

#[test]
fn a_room_that_create_refuses_is_not_made() {
    let mut refusing = TestRoom::<Fragile>::with_options(json!({"refuse": true}));
    let refused = refusing.join("alice").unwrap_err();
    assert_eq!(refused.code(), "rejected");
    assert_eq!(refused.to_string(), "no room `test` today");
    assert!(refusing.is_over());

    let mut odd = TestRoom::<Fragile>::with_options(json!({"refuse": 7}));
    let refused = odd.join("alice").unwrap_err();
    assert!(refused.to_string().starts_with("the room's options: "));
}

#[test]
fn what_a_handler_says_before_it_fails_is_dropped_and_has_no_number() {
    let mut well = room("nowhere");
    join_both(&mut well);
    well.frames("bob");
    let refused = well.send("alice", json!({"type": "Wait"})).unwrap_err();
    assert_eq!(refused.to_string(), "waited in vain");
    assert_eq!(well.frames("bob"), [json!(null); 0]);
    well.send("alice", json!({"type": "Count"})).unwrap();
    let event = json!({"seq": 4, "from": "alice", "data": "1"});
    assert_eq!(well.frames("bob"), [event]);
}

#[test]
fn a_hook_that_fails_has_said_nothing_and_the_room_goes_on() {
    let mut well = room("nowhere: on_leave fails");
    join_both(&mut well);
    well.received("alice");
    well.disconnect("bob");
    assert_eq!(well.received("alice"), [json!(null); 0]);
    well.send("alice", json!({"type": "Count"})).unwrap();
}

#[test]
fn on_full_runs_each_time_the_last_seat_is_taken_and_not_for_spectators() {
    let mut well = room("nowhere");
    join_both(&mut well);
    well.watch("carol").unwrap();
    well.join("dave").unwrap();
    let full = |events: Vec<Value>| events.iter().filter(|event| **event == "full").count();
    assert_eq!(full(well.received("alice")), 1);
    well.disconnect("bob");
    well.join("erin").unwrap();
    assert_eq!(full(well.received("alice")), 1);
}

#[test]
fn an_empty_room_is_gone_after_its_timeout_and_not_before() {
    let mut well = room("nowhere");
    join_both(&mut well);
    well.advance(Duration::from_secs(600));
    assert!(!well.is_over(), "it is not empty");
    well.disconnect("alice");
    well.disconnect("bob");
    well.advance(Duration::from_secs(59));
    well.join("carol").unwrap();
    well.advance(Duration::from_secs(600));
    assert!(!well.is_over(), "somebody came in time");
    well.disconnect("carol");
    well.advance(Duration::from_millis(59_999));
    assert!(!well.is_over());
    well.advance(Duration::from_millis(1));
    assert!(well.is_over());
}

#[test]
fn nobody_joins_a_room_that_is_over() {
    let mut fragile = room("a handler");
    fragile.join("alice").unwrap();
    fragile.send("alice", json!({"type": "Count"})).unwrap_err();
    assert_eq!(fragile.join("bob").unwrap_err().code(), "unavailable");
}

#[tokio::test]
async fn a_test_room_works_within_a_runtime_of_one_thread_too() {
    let mut well = room("nowhere");
    join_both(&mut well);
    let refused = well.send("alice", json!({"type": "Wait"})).unwrap_err();
    assert_eq!(refused.to_string(), "waited in vain");
}

#[test]
fn a_room_of_the_same_seed_rolls_the_same_dice() {
    let rolls = |seed| {
        let mut room = TestRoom::<Fragile>::with_seed(seed);
        room.join("alice").unwrap();
        let roll = |_| room.send("alice", json!({"type": "Roll"})).unwrap();
        (0..20).map(roll).collect::<Vec<_>>()
    };
    assert_eq!(rolls(1), rolls(1));
    assert_ne!(rolls(1), rolls(2));
}

#[test]
fn a_throw_that_is_refused_is_thrown_again() {
    let mut room = room("nowhere");
    join_both(&mut room);
    let mut roll = |tag: &str| room.send("alice", json!({"type": tag}));
    let refused = roll("RollInVain").unwrap_err().to_string();
    for _ in 0..10 {
        assert_eq!(roll("RollInVain").unwrap_err().to_string(), refused);
    }
    let mut rolled = Vec::new();
    for _ in 0..20 {
        rolled.push(roll("Roll").unwrap().unwrap());
    }
    assert_eq!(rolled[0].to_string(), refused);
    rolled.sort_unstable_by_key(Value::to_string);
    rolled.dedup();
    assert!(rolled.len() > 1, "the dice go on");
}

#[test]
fn a_test_can_see_which_hooks_have_failed() {
    let mut well = room("nowhere: on_leave fails");
    join_both(&mut well);
    assert_eq!(well.failures(), [""; 0]);
    well.disconnect("bob");
    assert_eq!(well.failures(), ["on_leave: not so fast"]);
    assert_eq!(well.failures(), [""; 0]);
}

#[test]
fn a_token_for_watching_does_not_take_over_a_seat() {
    let mut room = room("nowhere");
    join_both(&mut room);
    assert_eq!(room.watch("alice").unwrap_err().code(), "rejected");
    room.send("alice", json!({"type": "Count"})).unwrap();
}

#[test]
fn a_game_that_panics_when_it_is_dropped_is_gone_all_the_same() {
    let mut room = room("drop");
    join_both(&mut room);
    room.disconnect("alice");
    room.disconnect("bob");
    room.advance(Duration::from_secs(60));
    assert!(room.is_over());
}
