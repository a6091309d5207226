#[tapaculo::game(players = 0, history = 64)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn say(&mut self, text: &str) {
        let _ = text;
    }

    #[message]
    fn resign(&mut self) {}
}

/// What is wrong in the game is no reason for errors elsewhere.
pub fn replay() -> [ChessMessage; 2] {
    fn is_game<G: tapaculo::game::Game>() {}
    is_game::<Chess>();
    [ChessMessage::Resign, ChessMessage::Resign]
}

fn main() {}
