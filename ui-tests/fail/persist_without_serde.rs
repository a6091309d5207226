#[tapaculo::game(players = 2, persist)]
#[derive(Default)]
pub struct Chess {
    moves: Vec<String>,
}

#[tapaculo::game]
impl Chess {}

fn main() {
    let _ = tapaculo::Server::new().with_game::<Chess>();
}
