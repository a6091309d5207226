pub struct Square(u8);

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, from: Square) {
        let _ = from.0;
    }
}

fn main() {}
