use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct ChessEvent;

#[tapaculo::game(player = 2, event = ChessEvent)]
#[derive(Default)]
pub struct Chess(u8);

#[tapaculo::game]
impl Chess {
    #[on_empty]
    fn over(&mut self, player: &Player) {
        let _ = player;
    }

    #[validate(paly)]
    fn legal(&self, to: &u8) -> Result<(), String> {
        Err(to.to_string())
    }

    #[message]
    fn play(&mut self, room: &mut Room<Self>, to: u8) {
        self.0 = to;
        room.broadcast(ChessEvent);
    }

    #[message(renamed = "Say")]
    fn chat(&mut self, room: &mut Room<Self>, text: &str) {
        let _ = text;
        room.broadcast(ChessEvent);
    }
}

fn main() {}
