use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>, player: &Playr) {
        let _ = (room.id(), player);
    }
}

fn main() {}
