#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(play)]
    fn legal(&self, from: u8, note: String, path: Vec<u8>) -> Result<(), String> {
        Err(format!("{from} {note} {path:?}"))
    }

    #[message]
    fn play(&mut self, from: u8, note: String, path: Vec<u8>) {
        let _ = (from, note, path);
    }
}

fn main() {}
