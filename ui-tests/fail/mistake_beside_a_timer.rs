use std::time::Duration;
use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[on_join]
    fn joined(&mut self, _words: String) {}

    #[timer]
    fn flag(&mut self, _seat: Seat) {}

    #[tick(every = "1s")]
    fn step(&mut self, _elapsed: Duration) {}
}

// What is generated is there all the same.
pub fn named(timer: &ChessTimer) -> &'static str {
    match timer {
        ChessTimer::Flag { _seat: _ } => "flag",
    }
}

fn main() {}
