#![allow(non_snake_case)]

use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[timer]
    fn flag_down(&mut self, _seat: Seat) {}

    #[timer]
    fn flag__down(&mut self) {}
}

fn main() {}
