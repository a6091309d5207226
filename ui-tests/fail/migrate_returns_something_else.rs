use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

#[tapaculo::game(persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(_old: SavedState) -> Self {
        Self
    }
}

#[tapaculo::game(persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Draughts;

#[tapaculo::game]
impl Draughts {
    #[migrate]
    fn migrate(old: SavedState) -> Option<Self> {
        old.read().ok()
    }
}

#[tapaculo::game(persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Go;

#[tapaculo::game]
impl Go {
    #[migrate]
    fn migrate(old: SavedState) -> Result<Chess, SavedStateError> {
        old.read()
    }
}

fn main() {}
