#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    #[on_full]
    fn start(&mut self) {}
}

fn main() {}
