#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game(players = 2)]
impl Chess {
    #[message]
    fn resign(&mut self) {}
}

fn main() {}
