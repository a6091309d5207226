use tapaculo::prelude::*;

#[tapaculo::game(spectators)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message(spectators)]
    fn chat(&mut self, player: &Player, text: String) {
        let _ = (player, text);
    }
}

fn main() {}
