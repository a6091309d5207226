// What is still being written is rustc's to report, and nobody else's.

use tapaculo::prelude::*;

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess(u8);

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, room: &mut Room<Self>, to: u8) {
        self.0 = to;
        let _ = room.id()
        self.0 += 1;
    }

    #[message]
    fn resign(&mut self, reason: ) {}

    #[validate(play)]
    fn legal(&self, to: &u8) -> Result<(), String> {
        Err(to.to_string())
    }

    #[message]
    fn offer_draw(&mut self) {}

    #[message]
}

pub fn drawn() -> ChessMessage {
    ChessMessage::OfferDraw
}

fn main() {}
