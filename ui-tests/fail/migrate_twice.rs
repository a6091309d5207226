use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

#[tapaculo::game(persist, version = 3)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn from_first(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self)
    }

    #[migrate]
    fn from_second(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self)
    }
}

fn main() {}
