pub struct TooLate;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) -> Result<(), TooLate> {
        Err(TooLate)
    }
}

fn main() {}
