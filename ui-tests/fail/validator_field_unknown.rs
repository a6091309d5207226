#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(play)]
    fn legal(&self, form: &u8, to: &u8) -> Result<(), String> {
        Err(format!("{form} {to}"))
    }

    #[message]
    fn play(&mut self, from: u8, to: u8) {
        let _ = (from, to);
    }
}

fn main() {}
