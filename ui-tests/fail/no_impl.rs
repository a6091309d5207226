use tapaculo::prelude::*;

#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess;

fn main() {
    let _ = Server::new().with_game::<Chess>();
}
