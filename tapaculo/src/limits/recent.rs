//! How often something has happened lately: a window that slides, exact from any moment on.

use crate::clock::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};

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

/// The same for many, each of whom is forgotten when it has been quiet for its window.
#[derive(Debug)]
pub(super) struct RecentOf<K> {
    each: HashMap<K, Recent>,
    /// When the quiet ones are looked for next.
    clean_at: Timestamp,
}

impl<K> Default for RecentOf<K> {
    fn default() -> Self {
        Self {
            each: HashMap::new(),
            clean_at: Timestamp::from_millis(0),
        }
    }
}

impl<K: Hash + Eq> RecentOf<K> {
    /// Notes one more, if it fits; otherwise says in which time one would.
    pub(super) fn count(&mut self, key: K, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        if now >= self.clean_at {
            self.each
                .retain(|_, recent| !recent.is_quiet(rate.window, now));
            self.each.shrink_to_fit();
            self.clean_at = now + rate.window;
        }
        let recent = self.each.entry(key).or_default();
        recent.fits(rate, now)?;
        recent.note(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        most: 3,
        window: Duration::from_millis(100),
    };

    #[test]
    fn whoever_has_been_quiet_for_a_window_is_forgotten() {
        let mut recent = RecentOf::default();
        for number in 0..10_000 {
            let now = Timestamp::from_millis(1_000 + number);
            assert_eq!(recent.count(number, RATE, now), Ok(()));
            assert!(recent.each.len() <= 201, "{}", recent.each.len());
        }
    }

    #[test]
    fn what_is_refused_does_not_count_and_says_when_to_come_back() {
        let mut recent = RecentOf::default();
        let mut at = |millis| recent.count("a", RATE, Timestamp::from_millis(millis));
        for millis in [0, 10, 20] {
            assert_eq!(at(millis), Ok(()));
        }
        for millis in 21..100 {
            assert_eq!(at(millis), Err(Duration::from_millis(100 - millis)));
        }
        assert_eq!(at(100), Ok(()));
        assert_eq!(at(100), Err(Duration::from_millis(10)));
        let other = recent.count("b", RATE, Timestamp::from_millis(100));
        assert_eq!(other, Ok(()));
    }
}
