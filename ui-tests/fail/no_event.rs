use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct Resigned;

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>) {
        room.broadcast(Resigned);
    }
}

fn main() {}
