use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self)
    }
}

fn main() {}
