//! Ticks with everything they can take, and a state that can be rolled back.

use std::time::Duration;
use tapaculo::{
    game::{Declared, Game},
    prelude::*,
};

#[tapaculo::game(rollback)]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pong {
    at: Duration,
}

#[tapaculo::game]
impl Pong {
    #[tick(every = "50ms")]
    async fn step(&mut self, elapsed: Duration, room: &mut Room<Self>) -> Result<(), String> {
        self.at += elapsed;
        if room.players().is_empty() {
            return Err("nobody plays".to_owned());
        }
        Ok(())
    }
}

#[tapaculo::game]
#[derive(Default)]
pub struct Snake;

#[tapaculo::game]
impl Snake {
    #[tick(every = "1s")]
    fn tick(&self) {}
}

/// A tick that is there or not, and one that differs.
#[tapaculo::game]
#[derive(Default)]
pub struct Built;

#[tapaculo::game]
impl Built {
    #[cfg(feature = "absent")]
    #[tick(every = "1h")]
    fn slow(&mut self, absent: Absent) {}

    #[cfg(not(feature = "absent"))]
    #[tick(every = "1ms")]
    fn fast(&mut self, room: &Room<Self>, _: std::time::Duration) {
        let _ = room;
    }
}

fn main() {
    assert_eq!(Pong::TICK, Some(Duration::from_millis(50)));
    assert_eq!(Snake::TICK, Some(Duration::from_secs(1)));
    assert_eq!(Built::TICK, Some(Duration::from_millis(1)));
    let pong = Pong { at: Duration::MAX };
    assert_eq!(pong.backup(), Some(pong));
    assert!(Snake.backup().is_none());
}
