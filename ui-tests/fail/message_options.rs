#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message(name = "Move")]
    fn play(&mut self) {}

    #[message(rename = Resign)]
    fn give_up(&mut self) {}

    #[message = "Draw"]
    fn draw(&mut self) {}

    #[message(rename = "")]
    fn nothing(&mut self) {}

    #[on_full(2)]
    fn start(&mut self) {}
}

fn main() {}
