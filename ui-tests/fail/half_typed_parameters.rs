// A handler whose parameters are half-typed is rustc's to report; the rest is as if it were not there.

use tapaculo::prelude::*;

#[tapaculo::game(players = 2)]
pub struct Chess(u8);

#[tapaculo::game]
impl Chess {
    #[create]
    fn create(room: ) -> Self {
        Self(0)
    }

    #[validate(play)]
    fn legal(&self, to: &u8) -> Result<(), String> {
        Err(to.to_string())
    }

    #[message]
    fn play(&mut self, from: , to: u8) {
        self.0 = to;
    }

    #[message]
    fn offer(&mut self _room: &mut Room<Self>) {}

    #[message]
    fn chat(&mut self, room: &mut Room<) {}

    #[message]
    fn undo(&mut self, moves) {}

    #[message]
    fn resign(&mut self) {}
}

pub fn resigned() -> ChessMessage {
    ChessMessage::Resign
}

fn main() {
    let _ = Server::new().with_game::<Chess>();
}
