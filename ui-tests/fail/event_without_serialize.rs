pub struct ChessEvent;

#[tapaculo::game(players = 2, event = ChessEvent)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {}

fn main() {}
