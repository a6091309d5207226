#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, #[serde(rename = "to")] from: u8, to: u8) {
        let _ = (from, to);
    }

    #[message]
    fn castle(&mut self, king: u8, #[serde(alias = "king")] rook: u8) {
        let _ = (king, rook);
    }
}

fn main() {}
