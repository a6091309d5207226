// What is half-typed in one of our attributes is ours to report, and the only error as well.

use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct Resigned;

#[tapaculo::game(players = , event = Resigned, hist)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[on_full]
    fn start(&mut self) {}

    #[message(rename = )]
    fn resign(&mut self, room: &mut Room<Self>) {
        room.broadcast(Resigned);
    }

    #[validate()]
    fn legal(&self) -> Result<(), String> {
        Ok(())
    }

    #[tick(every = )]
    fn step(&mut self) {}

    #[message(spec)]
    fn chat(&mut self) {}
}

pub fn resigned() -> ChessMessage {
    ChessMessage::Resign
}

fn main() {
    let _ = Server::new().with_game::<Chess>();
}
