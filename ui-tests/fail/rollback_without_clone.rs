#[tapaculo::game(players = 2, rollback)]
#[derive(Default)]
pub struct Chess {
    moves: u32,
}

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self) {
        self.moves += 1;
    }
}

fn main() {}
