use tapaculo::prelude::*;

#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>) {
        let _ = room.id();
    }
}

fn main() {}
