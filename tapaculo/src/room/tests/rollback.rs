//! All or nothing: what a failing handler did never happened.

use crate::{prelude::*, testing::TestRoom};
use serde_json::{Value, json};
use std::time::Duration;

/// Fails where it is told to, after having changed and done all it can.
#[tapaculo::game(
    players = 2,
    rollback,
    reconnect = "10s",
    history = 10,
    event = String,
    empty_timeout = "1m"
)]
#[derive(Clone, Default)]
struct Careful {
    /// Where it fails, and whether it panics there.
    fails_in: Option<(String, bool)>,
    changes: u32,
}

impl Careful {
    fn at(&mut self, room: &mut Room<Self>, place: &str) -> Result<(), String> {
        self.changes += 1;
        room.broadcast(format!("{place} begun"));
        room.after(
            Duration::from_millis(1),
            CarefulTimer::Ring {
                place: place.to_owned(),
            },
        );
        for player in room.players() {
            room.set_metadata(player.user(), Metadata::named(place));
            if place == "message" {
                room.kick(player.user(), "no reason");
                room.close("no reason");
            }
        }
        room.broadcast_volatile("volatile".to_owned());
        room.redact(1);
        match &self.fails_in {
            Some((fails_in, panics)) if fails_in == place => {
                assert!(!panics, "this panic is part of a test");
                Err(format!("{place} fails"))
            }
            _ => Ok(()),
        }
    }
}

#[tapaculo::game]
impl Careful {
    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.at(room, "on_join")
    }

    #[on_full]
    fn full(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.at(room, "on_full")
    }

    #[on_disconnect]
    fn dropped(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.at(room, "on_disconnect")
    }

    #[on_reconnect]
    fn returned(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.at(room, "on_reconnect")
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.at(room, "on_leave")
    }

    #[on_empty]
    fn empty(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.at(room, "on_empty")
    }

    #[view]
    fn view(&self, _viewer: &Member) -> u32 {
        if let Some((fails_in, _)) = &self.fails_in {
            assert_ne!(fails_in, "view", "this panic is part of a test");
        }
        self.changes
    }

    #[validate(touch)]
    fn valid(&self) -> Result<(), String> {
        if let Some((fails_in, _)) = &self.fails_in {
            assert_ne!(fails_in, "validate", "this panic is part of a test");
        }
        Ok(())
    }

    #[message]
    fn touch(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        self.at(room, "message")
    }

    /// What the room calls its players.
    #[message]
    fn names(&self, room: &Room<Self>) -> Vec<Option<Metadata>> {
        let players = room.players().into_iter();
        players
            .map(|player| room.metadata(player.user()).cloned())
            .collect()
    }

    /// Says where to fail from now on.
    #[message]
    fn fail(&mut self, place: String, panics: bool) {
        self.fails_in = Some((place, panics));
    }

    #[message]
    fn set(&mut self, room: &mut Room<Self>) {
        let place = "timer".to_owned();
        room.after(Duration::from_millis(5), CarefulTimer::Ring { place });
    }

    #[timer]
    fn ring(&mut self, room: &mut Room<Self>, place: String) -> Result<(), String> {
        if place == "timer" {
            return self.at(room, "timer");
        }
        room.broadcast(format!("{place} rang"));
        Ok(())
    }

    #[tick(every = "1s")]
    fn tick(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        match &self.fails_in {
            Some((place, _)) if place == "tick" => self.at(room, "tick"),
            _ => Ok(()),
        }
    }
}

/// What a spectator of the room could tell apart.
fn said(room: &mut TestRoom<Careful>, user: &str) -> Vec<Value> {
    let mut frames = room.frames(user);
    // Coming and going is the room's doing.
    frames.retain(|frame| frame.get("presence").is_none());
    frames
}

/// Lets the one thing happen that calls this.
fn cause(room: &mut TestRoom<Careful>, place: &str) {
    match place {
        "message" | "validate" => {
            let refused = room.send("alice", json!({"type": "Touch"})).unwrap_err();
            let expected = matches!(refused.code(), "internal" | "rejected");
            assert!(expected, "{refused:?}");
        }
        "timer" => {
            room.send("alice", json!({"type": "Set"})).unwrap();
            room.advance(Duration::from_millis(5));
        }
        "tick" => room.advance(Duration::from_secs(1)),
        "on_join" | "on_full" => {
            let joined = room.join("bob");
            assert_eq!(joined.is_err(), place != "on_full", "{place}: {joined:?}");
        }
        "on_disconnect" => room.disconnect("bob"),
        "on_reconnect" => room.reconnect("bob").unwrap(),
        "on_leave" => room.leave("bob"),
        other => panic!("nothing causes {other}"),
    }
}

#[test]
fn all_or_nothing_to_the_outside_and_with_rollback_inside_too() {
    for place in [
        "message",
        "validate",
        "timer",
        "tick",
        "on_full",
        "on_join",
        "on_disconnect",
        "on_reconnect",
        "on_leave",
    ] {
        for panics in [false, true] {
            if !panics && place == "validate" {
                continue; // it only panics here
            }
            let mut room = TestRoom::<Careful>::new();
            room.join("alice").unwrap();
            if !["on_full", "on_join"].contains(&place) {
                room.join("bob").unwrap();
            }
            if place == "on_reconnect" {
                room.disconnect("bob");
            }
            room.advance(Duration::from_millis(10));
            let fail = json!({"type": "Fail", "place": place, "panics": panics});
            room.send("alice", fail).unwrap();
            said(&mut room, "alice");
            let before = room.state().changes;
            cause(&mut room, place);
            let after = room.state().changes;
            // Before on_full there was an on_join, and that went well.
            let joined = u32::from(place == "on_full");
            assert_eq!(after, before + joined, "{place} {panics}");
            room.advance(Duration::from_millis(500));
            let heard = said(&mut room, "alice");
            if joined == 0 {
                assert_eq!(heard, [json!(null); 0], "{place} {panics}");
            }
            let touched = heard.iter().any(|frame| frame.to_string().contains(place));
            assert!(!touched, "{place} {panics}: {heard:?}");
            // The room goes on.
            assert!(!room.is_over(), "{place} {panics}");
            let calm = json!({"type": "Fail", "place": "nowhere", "panics": false});
            room.send("alice", calm).unwrap();
            let names = room.send("alice", json!({"type": "Names"})).unwrap();
            let names = names.unwrap().to_string();
            // Alice has joined without a failure.
            let named = names.contains(place) && place != "on_join";
            assert!(!named, "{place} {panics}: {names}");
        }
    }
}

#[test]
fn who_can_not_be_shown_the_room_is_not_in_it() {
    let mut room = TestRoom::<Careful>::new();
    room.join("alice").unwrap();
    let fail = json!({"type": "Fail", "place": "view", "panics": true});
    room.send("alice", fail).unwrap();
    room.frames("alice");
    assert_eq!(room.join("bob").unwrap_err().code(), "internal");
    let frames = room.frames("alice");
    let moves = frames
        .iter()
        .filter_map(|frame| frame["presence"]["event"].as_str());
    let moves = moves.filter(|event| *event != "changed");
    assert_eq!(moves.collect::<Vec<_>>(), ["joined", "left"]);
    let calm = json!({"type": "Fail", "place": "nowhere", "panics": false});
    room.send("alice", calm).unwrap();
    room.join("carol").unwrap();
    assert_eq!(room.frames("carol")[0]["welcome"]["seat"], 1);
}

#[test]
fn a_refused_newcomer_leaves_no_ghost_in_a_room_that_goes_on() {
    let mut room = TestRoom::<Careful>::new();
    room.join("alice").unwrap();
    let fail = json!({"type": "Fail", "place": "on_join", "panics": true});
    room.send("alice", fail).unwrap();
    room.frames("alice");
    for _ in 0..100 {
        assert_eq!(room.join("bob").unwrap_err().code(), "internal");
    }
    assert_eq!(room.frames("alice"), [json!(null); 0], "nobody hears of it");
    let calm = json!({"type": "Fail", "place": "nowhere", "panics": false});
    room.send("alice", calm).unwrap();
    room.join("carol").unwrap();
    assert_eq!(room.frames("carol")[0]["welcome"]["seat"], 1);
}

/// Panics when it is dropped, unless something else does already.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "this panic is part of a test");
    }
}

/// Has nothing but trouble to leave behind.
#[tapaculo::game(players = 2, rollback, reconnect = "1s", empty_timeout = "1s", event = u32)]
#[derive(Clone, Default)]
struct Minefield;

#[tapaculo::game]
impl Minefield {
    #[message]
    fn lay(&mut self, room: &mut Room<Self>) {
        for _ in 0..2 {
            room.after(Duration::from_secs(1), MinefieldTimer::Blow { bomb: Bomb });
        }
    }

    #[message]
    fn tread(&mut self, room: &mut Room<Self>) {
        let bomb = MinefieldTimer::Blow { bomb: Bomb };
        let timer = room.after(Duration::from_secs(9), bomb);
        room.broadcast(1);
        room.cancel(timer);
    }

    #[message]
    fn close(&mut self, room: &mut Room<Self>) {
        room.close("enough");
    }

    #[message]
    fn throw(&mut self) {
        std::panic::panic_any(Bomb);
    }

    #[timer]
    fn blow(&mut self, bomb: Bomb) {
        drop(bomb);
    }
}

#[test]
fn what_panics_when_it_is_dropped_ends_its_room_and_nothing_else() {
    let minefield = || {
        let mut room = TestRoom::<Minefield>::new();
        room.join("alice").unwrap();
        room.join("bob").unwrap();
        room
    };
    // Outside of any handler: nothing is half told, and nobody is left behind in a dead room.
    let mut room = minefield();
    room.send("alice", json!({"type": "Tread"})).unwrap_err();
    assert_eq!(room.closed("bob"), Some(1011));
    assert!(room.is_over());
    assert_eq!(room.received("bob"), [json!(null); 0]);
    // Several at once, as the room ends, do not end the process.
    let mut room = minefield();
    room.send("alice", json!({"type": "Lay"})).unwrap();
    room.send("alice", json!({"type": "Close"})).unwrap();
    assert_eq!(room.closed("bob"), Some(4010));
    // In a handler it is that handler's panic.
    for tag in ["Lay", "Throw"] {
        let mut room = minefield();
        let sent = room.send("alice", json!({"type": tag}));
        assert_eq!(sent.is_err(), tag == "Throw");
        room.advance(Duration::from_secs(2));
        assert!(!room.is_over(), "{tag}");
    }
}
