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

#[tapaculo::game]
pub struct Go;

#[tapaculo::game]
impl Go {
    #[create]
    fn create(_room: tapaculo::RoomId) -> Self {
        Self
    }
}

fn main() {}
