use serde::{Deserialize, Serialize};

#[tapaculo::game(rollback, persist)]
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {}

fn main() {}
