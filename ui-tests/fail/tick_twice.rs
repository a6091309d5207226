#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[tick(every = "50ms")]
    fn step(&mut self) {}

    #[tick(every = "1s")]
    fn slowly(&mut self) {}
}

fn main() {}
