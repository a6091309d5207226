#[tapaculo::game(players = 2, colour = "red")]
#[derive(Default)]
pub struct Chess;

fn main() {}
