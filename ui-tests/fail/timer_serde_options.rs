use serde::{Deserialize, Serialize};
use tapaculo::prelude::*;

#[tapaculo::game(persist)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    fn flag(
        &mut self,
        #[serde(defualt)] seat: Option<Seat>,
        #[serde(rename)] left: u8,
        #[serde(default = 5)] piece: u8,
        #[serde(rename = "piece")] other: u8,
        #[serde] room: &mut Room<Self>,
    ) {
        let _ = (seat, left, piece, other, room);
    }

    #[timer]
    #[serde(rename = "Ding")]
    fn ring(&mut self) {}
}

fn main() {}
