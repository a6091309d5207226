#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[validate(play)]
    fn legal(&self, from: &u8) -> bool {
        *from < 64
    }

    #[validate(play)]
    fn wrong(&self, from: &u8) -> Option<String> {
        Some(from.to_string())
    }

    #[validate]
    fn always(&self) {}

    #[message]
    fn play(&mut self, from: u8) {
        let _ = from;
    }
}

fn main() {}
