#[tapaculo::game(players = 2)]
#[derive(Default)]
pub enum Chess {
    #[default]
    Playing,
    Over,
}

#[tapaculo::game]
impl Chess {
    #[message]
    fn resign(&mut self) {
        *self = Self::Over;
    }
}

fn main() {}
