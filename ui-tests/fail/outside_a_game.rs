use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {}

impl Chess {
    #[message]
    fn resign(&mut self, room: &mut Room<Self>) {
        let _ = room;
    }
}

fn main() {}
