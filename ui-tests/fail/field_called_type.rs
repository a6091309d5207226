#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn promote(&mut self, r#type: u8) {
        let _ = r#type;
    }

    #[message]
    fn castle(&mut self, #[serde(rename = "type")] side: u8) {
        let _ = side;
    }
}

fn main() {}
