#[derive(serde::Serialize)]
pub struct Said;

#[tapaculo::game(players = 2 event = Said)]
pub struct NoComma;

#[tapaculo::game(event = Vec<Said> history = 3)]
pub struct AfterGenerics;

#[tapaculo::game(players = 2; spectators)]
pub struct Semicolon;

fn main() {}
