use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

pub struct Broken;

#[tapaculo::game(persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(_old: SavedState) -> Result<Self, Broken> {
        Err(Broken)
    }
}

fn main() {}
