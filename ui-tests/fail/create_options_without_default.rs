#[derive(serde::Deserialize)]
pub struct ChessOptions;

#[tapaculo::game]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[create]
    fn create(_options: ChessOptions) -> Self {
        Self
    }
}

fn main() {}
