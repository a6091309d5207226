#[tapaculo::game(players = 2)]
pub struct Chess {
    clock: u8,
}

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {
        self.clock = 0;
    }
}

fn main() {}
