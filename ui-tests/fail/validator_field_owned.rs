#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(play)]
    fn legal(&self, from: u8) -> Result<(), String> {
        Err(from.to_string())
    }

    #[message]
    fn play(&mut self, from: u8) {
        let _ = from;
    }
}

fn main() {}
