use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
#[tapaculo::game(players = 2)]
pub struct Chess;

#[tapaculo::game]
#[tapaculo::game]
impl Chess {
    #[message]
    #[message(spectators)]
    fn resign(&mut self) {}

    #[on_full]
    fn start(&mut self, room: &mut Room<Self>) {
        room.close("already");
    }
}

fn main() {}
