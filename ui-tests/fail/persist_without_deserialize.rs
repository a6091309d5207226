use tapaculo::prelude::*;

#[tapaculo::game(persist = "2s", version = 2)]
#[derive(Default, serde::Serialize)]
pub struct Chess {
    moves: Vec<String>,
}

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self::default())
    }

    #[timer]
    fn flag(&mut self, _seat: Seat) {}
}

fn main() {}
