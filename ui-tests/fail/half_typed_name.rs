use tapaculo::prelude::*;

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn

    #[message]
    fn resign(&mut self) {}
}

pub fn resigned() -> ChessMessage {
    ChessMessage::Resign
}

fn main() {
    let _ = Server::new().with_game::<Chess>();
}
