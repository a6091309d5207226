use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    fn forget(&mut self, #[serde(default)] _seat: Option<Seat>) {}
}

fn main() {}
