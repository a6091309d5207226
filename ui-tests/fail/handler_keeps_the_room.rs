use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess {
    kept: Vec<String>,
}

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, room: &'static mut Room<Self>) {
        self.kept.push(room.id().to_string());
    }
}

fn main() {}
