//! A chess clock: how much time each side has left, and whose runs.

use crate::position::Side;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tapaculo::prelude::Timestamp;

/// How much time a side has, and what it gets for each move: `{"minutes": 5, "increment": 3}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub(crate) struct TimeControl {
    /// Of a minute.
    quarters: u16,
    /// In seconds.
    increment: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "a `clock`, such as {\"minutes\": 5, \"increment\": 3}")]
struct Wire {
    minutes: f64,
    #[serde(default)]
    increment: f64,
}

impl TryFrom<Wire> for TimeControl {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        Ok(Self {
            quarters: whole(wire.minutes * 4.0, 1..=180 * 4)
                .ok_or("`minutes` are 0.25 to 180, in quarters of a minute")?,
            increment: whole(wire.increment, 0..=60)
                .ok_or("`increment` is 0 to 60, in whole seconds")?,
        })
    }
}

impl From<TimeControl> for Wire {
    fn from(control: TimeControl) -> Self {
        Self {
            minutes: f64::from(control.quarters) / 4.0,
            increment: control.increment.into(),
        }
    }
}

fn whole(number: f64, mut allowed: std::ops::RangeInclusive<u16>) -> Option<u16> {
    allowed.find(|whole| f64::from(*whole) == number)
}

/// The two clocks of a game.
///
/// As on lichess, the first move of each side is free: nothing runs until both have made theirs.
/// From then on a clock runs whenever it is that side's turn, whether or not the player is
/// connected, and a move adds the increment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Clocks {
    control: TimeControl,
    /// White's and Black's, as of when the one that runs was started.
    left: [Duration; 2],
    running: Option<(Side, Timestamp)>,
}

impl Clocks {
    pub(crate) fn new(control: TimeControl) -> Self {
        let time = Duration::from_secs(u64::from(control.quarters) * 15);
        Self {
            control,
            left: [time; 2],
            running: None,
        }
    }

    /// Whose clock runs, and how much time that side has left; none if it is up.
    pub(crate) fn running(&self, now: Timestamp) -> Option<(Side, Duration)> {
        let (side, since) = self.running?;
        let left = self.left[side as usize].saturating_sub(now.since(since));
        Some((side, left))
    }

    /// A side has moved: its clock stops, the other's runs.
    pub(crate) fn press(&mut self, by: Side, now: Timestamp) {
        if self.running.is_some() {
            self.stop(now);
            self.left[by as usize] += Duration::from_secs(self.control.increment.into());
        }
        self.running = Some((!by, now));
    }

    pub(crate) fn stop(&mut self, now: Timestamp) {
        if let Some((side, left)) = self.running(now) {
            self.left[side as usize] = left;
        }
        self.running = None;
    }

    /// What a page needs to count down by itself, also later: in milliseconds, `white` and `black`
    /// as of the moment `at`, from which on one of them is `running`.
    pub(crate) fn told(&self) -> ClocksTold {
        let [white, black] = self.left.map(|left| left.as_millis());
        ClocksTold {
            white,
            black,
            running: self.running.map(|(side, _)| side),
            at: self.running.map(|(_, since)| since),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ClocksTold {
    white: u128,
    black: u128,
    running: Option<Side>,
    at: Option<Timestamp>,
}
