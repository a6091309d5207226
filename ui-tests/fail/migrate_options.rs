use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

#[tapaculo::game(persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate(from = 1)]
    fn migrate(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self)
    }
}

fn main() {}
