//! Timers, ticks, and handlers that take too long.

use crate::{prelude::*, testing::TestRoom};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

#[tapaculo::game(players = 4, reconnect = "5s", event = Rang)]
#[derive(Default)]
struct Clockwork {
    last: Option<TimerId>,
}

#[derive(Serialize)]
struct Rang {
    name: String,
    at: u64,
}

#[tapaculo::game]
impl Clockwork {
    #[message]
    fn set(&mut self, room: &mut Room<Self>, name: String, millis: u64) {
        let bell = ClockworkTimer::Ring { name };
        self.last = Some(room.after(Duration::from_millis(millis), bell));
    }

    /// Sets a timer and fails.
    #[message]
    fn set_in_vain(&mut self, room: &mut Room<Self>) -> Result<(), &'static str> {
        room.after(
            Duration::from_millis(1),
            ClockworkTimer::Ring {
                name: "vain".to_owned(),
            },
        );
        if let Some(last) = self.last {
            room.cancel(last);
        }
        Err("no")
    }

    #[message]
    fn cancel(&mut self, room: &mut Room<Self>) {
        if let Some(last) = self.last {
            room.cancel(last);
        }
    }

    #[message]
    fn set_and_cancel(&mut self, room: &mut Room<Self>) {
        let bell = ClockworkTimer::Ring {
            name: "never".to_owned(),
        };
        let timer = room.after(Duration::from_millis(1), bell);
        room.cancel(timer);
    }

    #[message]
    fn every(&mut self, room: &mut Room<Self>, millis: u64) {
        let again = ClockworkTimer::Again { millis };
        room.after(Duration::from_millis(millis), again);
    }

    #[timer]
    fn ring(&mut self, room: &mut Room<Self>, name: String) {
        let at = room.now().as_millis() % 1_000_000;
        room.broadcast(Rang { name, at });
    }

    #[timer]
    async fn again(&mut self, room: &mut Room<Self>, millis: u64) {
        self.every(room, millis);
        self.ring(room, "again".to_owned());
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event["name"].as_str())
        .collect()
}

fn clockwork() -> TestRoom<Clockwork> {
    let mut room = TestRoom::new();
    room.join("alice").unwrap();
    room.frames("alice");
    room
}

fn set(room: &mut TestRoom<Clockwork>, name: &str, millis: u64) {
    let set = json!({"type": "Set", "name": name, "millis": millis});
    room.send("alice", set).unwrap();
}

#[test]
fn timers_come_at_their_time_in_the_order_of_their_times() {
    let mut room = clockwork();
    for (name, millis) in [("c", 300), ("a", 100), ("b", 200), ("now", 0), ("b2", 200)] {
        set(&mut room, name, millis);
    }
    room.advance(Duration::from_millis(99));
    assert_eq!(names(&room.received("alice")), ["now"]);
    room.advance(Duration::from_millis(1));
    assert_eq!(names(&room.received("alice")), ["a"]);
    room.advance(Duration::from_secs(10));
    let events = room.received("alice");
    assert_eq!(names(&events), ["b", "b2", "c"]);
    let at = |index: usize| events[index]["at"].as_u64().unwrap();
    assert_eq!((at(1), at(2)), (at(0), at(0) + 100));
}

#[test]
fn a_cancelled_timer_never_comes_and_a_failed_handler_sets_and_cancels_none() {
    let mut room = clockwork();
    set(&mut room, "kept", 50);
    room.send("alice", json!({"type": "SetInVain"}))
        .unwrap_err();
    room.send("alice", json!({"type": "SetAndCancel"})).unwrap();
    set(&mut room, "gone", 20);
    room.send("alice", json!({"type": "Cancel"})).unwrap();
    room.send("alice", json!({"type": "Cancel"})).unwrap();
    room.advance(Duration::from_secs(1));
    assert_eq!(names(&room.received("alice")), ["kept"]);
}

#[test]
fn timers_run_on_while_nobody_is_connected() {
    let mut room = clockwork();
    room.send("alice", json!({"type": "Every", "millis": 1000}))
        .unwrap();
    room.disconnect("alice");
    room.advance(Duration::from_millis(3500));
    room.reconnect("alice").unwrap();
    assert_eq!(names(&room.received("alice")), ["again"; 3]);
    room.advance(Duration::from_millis(500));
    assert_eq!(names(&room.received("alice")), ["again"]);
}

#[tapaculo::game(reconnect = "5s", empty_timeout = "1s")]
#[derive(Default)]
struct Ticking {
    ticks: Vec<u128>,
}

#[tapaculo::game]
impl Ticking {
    #[tick(every = "50ms")]
    fn tick(&mut self, elapsed: Duration) {
        self.ticks.push(elapsed.as_millis());
    }

    /// Waits for nothing, so that its time is up.
    #[message]
    async fn dawdle(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[test]
fn a_game_ticks_while_somebody_is_connected() {
    let mut room = TestRoom::<Ticking>::new();
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    room.advance(Duration::from_millis(149));
    assert_eq!(room.state().ticks, [50, 50]);
    room.advance(Duration::from_millis(1));
    assert_eq!(room.state().ticks, [50, 50, 50]);
    room.disconnect("alice");
    room.advance(Duration::from_millis(50));
    assert_eq!(room.state().ticks.len(), 4);
    room.disconnect("bob");
    room.advance(Duration::from_secs(4));
    assert_eq!(room.state().ticks.len(), 4, "nobody is there to see it");
    room.reconnect("bob").unwrap();
    room.advance(Duration::from_millis(50));
    assert_eq!(room.state().ticks, [50; 5]);
}

/// Waits for too long, and goes on as if nothing had been.
#[tapaculo::game(rollback, reconnect = "5s", handler_timeout = "2s", event = String)]
#[derive(Clone, Default)]
struct Patient {
    begun: u32,
    ticks: u32,
}

#[tapaculo::game]
impl Patient {
    #[message]
    async fn dawdle(&mut self, room: &mut Room<Self>) {
        self.begun += 1;
        room.broadcast("begun".to_owned());
        std::future::pending::<()>().await;
    }

    /// Waits for something outside, and is done in time.
    #[message]
    async fn fetch(&mut self) -> u32 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.begun += 1;
        self.begun
    }

    #[tick(every = "500ms")]
    fn tick(&mut self) {
        self.ticks += 1;
    }
}

#[test]
fn a_handler_that_takes_too_long_is_ended_and_answered_internal() {
    let mut room = TestRoom::<Patient>::new();
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    let (began, real) = (room.now(), std::time::Instant::now());
    let refused = room.send("alice", json!({"type": "Dawdle"})).unwrap_err();
    assert_eq!(refused.code(), "internal");
    assert_eq!(room.now().since(began), Duration::from_secs(2));
    assert!(
        real.elapsed() < Duration::from_secs(2),
        "it is the room's time"
    );
    assert_eq!(room.received("bob"), [json!(null); 0]);
    assert_eq!(room.state().begun, 0);
    assert_eq!(
        room.send("bob", json!({"type": "Fetch"})).unwrap(),
        Some(json!(1))
    );
    // Ticks do not pile up while the room is busy.
    room.advance(Duration::from_millis(1));
    assert_eq!(room.state().ticks, 1);
    room.advance(Duration::from_millis(500));
    assert_eq!(room.state().ticks, 2);
}

#[test]
fn without_rollback_a_handler_that_takes_too_long_ends_its_room() {
    let mut room = TestRoom::<Ticking>::new();
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    let refused = room.send("alice", json!({"type": "Dawdle"})).unwrap_err();
    assert_eq!(refused.code(), "internal");
    assert!(room.is_over());
    assert_eq!(room.closed("bob"), Some(1011));
}
