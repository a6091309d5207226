// What the rules say and which hooks are called depends on options that are wrong here: that is no
// reason for errors in the rules.

use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct Resigned;

#[tapaculo::game(seats = 2, event =)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>) {
        room.broadcast(Resigned);
        let _ = room.handle().broadcast(Resigned);
    }

    #[on_full]
    fn start(&mut self, room: &mut Room<Self>) {
        room.broadcast_volatile(Resigned);
    }

    #[on_disconnect]
    fn dropped(&mut self, _player: &Player) {}
}

fn main() {}
