use tapaculo::prelude::*;

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess(u8);

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, to: u8) {
        self.0 = ;
    }

    #[message]
    fn offer(&mut self, room: &mut Room<Self>) {
        let _ = room.;
    }

    #[message]
    fn resign(&mut self) {}
}

pub fn resigned() -> ChessMessage {
    ChessMessage::Resign
}

fn main() {
    let _ = Server::new().with_game::<Chess>();
}
