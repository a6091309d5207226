pub struct Square(u8);

#[derive(serde::Deserialize)]
pub struct Piece(u8);

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, from: Square, path: Vec<Square>, #[serde(default)] piece: Piece) {
        let _ = (from.0, path, piece.0);
    }
}

fn main() {}
