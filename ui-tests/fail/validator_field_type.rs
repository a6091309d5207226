#[derive(Debug, serde::Deserialize)]
pub struct Square(u8);

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(play)]
    fn legal(&self, from: &u8) -> Result<(), String> {
        Err(format!("{from}"))
    }

    #[message]
    fn play(&mut self, from: Square) {
        let _ = from.0;
    }
}

fn main() {}
