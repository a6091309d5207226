#[tapaculo::game(players = 2)]
pub struct Chess<B> {
    board: B,
}

fn main() {}
