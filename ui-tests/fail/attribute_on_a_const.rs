#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[message]
    const SQUARES: u8 = 64;
}

fn main() {}
