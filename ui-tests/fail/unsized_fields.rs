#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn say(&mut self, text: str) {}

    #[message]
    fn moves(&mut self, squares: [u8]) {}
}

fn main() {}
