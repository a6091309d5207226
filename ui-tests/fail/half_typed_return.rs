use tapaculo::prelude::*;

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess(u8);

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, to: u8) -> {
        self.0 = to;
    }

    #[message]
    fn resign(&mut self) {
        self.0 = 0;
    }

    fn helper(&self) {}
}

pub fn resigned() -> ChessMessage {
    Chess::default().helper();
    ChessMessage::Resign
}

fn main() {
    let _ = Server::new().with_game::<Chess>();
}
