use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct ChessEvent;

#[tapaculo::game(players = 2, event = ChessEvent)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>) {
        room.broadcast("resigned");
    }
}

fn main() {}
