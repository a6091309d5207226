use tapaculo::prelude::*;

#[derive(Clone, serde::Serialize)]
enum ChessEvent {
    Resigned,
}

#[tapaculo::game(players = 2, event = ChessEvent)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>) {
        room.broadcast(ChessEvent::Resigned);
    }
}

fn main() {}
