use serde::{Deserialize, Serialize};

#[tapaculo::game(persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {}

fn main() {}
