use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    fn flag(&mut self, seat: Seat) -> Seat {
        seat
    }
}

fn main() {}
