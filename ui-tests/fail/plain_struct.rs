#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {}

    #[on_full]
    fn start(&mut self) {}
}

fn main() {}
