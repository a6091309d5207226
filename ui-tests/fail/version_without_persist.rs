use tapaculo::prelude::*;

#[tapaculo::game(players = 2, version = 3)]
#[derive(Default)]
pub struct Chess;

// What it is for is an error already: this is none.
#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self)
    }
}

fn main() {}
