#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[on_joined]
    fn welcome(&mut self) {}

    #[on_reconect]
    fn back(&mut self) {}

    #[on_start]
    fn start(&mut self) {}
}

fn main() {}
