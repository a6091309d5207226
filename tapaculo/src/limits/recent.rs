//! How often something has happened lately: a window that slides, exact from any moment on.

use crate::clock::Timestamp;
use std::{collections::VecDeque, time::Duration};

/// So many, within so long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) most: usize,
    pub(super) window: Duration,
}

/// When it happened, oldest first: those within the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(VecDeque<Timestamp>);

impl Recent {
    /// Whether one more would fit, or in which time it would.
    pub(super) fn fits(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let Rate { most, window } = rate;
        while self.0.front().is_some_and(|at| now.since(*at) >= window) {
            self.0.pop_front();
        }
        if self.0.len() < most {
            return Ok(());
        }
        let first = self.0.front();
        Err(first.map_or(window, |at| window - now.since(*at)))
    }

    /// It has happened.
    pub(super) fn note(&mut self, now: Timestamp) {
        self.0.push_back(now);
    }

    /// It has not happened after all, or not yet.
    pub(super) fn take_back(&mut self) {
        self.0.pop_back();
    }

    /// Whether nothing has happened within the window.
    pub(super) fn is_quiet(&self, window: Duration, now: Timestamp) -> bool {
        self.0.back().is_none_or(|at| now.since(*at) >= window)
    }
}
