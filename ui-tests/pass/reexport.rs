//! The library under another path.

// As in a crate where `tapaculo` is the name of something else.
extern crate core as tapaculo;
extern crate tapaculo as engine;

mod deps {
    pub(crate) mod engine {
        pub(crate) use ::engine::*;
    }
}

use deps::engine::prelude::*;

#[deps::engine::game(crate = crate::deps::engine, players = 2, rollback)]
#[derive(Clone, Default)]
pub struct Far;

#[deps::engine::game(crate = crate::deps::engine)]
impl Far {
    #[deps::engine::validate(go)]
    fn fine(&self, at: &u8) -> Result<(), String> {
        let _ = at;
        Ok(())
    }

    #[message]
    fn go(&mut self, room: &mut Room<Self>, at: u8) {
        let _ = (room, at);
    }

    #[deps::engine::timer]
    fn over(&mut self, room: &mut Room<Self>, seat: Seat) {
        let _ = (room, seat);
    }

    #[deps::engine::tick(every = "1s")]
    fn step(&mut self, elapsed: std::time::Duration) {
        let _ = elapsed;
    }
}

fn main() {}
