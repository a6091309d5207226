#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {}

    #[message(rename = "Resign")]
    fn give_up(&mut self) {}
}

fn main() {}
