//! Whatever a game says, its type is known where it says it.

use std::sync::Arc;
use tapaculo::{prelude::*, testing::TestRoom};

#[derive(Clone, serde::Serialize)]
pub struct Said<T> {
    what: Option<T>,
    parts: [u8; 2],
}

#[tapaculo::game(event = Option<Said<Vec<u8>>>)]
#[derive(Default)]
pub struct Inferred;

/// Code that is not in the rules knows the type as well.
fn helper(room: &mut Room<Inferred>) {
    room.broadcast(Some(Said {
        what: "ab".bytes().map(|it| it + 1).collect::<Vec<_>>().into(),
        parts: Default::default(),
    }));
}

#[tapaculo::game]
impl Inferred {
    #[message]
    fn say(&mut self, room: &mut Room<Self>, player: &Player) {
        helper(room);
        room.broadcast(None);
        room.broadcast(Default::default());
        room.send_to(player.user(), None);
        room.broadcast_to(|member| member.seat().is_some(), None);
        room.broadcast_volatile(None);
        let _ = room.handle().broadcast(None);
    }
}

#[tapaculo::game(event = u8)]
#[derive(Default)]
pub struct Number;

#[tapaculo::game]
impl Number {
    #[message]
    fn say(&mut self, room: &mut Room<Self>, text: String) -> Result<(), std::num::ParseIntError> {
        room.broadcast(7);
        room.broadcast(text.parse()?);
        Ok(())
    }
}

#[tapaculo::game(event = Arc<[&'static str]>)]
#[derive(Default)]
pub struct Coerced;

#[tapaculo::game]
impl Coerced {
    #[message]
    fn say(&mut self, room: &mut Room<Self>) {
        room.broadcast(Arc::new(["a", "b"]));
    }
}

/// As visible as its game.
mod private {
    use tapaculo::prelude::*;

    #[derive(serde::Serialize)]
    struct Whisper;

    #[tapaculo::game(event = Whisper)]
    #[derive(Default)]
    struct Quiet;

    #[tapaculo::game]
    impl Quiet {
        #[message]
        fn say(&mut self, room: &mut Room<Self>) {
            room.broadcast(Whisper);
        }
    }
}

fn main() {
    let mut room = TestRoom::<Number>::new();
    room.join("ann").unwrap();
    room.send("ann", serde_json::json!({"type": "Say", "text": "8"})).unwrap();
    assert_eq!(room.received("ann"), [7, 8]);
}
