use std::borrow::Cow;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn say(&mut self, text: &str) {
        let _ = text;
    }

    #[message]
    fn moves(&mut self, squares: &[u8]) {
        let _ = squares;
    }

    #[message]
    fn hint(&mut self, text: Cow<'_, str>) {
        let _ = text;
    }

    #[message]
    fn maybe(&mut self, text: Option<&str>) {
        let _ = text;
    }
}

fn main() {}
