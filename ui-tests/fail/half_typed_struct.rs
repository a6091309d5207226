use tapaculo::prelude::*;

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess {
    board: ,
}

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {}
}

fn main() {
    let _ = Server::new().with_game::<Chess>();
}
