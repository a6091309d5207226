use std::time::Duration;
use tapaculo::prelude::*;

#[tapaculo::game]
#[derive(Default)]
pub struct Chess;

#[tapaculo::game]
impl Chess {
    #[tick(every = "50ms")]
    fn step(&mut self, _elapsed: Duration, _room: &mut Room<Self>, _total: Duration) {}
}

#[tapaculo::game]
#[derive(Default)]
pub struct Pong;

#[tapaculo::game]
impl Pong {
    #[tick(every = "50ms")]
    fn step(&mut self, _elapsed: &Duration, _player: &Player) {}
}

fn main() {}
