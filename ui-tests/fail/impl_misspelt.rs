#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Ches {
    #[message]
    fn resign(&mut self) {}
}

fn main() {}
