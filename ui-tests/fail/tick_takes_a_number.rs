#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[tick(every = "50ms")]
    fn step(&mut self, _elapsed: f32) {}
}

fn main() {}
