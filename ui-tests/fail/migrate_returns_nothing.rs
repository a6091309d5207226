use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

#[tapaculo::game(persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(old: SavedState) {
        let _ = old;
    }
}

fn main() {}
