// What is saved depends on options that are wrong here: that is no reason for errors in the rules, nor
// for one about what the struct or the timers lack.

use std::time::Instant;
use tapaculo::prelude::*;

#[tapaculo::game(persist = "2 parsecs", version = "two")]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(_old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self)
    }

    #[timer]
    fn flag(&mut self, _since: Instant) {}
}

#[tapaculo::game(persist, version = 2)]
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub struct Draughts;

// Nor is there one about a hook where the rules have a mistake.
#[tapaculo::game]
impl Draughts {
    #[timer]
    fn flag(&mut self, _since: &Instant) {}
}

fn main() {}
