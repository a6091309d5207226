use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Go;

#[tapaculo::game]
impl Go {}

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Go>) {
        room.close("over");
    }
}

fn main() {}
