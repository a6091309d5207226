#[tapaculo::game(players = 1..)]
pub struct Open;

#[tapaculo::game(players = ..=4)]
pub struct NoStart;

#[tapaculo::game(players = "2")]
pub struct Quoted;

#[tapaculo::game(players = -2)]
pub struct Negative;

#[tapaculo::game(players = 99999999999)]
pub struct TooMany;

#[tapaculo::game(players = MOST)]
pub struct Constant;

fn main() {}
