#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn play(&mut self, (from, to): (u8, u8)) {
        let _ = (from, to);
    }

    #[message]
    fn castle(&mut self, _: bool) {}
}

fn main() {}
