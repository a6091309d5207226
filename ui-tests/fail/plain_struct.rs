use tapaculo::prelude::*;

#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {}

    #[on_full]
    fn start(&mut self, room: &mut Room<Self>) {
        room.close("nobody knows how to play");
    }
}

fn main() {}
