#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game(persist)]
impl Chess {}

fn main() {}
