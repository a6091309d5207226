//! Timers with and without fields, in every shape a method can have.

use std::{rc::Rc, time::Duration};
use tapaculo::{game::Game, prelude::*};

#[tapaculo::game(
    players = 2,
    reconnect = "0s",
    handler_timeout = "1500ms",
    empty_timeout = "1h"
)]
#[derive(Default)]
pub struct Clock {
    rang: u8,
}

/// Neither `Clone` nor `Deserialize`: a timer never leaves the room.
pub struct Alarm(String);

type Checked = Result<(), Alarm>;

impl std::fmt::Display for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[tapaculo::game]
impl Clock {
    /// Nobody moved.
    #[timer]
    fn ring(&mut self) {
        self.rang += 1;
    }

    #[timer]
    fn flag_down(&mut self, room: &mut Room<Self>, seat: Seat) -> Result<(), String> {
        match room.player(seat) {
            Some(_) => Ok(()),
            None => Err(format!("nobody sits at {seat:?}")),
        }
    }

    #[timer]
    async fn wake(
        &self,
        /// Whom to wake.
        user: UserId,
        room: &Room<Self>,
        #[cfg(feature = "absent")] absent: Absent,
        r#type: Alarm,
    ) -> Checked {
        std::future::ready(()).await;
        if room.players().iter().any(|player| *player.user() == user) {
            return Ok(());
        }
        Err(r#type)
    }

    #[timer]
    fn timer(&mut self, _list: Vec<Option<Self>>) {}

    #[cfg(feature = "absent")]
    #[timer]
    fn gone(&mut self, absent: Absent) {}

    /// A message may be called as a timer is.
    #[message(rename = "Ring")]
    fn ring_now(&mut self) -> u8 {
        let local = Rc::new(self.rang);
        *local
    }
}

/// A game whose only timer is not there.
#[tapaculo::game]
#[derive(Default)]
pub struct Still;

#[tapaculo::game]
impl Still {
    #[cfg(feature = "absent")]
    #[timer]
    fn gone(&mut self, absent: Absent) {}
}

/// A game without timers has no enum for them: this one is the user's.
pub enum PlainTimer {}

#[tapaculo::game]
#[derive(Default)]
pub struct Plain;

#[tapaculo::game]
impl Plain {}

fn variants(timer: &ClockTimer) -> u8 {
    match timer {
        ClockTimer::Ring => 0,
        ClockTimer::FlagDown { seat: _ } => 1,
        ClockTimer::Wake { user: _, r#type: _ } => 2,
        ClockTimer::Timer { _list: _ } => 3,
    }
}

fn main() {
    use tapaculo::game::{Declared, NoTimer, Settings};
    fn is_of<G: Game<Timer = T>, T>(_: &[T]) {}
    is_of::<Clock, _>(&[ClockTimer::Ring]);
    is_of::<Still, StillTimer>(&[]);
    is_of::<Plain, NoTimer>(&[]);
    assert_eq!(variants(&ClockTimer::Timer { _list: Vec::new() }), 3);
    assert_eq!(Clock::MESSAGES, ["Ring"]);
    assert_eq!(Clock::TICK, None);
    assert_eq!(
        Clock::SETTINGS,
        Settings::new()
            .players(2)
            .reconnect(Duration::ZERO)
            .handler_timeout(Duration::from_millis(1_500))
            .empty_timeout(Duration::from_secs(3_600))
    );
    assert!(Clock::default().backup().is_none());
}
