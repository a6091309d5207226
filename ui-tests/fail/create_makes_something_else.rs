pub struct Board;

#[tapaculo::game]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[create]
    fn create() -> Board {
        Board
    }
}

fn main() {}
