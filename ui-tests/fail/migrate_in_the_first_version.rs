use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

#[tapaculo::game(persist)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn from_before(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self)
    }
}

fn main() {}
