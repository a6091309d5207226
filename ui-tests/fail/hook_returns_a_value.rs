#[tapaculo::game(players = 2)]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[on_full]
    fn start(&mut self) -> u8 {
        0
    }
}

fn main() {}
