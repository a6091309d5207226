pub struct TooLate;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(resign)]
    fn in_time(&self) -> Result<(), TooLate> {
        Err(TooLate)
    }

    #[message]
    fn resign(&mut self) {}
}

fn main() {}
