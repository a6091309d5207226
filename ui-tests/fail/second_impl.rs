#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {}
}

#[tapaculo::game]
impl Chess {
    #[message]
    fn offer_draw(&mut self) {}
}

fn main() {}
