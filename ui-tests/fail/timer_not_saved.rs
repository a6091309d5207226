use serde::{Deserialize, Serialize};
use std::time::Instant;
use tapaculo::prelude::*;

/// Not to be saved.
pub struct Piece;

/// Only to be saved.
#[derive(Serialize)]
pub struct Square(u8);

#[tapaculo::game(persist)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    fn flag(&mut self, _seat: Seat, _since: Instant) {}

    #[timer]
    fn hint(&mut self, _pieces: Vec<(u8, Option<Piece>)>, _to: Square) {}
}

fn main() {}
