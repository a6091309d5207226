#[derive(serde::Deserialize)]
pub struct Square(u8);

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(
        &mut self,
        #[serde(defualt)] from: Option<u8>,
        #[serde(rename)] to: u8,
        #[serde(default = 5)] piece: u8,
        #[serde(with = square)] by: Square,
        #[serde(skip_serializing_if = "Option::is_none")] promotion: Option<u8>,
        #[serde] check: bool,
        #[serde(rename = )] mate: bool,
    ) {
        let _ = (from, to, piece, by.0, promotion, check, mate);
    }

    #[message]
    #[serde(rename = "Draw")]
    fn offer_draw(&mut self) {}
}

fn main() {}
