use std::time::Duration;
use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, room: &mut Room<Self>) {
        room.after(Duration::from_secs(60), ChessTimer::Flag);
    }
}

fn main() {}
