use tapaculo::prelude::*;

#[tapaculo::game(event = String)]
#[derive(Default)]
pub struct Chat;

#[tapaculo::game]
impl Chat {
    #[message]
    fn say(&mut self, room: &mut Room<Self>, text: String) {
        std::thread::spawn(move || room.broadcast(text));
    }
}

fn main() {}
