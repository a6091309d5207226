use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self, player: Player) {
        let _ = player;
    }

    #[message]
    fn chat(&mut self, member: Member, text: String) {
        let _ = (member, text);
    }
}

fn main() {}
