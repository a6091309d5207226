use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[view]
    fn view(&self, _room: &Room<Self>, _id: &RoomId, _seat: Seat) {}

    #[view]
    fn another(&self) -> u8 {
        0
    }
}

fn main() {}
