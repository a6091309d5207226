#[tapaculo::game(players = 2, spectators, players = 4)]
#[derive(Default)]
pub struct Chess;

fn main() {}
