#[tapaculo::game(name = "")]
pub struct Nothing;

#[tapaculo::game(name = "@server")]
pub struct Reserved;

#[tapaculo::game(name = "board/chess")]
pub struct Slash;

#[tapaculo::game(name = chess)]
pub struct Unquoted;

#[tapaculo::game(name = "Chess")]
pub struct Uppercase;

fn main() {}
