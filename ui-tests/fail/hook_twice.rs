#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[on_full]
    fn start(&mut self) {}

    #[on_full]
    fn deal(&mut self) {}
}

fn main() {}
