#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(Move)]
    fn legal(&self, to: &u8) -> Result<(), String> {
        Err(to.to_string())
    }

    #[message(rename = "Move")]
    fn play(&mut self, to: u8) {
        let _ = to;
    }
}

fn main() {}
