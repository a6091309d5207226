use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct ChessEvent;

#[tapaculo::game(event = chessEvent)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>) {
        room.broadcast(ChessEvent);
    }
}

fn main() {}
