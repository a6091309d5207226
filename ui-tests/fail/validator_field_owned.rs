#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(play)]
    fn legal(&self, from: u8, note: String, path: Vec<u8>, piece: Option<&u8>) -> Result<(), String> {
        Err(format!("{from} {note} {path:?} {piece:?}"))
    }

    #[message]
    fn play(&mut self, from: u8, note: String, path: Vec<u8>, piece: Option<u8>) {
        let _ = (from, note, path, piece);
    }
}

fn main() {}
