use tapaculo::prelude::*;

#[derive(serde::Serialize)]
pub struct Said(String);

#[tapaculo::game(event = Said)]
#[derive(Default)]
pub struct Chat {
    said: u32,
}

#[tapaculo::game]
impl Chat {
    #[message]
    fn say(&mut self, room: &Room<Self>, text: String) {
        room.broadcast(Said(text));
    }

    #[message]
    fn count(&self) {
        self.said += 1;
    }
}

fn main() {}
