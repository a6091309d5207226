pub struct Outcome;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) -> Result<Outcome, String> {
        Ok(Outcome)
    }
}

fn main() {}
