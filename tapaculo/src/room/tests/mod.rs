//! The room core without a socket.

mod delivery;
mod fuzz;
mod handle;
mod kept;
mod promises;
mod rollback;
mod seats;
mod time;

use super::Alarm;
use crate::prelude::*;
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::time::Duration;

/// For rooms whose handlers never wait for long.
struct NoAlarm;

impl Alarm for NoAlarm {
    fn after(&self, _time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Fails where it is told to.
#[tapaculo::game(players = 2, spectators, event = Said, empty_timeout = "1m")]
struct Fragile {
    panics_in: String,
    count: u32,
}

#[derive(Serialize)]
struct Said(String);

#[derive(Default, serde::Deserialize)]
struct FragileOptions {
    #[serde(default)]
    panics_in: String,
    #[serde(default)]
    refuse: bool,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        self.at("drop");
    }
}

impl Fragile {
    fn at(&self, place: &str) {
        assert_ne!(self.panics_in, place, "this panic is part of a test");
    }
}

#[tapaculo::game(crate = tapaculo)]
impl Fragile {
    #[create]
    fn create(room: &RoomId, options: FragileOptions) -> Result<Self, String> {
        if options.refuse {
            return Err(format!("no room `{room}` today"));
        }
        let fragile = Self {
            panics_in: options.panics_in,
            count: 0,
        };
        fragile.at("create");
        Ok(fragile)
    }

    #[on_join]
    fn joined(&mut self, room: &mut Room<Self>, player: &Player) {
        room.broadcast(Said(format!("{} joined", player.user())));
        self.at("on_join");
    }

    #[on_full]
    fn full(&mut self, room: &mut Room<Self>) {
        room.broadcast(Said("full".to_owned()));
        self.at("on_full");
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), String> {
        room.broadcast(Said(format!("{} left", player.user())));
        self.at("on_leave");
        if self.panics_in == "nowhere: on_leave fails" {
            return Err("not so fast".to_owned());
        }
        Ok(())
    }

    #[on_empty]
    async fn empty(&mut self) {
        self.at("on_empty");
    }

    #[view]
    fn view(&self, _viewer: &Member) -> u32 {
        self.at("view");
        self.count
    }

    #[validate]
    fn all(&self, _message: &FragileMessage) -> Result<(), String> {
        self.at("a validator");
        Ok(())
    }

    #[message]
    fn count(&mut self, room: &mut Room<Self>) -> u32 {
        self.count += 1;
        room.broadcast(Said(format!("{}", self.count)));
        self.at("a handler");
        self.count
    }

    #[message]
    async fn wait(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        room.broadcast(Said("waiting".to_owned()));
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.at("an async handler");
        Err("waited in vain".to_owned())
    }

    /// Says something to one member only.
    #[message]
    fn hint(&mut self, room: &mut Room<Self>, to: UserId) {
        room.send_to(&to, Said("psst".to_owned()));
    }

    /// Says so much at once, and replies with so much.
    #[message]
    fn burst(&mut self, room: &mut Room<Self>, events: usize, bytes: usize) -> String {
        for _ in 0..events {
            room.broadcast(Said("x".repeat(bytes)));
        }
        "x".repeat(bytes)
    }

    /// Says something that is soon out of date, before and after something that is not.
    #[message]
    fn twitch(&mut self, room: &mut Room<Self>) {
        room.broadcast_volatile(Said("before".to_owned()));
        room.broadcast(Said("twitched".to_owned()));
        room.broadcast_volatile(Said("after".to_owned()));
    }

    /// Says that it takes something back, and does.
    #[message]
    fn retract(&mut self, room: &mut Room<Self>, seq: u64) {
        room.broadcast(Said("never mind".to_owned()));
        room.redact(seq);
    }

    /// Says something and takes it back.
    #[message]
    fn blurt(&mut self, room: &mut Room<Self>) {
        room.broadcast(Said("a secret".to_owned()));
        room.redact(room.last_seq());
    }

    #[message]
    fn roll(&mut self, room: &mut Room<Self>) -> u32 {
        use rand::RngExt;
        room.rng().random_range(1..=6)
    }

    #[message]
    fn roll_in_vain(&mut self, room: &mut Room<Self>) -> Result<(), String> {
        Err(self.roll(room).to_string())
    }
}
