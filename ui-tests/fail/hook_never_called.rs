use tapaculo::prelude::*;

#[tapaculo::game(reconnect = "60s")]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[on_full]
    fn start(&mut self) {}
}

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Go;

#[tapaculo::game]
impl Go {
    #[on_full]
    fn start(&mut self) {}

    #[on_disconnect]
    fn dropped(&mut self, _player: &Player) {}

    #[on_reconnect]
    fn back(&mut self, _player: &Player) {}
}

fn main() {}
