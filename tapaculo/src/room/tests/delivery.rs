//! What leaves a room, when, and for whom: the seam and the outlets.

use super::{Fragile, NoAlarm};
use crate::{
    clock::Timestamp,
    game::{Connection, Declared, Game, Identity, Newcomer, Options, Posts},
    ids::{Role, RoomId, SessionId, UserId},
    protocol::{Close, Dialect, Outgoing, Position, Seq},
    room::{Departure, Ear, Input, Keep, Live, Outlet, Taken, Ticket},
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio_tungstenite::tungstenite::Message;

const NOW: Timestamp = Timestamp::from_millis(1);

fn live() -> Live<Fragile> {
    let identity = Identity {
        game: "fragile",
        room: RoomId::new("r").unwrap(),
        epoch: "e".to_owned(),
        settings: <Fragile as Declared>::SETTINGS,
        opened: 0,
    };
    let keep = Keep::memory("fragile", &identity.settings);
    let posts = Posts::new(|| ());
    Live::new(identity, None, [0; 32], NOW, posts, Arc::new(NoAlarm), keep)
}

/// Runs what does not wait.
fn run<T>(code: impl Future<Output = T>) -> T {
    code.now_or_never().expect("it does not wait")
}

fn outlet(user: &str, connection: u64, dialect: Dialect) -> Arc<Outlet> {
    let user = UserId::new(user).unwrap();
    Arc::new(Outlet::new(Connection(connection), user, dialect))
}

fn newcomer(user: &str) -> Newcomer {
    Newcomer {
        user: UserId::new(user).unwrap(),
        name: None,
        session: SessionId::new("s").unwrap(),
        role: Role::Player,
        position: None,
        expires: None,
        came: NOW,
    }
}

fn join(live: &mut Live<Fragile>, outlet: &Arc<Outlet>) {
    let joining = live.join(
        Ear::Here(Arc::clone(outlet)),
        newcomer(outlet.user.as_str()),
        Options::default(),
        NOW,
    );
    run(joining);
}

/// Alice on connection 1 and Bob on 2, who have taken nothing yet.
fn join_two(live: &mut Live<Fragile>) -> (Arc<Outlet>, Arc<Outlet>) {
    let alice = outlet("alice", 1, Dialect::Json);
    let bob = outlet("bob", 2, Dialect::Json);
    join(live, &alice);
    join(live, &bob);
    (alice, bob)
}

/// The same, and they have taken all of their greetings.
fn greet_two(live: &mut Live<Fragile>) -> (Arc<Outlet>, Arc<Outlet>) {
    let (alice, bob) = join_two(live);
    drain(&alice);
    drain(&bob);
    (alice, bob)
}

fn message(connection: u64, id: u64, tag: &str) -> Input<<Fragile as Game>::Message> {
    say(connection, id, &json!({"type": tag}))
}

fn say(connection: u64, id: u64, message: &Value) -> Input<<Fragile as Game>::Message> {
    let json = serde_json::value::to_raw_value(message).unwrap();
    Input::Message {
        connection: Connection(connection),
        ticket: Some(Ticket::new(id, json.get())),
        message: Ok(Fragile::read(&json).unwrap()),
    }
}

/// All that waits, and the goodbye if there is one.
fn drain(outlet: &Outlet) -> (Vec<Value>, Option<Close>) {
    let mut frames = VecDeque::new();
    let close = loop {
        match outlet.take(2, &mut frames) {
            Taken::More => {}
            Taken::Nothing => break None,
            Taken::Close(goodbye) => break Some(goodbye.close),
        }
    };
    let parse = |frame: &Outgoing| serde_json::from_str(frame.as_json()).unwrap();
    (frames.iter().map(parse).collect(), close)
}

#[test]
fn a_connection_that_takes_nothing_is_too_slow_once_the_log_has_moved_on() {
    let mut live = live();
    let (alice, bob) = join_two(&mut live);
    drain(&bob);
    for id in 1..=crate::log::RESUME_EVENTS as u64 {
        let now = NOW + Duration::from_secs(id);
        run(live.run(message(1, id, "Count"), now));
        let (frames, close) = drain(&alice);
        assert_eq!(close, None);
        assert!(frames.iter().any(|frame| frame["ack"] == id));
    }
    assert!(!bob.is_too_slow(0));
    let now = NOW + Duration::from_secs(5000);
    run(live.run(message(1, 5000, "Count"), now));
    assert!(bob.is_too_slow(0));
    assert_eq!(drain(&bob), (vec![], Some(Close::TooSlow)));
    assert!(!alice.is_too_slow(0));
}

#[test]
fn events_for_others_never_make_a_reader_slow() {
    let mut live = live();
    let (alice, bob) = join_two(&mut live);
    drain(&bob);
    for id in 1..=2000 {
        let now = NOW + Duration::from_secs(2 * id);
        let hint = say(1, id, &json!({"type": "Hint", "to": "alice"}));
        run(live.run(hint, now));
        drain(&alice);
    }
    assert!(!bob.is_too_slow(0));
    run(live.run(message(1, 5000, "Count"), NOW));
    let (frames, close) = drain(&bob);
    assert_eq!((frames.len(), close), (1, None));
}

#[test]
fn what_one_handler_says_makes_nobody_slow_however_much_it_is() {
    for (events, bytes) in [(3000, 1), (3, 200_000), (1, 1_000_000)] {
        let mut live = live();
        let (alice, bob) = join_two(&mut live);
        drain(&alice);
        drain(&bob);
        let burst = json!({"type": "Burst", "events": events, "bytes": bytes});
        run(live.run(say(1, 7, &burst), NOW));
        let (frames, close) = drain(&bob);
        assert_eq!((frames.len(), close), (events, None));
        let (frames, close) = drain(&alice);
        assert_eq!((frames.len(), close), (events + 1, None));
        assert_eq!(frames[events]["ack"], 7);
    }
}

#[test]
fn a_room_that_falls_silent_after_a_burst_does_not_keep_it() {
    let mut live = live();
    let (alice, bob) = greet_two(&mut live);
    let burst = json!({"type": "Burst", "events": 3, "bytes": 200_000});
    run(live.run(say(1, 7, &burst), NOW));
    drain(&alice);
    drain(&bob);
    let due = live.machine().deadline();
    assert_eq!(due, Some(NOW + Duration::from_secs(1)));
    run(live.run(Input::Due, NOW + Duration::from_secs(1)));
    let table = live.machine().table();
    let last = table.last.0;
    let kept = |missing| table.log.read().after(Seq(last - missing)).is_ok();
    assert!(kept(1) && !kept(2));
    assert_eq!(live.machine().deadline(), None);
    assert!(!alice.is_too_slow(0) && !bob.is_too_slow(0));
}

#[test]
fn who_is_replaced_is_told_so_however_slow_it_is() {
    let mut live = live();
    let (alice, bob) = join_two(&mut live);
    drain(&bob);
    for id in 1..=2000 {
        let now = NOW + Duration::from_secs(2 * id);
        run(live.run(message(1, id, "Count"), now));
        drain(&alice);
    }
    assert!(bob.is_too_slow(0));
    join(&mut live, &outlet("bob", 3, Dialect::Json));
    assert_eq!(drain(&bob), (vec![], Some(Close::Replaced)));
}

#[test]
fn a_newcomer_is_announced_before_what_is_said_about_it() {
    let mut live = live();
    let alice = outlet("alice", 1, Dialect::Json);
    join(&mut live, &alice);
    drain(&alice);
    join(&mut live, &outlet("bob", 2, Dialect::Json));
    let (frames, _) = drain(&alice);
    assert_eq!(frames[0]["presence"]["user"], "bob");
    assert_eq!(frames[1]["data"], "bob joined");
}

#[test]
fn a_newcomer_is_not_slow_while_it_is_greeted_and_misses_nothing_of_what_happens_meanwhile() {
    let mut live = live();
    let (alice, bob) = join_two(&mut live);
    // All of the greeting is taken, and none of it has been sent.
    let mut greeting = VecDeque::new();
    assert_eq!(bob.take(usize::MAX, &mut greeting), Taken::More);
    let more = 2 * crate::log::RESUME_EVENTS as u64;
    for id in 1..=more {
        run(live.run(message(1, id, "Count"), NOW));
        drain(&alice);
    }
    assert!(!bob.is_too_slow(0));
    let (frames, close) = drain(&bob);
    assert_eq!(close, None);
    let counted = frames.iter().map(|frame| frame["data"].as_str().unwrap());
    let expected: Vec<_> = (1..=more).map(|count| count.to_string()).collect();
    assert_eq!(counted.collect::<Vec<_>>(), expected);
    // Now it reads the log as everyone does.
    run(live.run(message(1, 5000, "Count"), NOW));
    assert_eq!(drain(&bob).0.len(), 1);
}

#[test]
fn what_is_held_behind_a_greeting_is_in_order_and_forgets_what_is_to_be_forgotten() {
    let mut live = live();
    let (alice, bob) = join_two(&mut live);
    drain(&alice);
    // Bob's greeting waits while something is said and taken back, and Alice leaves.
    run(live.run(message(1, 1, "Blurt"), NOW));
    run(live.run(say(1, 2, &json!({"type": "Retract", "seq": 1})), NOW));
    run(live.run(message(1, 3, "Twitch"), NOW));
    run(live.run(Input::Leave(Connection(1), Departure::Dropped), NOW));
    let (frames, _) = drain(&bob);
    let greeted = frames
        .iter()
        .position(|frame| frame.get("synced").is_some());
    let held = frames[greeted.unwrap() + 1..].iter();
    let held = held.map(|frame| {
        let what = ["data", "redacted"].iter().find_map(|key| frame.get(key));
        what.cloned()
            .unwrap_or_else(|| frame["presence"]["event"].clone())
    });
    // What is volatile has given way.
    let expected = [
        json!(4),
        json!("never mind"),
        json!(1),
        json!("twitched"),
        json!("left"),
        json!("alice left"),
    ];
    assert_eq!(held.collect::<Vec<_>>(), expected);
}

#[test]
fn a_newcomer_who_keeps_up_is_not_slow_however_much_is_said_meanwhile() {
    let mut live = live();
    let (alice, bob) = join_two(&mut live);
    let mut frames = VecDeque::new();
    for id in 1..=5000 {
        run(live.run(
            say(1, id, &json!({"type": "Burst", "events": 1, "bytes": 1000})),
            NOW,
        ));
        drain(&alice);
        // One is taken for each that is said, so that the greeting never quite ends.
        assert_eq!(bob.take(1, &mut frames), Taken::More, "{id}");
    }
    assert!(!bob.is_too_slow(0));
}

#[test]
fn what_waits_behind_a_greeting_is_bounded_too() {
    let mut live = live();
    let (alice, bob) = join_two(&mut live);
    let mut id = 0;
    while !bob.is_too_slow(0) {
        id += 1;
        assert!(id < 100_000, "it waits without bounds");
        run(live.run(message(1, id, "Count"), NOW));
        drain(&alice);
    }
    assert_eq!(drain(&bob), (vec![], Some(Close::TooSlow)));
}

#[test]
fn a_connection_that_came_earlier_and_took_longer_takes_no_seat_from_a_newer_one() {
    let mut live = live();
    let newer = outlet("alice", 5, Dialect::Json);
    join(&mut live, &newer);
    drain(&newer);
    let older = outlet("alice", 4, Dialect::Json);
    join(&mut live, &older);
    assert_eq!(drain(&older), (vec![], Some(Close::Replaced)));
    run(live.run(Input::Leave(Connection(4), Departure::Dropped), NOW));
    run(live.run(message(5, 1, "Count"), NOW));
    let (frames, close) = drain(&newer);
    assert_eq!((frames.len(), close), (2, None));
}

#[test]
fn nobody_resumes_from_before_it_came() {
    let mut live = live();
    let (_, _) = greet_two(&mut live);
    run(live.run(message(1, 1, "Count"), NOW));
    let before = live.machine().table().last;
    // Bob leaves; what is said now is not for him, who comes back as a newcomer.
    run(live.run(Input::Leave(Connection(2), Departure::Dropped), NOW));
    run(live.run(message(1, 2, "Count"), NOW));
    let bob = outlet("bob", 3, Dialect::Json);
    join(&mut live, &bob);
    let since = live.machine().table().last;
    // His next connection has a position from his first stay, and the one after that a good one.
    for (connection, seq, resumed) in [(4, before, false), (5, since, true)] {
        let bob = outlet("bob", connection, Dialect::Json);
        let position = Some(Position {
            epoch: "e".to_owned(),
            seq,
        });
        let back = Newcomer {
            position,
            expires: None,
            came: NOW,
            ..newcomer("bob")
        };
        run(live.join(Ear::Here(Arc::clone(&bob)), back, Options::default(), NOW));
        let (frames, _) = drain(&bob);
        assert_eq!(frames[0]["welcome"]["resumed"], resumed);
        let counted = frames.iter().any(|frame| frame["data"] == "2");
        assert!(!counted, "{frames:?}");
    }
}

#[test]
fn a_volatile_event_has_no_number_keeps_its_place_and_is_in_no_history() {
    let mut live = live();
    let (alice, bob) = greet_two(&mut live);
    run(live.run(message(1, 1, "Twitch"), NOW));
    for outlet in [alice, bob] {
        let (frames, _) = drain(&outlet);
        let before = json!({"from": "alice", "data": "before"});
        assert_eq!(frames[0], before);
        assert_eq!(frames[1]["seq"], 4);
        assert_eq!(frames[2]["data"], "after");
    }
    let carol = outlet("carol", 3, Dialect::Json);
    join(&mut live, &carol);
    let (frames, _) = drain(&carol);
    assert!(frames.iter().all(|frame| frame["data"] != "before"));
}

#[test]
fn volatile_events_give_way_where_much_waits_and_never_make_anyone_slow() {
    let mut live = live();
    let (alice, bob) = greet_two(&mut live);
    for id in 1..=1000 {
        let twitch = message(1, id, "Twitch");
        run(live.run(twitch, NOW));
        drain(&alice);
    }
    assert!(!bob.is_too_slow(0));
    let (frames, close) = drain(&bob);
    assert_eq!(close, None);
    let (kept, volatile): (Vec<_>, Vec<_>) =
        frames.iter().partition(|frame| frame.get("seq").is_some());
    assert_eq!(kept.len(), 1000, "nothing else gives way");
    assert!(volatile.len() <= 128, "{} wait", volatile.len());
    // Who keeps up again is told again.
    run(live.run(message(1, 2000, "Twitch"), NOW));
    assert_eq!(drain(&bob).0.len(), 3);
}

#[test]
fn answers_that_nobody_takes_are_bounded() {
    let alice = outlet("alice", 1, Dialect::Json);
    let pong = crate::protocol::frames::pong(&1.into());
    let most = crate::log::RESUME_BYTES / pong.len();
    for _ in 0..=most {
        alice.answer(pong.clone());
    }
    assert!(!alice.is_too_slow(0));
    alice.answer(pong);
    assert!(alice.is_too_slow(0));
}

#[test]
fn a_plain_connection_gets_no_welcome_no_synced_and_no_presence() {
    let mut live = live();
    let alice = outlet("alice", 1, Dialect::Plain);
    join(&mut live, &alice);
    join(&mut live, &outlet("bob", 2, Dialect::Json));
    let (frames, _) = drain(&alice);
    let keys: Vec<_> = frames
        .iter()
        .map(|frame| {
            let keys = ["state", "data", "welcome", "synced", "presence"];
            keys.into_iter().find(|key| frame.get(key).is_some())
        })
        .collect();
    assert_eq!(
        keys,
        [Some("state"), Some("data"), Some("data"), Some("data")]
    );
}

#[test]
fn the_first_goodbye_counts_and_comes_after_what_was_said_before_it() {
    let mut live = live();
    let alice = outlet("alice", 1, Dialect::Json);
    join(&mut live, &alice);
    drain(&alice);
    run(live.run(message(1, 1, "Count"), NOW));
    run(live.run(Input::Close(Close::Restarting), NOW));
    alice.dismiss(Close::Internal);
    let (frames, close) = drain(&alice);
    assert_eq!(frames.len(), 2, "the event and its ack");
    assert_eq!(close, Some(Close::Restarting));
}

#[test]
fn a_frame_is_transcoded_once_however_many_receive_it() {
    let mut live = live();
    let outlets: Vec<_> = (1..=100)
        .map(|n| outlet(&format!("user{n}"), n, Dialect::MessagePack))
        .collect();
    for outlet in &outlets {
        join(&mut live, outlet);
    }
    outlets.iter().for_each(|outlet| drop(drain(outlet)));
    run(live.run(message(1, 1, "Twitch"), NOW));
    join(&mut live, &outlet("late", 101, Dialect::Json));
    let received = |outlet: &Arc<Outlet>| {
        let mut frames = VecDeque::new();
        while outlet.take(64, &mut frames) == Taken::More {}
        let sent = frames
            .into_iter()
            .map(|frame| Message::from(frame).into_data());
        sent.collect::<Vec<_>>()
    };
    // Held on to, so that no memory is used twice.
    let all: Vec<_> = outlets[1..].iter().map(received).collect();
    // An event, two that are volatile, and Late's presence.
    assert_eq!(all[0].len(), 4);
    for sent in &all {
        for (mine, first) in sent.iter().zip(&all[0]) {
            assert_eq!(mine.as_ptr(), first.as_ptr(), "it is shared");
        }
    }
}
