//! `RoomHandle`: what code outside of a room asks of it.

use crate::{game::PostError, prelude::*, testing::TestRoom};
use serde_json::json;

#[tapaculo::game(players = 3, spectators, history = 10, event = u32)]
#[derive(Default)]
struct Lobby {
    handle: Option<RoomHandle<Self>>,
    fired: Vec<u32>,
}

#[tapaculo::game]
impl Lobby {
    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>) {
        self.handle = Some(room.handle());
    }

    #[timer]
    fn poke(&mut self, room: &mut Room<Self>, number: u32) {
        self.fired.push(number);
        room.broadcast(number);
    }

    /// What is posted from within waits for its turn.
    #[message]
    fn post(&mut self, room: &mut Room<Self>) -> usize {
        let handle = room.handle();
        handle.fire(LobbyTimer::Poke { number: 1 }).unwrap();
        handle.broadcast(2).unwrap();
        room.broadcast(0);
        self.fired.len()
    }
}

fn lobby() -> (TestRoom<Lobby>, RoomHandle<Lobby>) {
    let mut room = TestRoom::<Lobby>::new();
    room.join("alice").unwrap();
    room.join("bob").unwrap();
    room.frames("alice");
    room.frames("bob");
    let handle = room.state().handle.clone().unwrap();
    (room, handle)
}

#[test]
fn what_is_posted_is_done_in_order_and_in_the_servers_name() {
    let (mut room, handle) = lobby();
    let other = handle.clone();
    let posting = std::thread::spawn(move || {
        for number in 10..20 {
            other.fire(LobbyTimer::Poke { number }).unwrap();
            other.broadcast(number + 100).unwrap();
        }
    });
    posting.join().unwrap();
    let frames = room.frames("alice");
    let expected = (10..20).flat_map(|number| [number, number + 100]);
    let heard = frames.iter().map(|frame| frame["data"].as_u64().unwrap());
    assert_eq!(heard.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!(frames.iter().all(|frame| frame["from"] == "@server"));

    let bob = UserId::new("bob").unwrap();
    room.frames("bob");
    handle.send_to(&bob, 7).unwrap();
    handle.broadcast_except(&bob, 8).unwrap();
    assert_eq!(room.received("bob"), [7]);
    assert_eq!(room.received("alice"), [8]);
    handle.kick(&bob, "out").unwrap();
    room.received("alice");
    assert_eq!(room.closed("bob"), Some(4011));
}

#[test]
fn a_handler_never_waits_for_what_it_posts() {
    let (mut room, _) = lobby();
    assert_eq!(
        room.send("alice", json!({"type": "Post"})).unwrap(),
        Some(json!(0))
    );
    assert_eq!(room.received("bob"), [0, 1, 2]);
    assert_eq!(room.state().fired, [1]);
}

#[test]
fn a_room_that_is_gone_says_so_and_one_that_has_too_much_to_do_takes_no_more() {
    let (mut room, handle) = lobby();
    for number in 0..4096 {
        handle.broadcast(number).unwrap();
    }
    assert_eq!(handle.broadcast(4096), Err(PostError::Full));
    assert_eq!(room.received("alice").len(), 4096);
    handle.close("time to go").unwrap();
    room.received("alice");
    assert_eq!(room.closed("alice"), Some(4010));
    assert!(room.is_over());
    assert_eq!(handle.broadcast(1), Err(PostError::Closed));
    assert_eq!(
        handle.fire(LobbyTimer::Poke { number: 1 }),
        Err(PostError::Closed)
    );
}
