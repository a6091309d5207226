#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(reisgn)]
    fn may_resign(&self) -> Result<(), String> {
        Ok(())
    }

    #[message]
    fn resign(&mut self) {}

    #[message]
    fn offer_draw(&mut self) {}
}

fn main() {}
