#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    fn say(&mut self, text: impl ToString) {
        let _ = text.to_string();
    }

    #[message]
    fn play<T: serde::de::DeserializeOwned>(&mut self, from: T) {
        let _ = from;
    }
}

fn main() {}
