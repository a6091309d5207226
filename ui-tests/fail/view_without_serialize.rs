pub struct ChessView;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[view]
    fn view(&self) -> ChessView {
        ChessView
    }
}

fn main() {}
