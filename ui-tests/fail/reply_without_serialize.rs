pub struct Outcome;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) -> Outcome {
        Outcome
    }
}

fn main() {}
