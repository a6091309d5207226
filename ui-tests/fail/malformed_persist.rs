use serde::{Deserialize, Serialize};

#[tapaculo::game(persist = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Number;

#[tapaculo::game(persist = "2 parsecs")]
#[derive(Default, Serialize, Deserialize)]
pub struct Unit;

#[tapaculo::game(persist = "0s")]
#[derive(Default, Serialize, Deserialize)]
pub struct Nothing;

#[tapaculo::game(persist = true)]
#[derive(Default, Serialize, Deserialize)]
pub struct Yes;

#[tapaculo::game(persist("2s"))]
#[derive(Default, Serialize, Deserialize)]
pub struct Parentheses;

#[tapaculo::game(persist =)]
#[derive(Default, Serialize, Deserialize)]
pub struct Half;

#[tapaculo::game(persist, persist = "2s")]
#[derive(Default, Serialize, Deserialize)]
pub struct Twice;

#[tapaculo::game(persits)]
#[derive(Default)]
pub struct Misspelt;

fn main() {}
