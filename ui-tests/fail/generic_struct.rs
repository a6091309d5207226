#[tapaculo::game(players = 2)]
pub struct Chess<B> {
    board: B,
}

#[tapaculo::game]
pub struct Go<'a> {
    name: &'a str,
}

#[tapaculo::game]
pub struct Hex<const SIZE: usize> {
    board: [u8; SIZE],
}

fn main() {}
