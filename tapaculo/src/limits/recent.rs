//! How often something has happened lately: a window that slides, exact from any moment on, but for
//! what has happened at other nodes.

use crate::clock::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    mem,
    time::Duration,
};

/// So many, within so long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) most: usize,
    pub(super) window: Duration,
}

/// When it happened, as far as that is within the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    /// Here, oldest first.
    here: VecDeque<Timestamp>,
    /// How often at other nodes, as far as they have told.
    elsewhere: Vec<(Timestamp, u32)>,
    /// How often of which no other node knows yet.
    untold: u32,
}

impl Recent {
    /// Whether one more would fit, or in which time it would.
    pub(super) fn fits(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let Rate { most, window } = rate;
        while self.here.front().is_some_and(|at| now.since(*at) >= window) {
            self.here.pop_front();
        }
        self.elsewhere.retain(|(at, _)| now.since(*at) < window);
        let elsewhere = self.elsewhere.iter().map(|(_, count)| *count as usize);
        if self.here.len() + elsewhere.sum::<usize>() < most {
            return Ok(());
        }
        let first = self.here.front();
        Err(first.map_or(window, |at| window - now.since(*at)))
    }

    /// It has happened.
    pub(super) fn note(&mut self, now: Timestamp) {
        self.here.push_back(now);
    }

    /// It has not happened after all, or not yet.
    pub(super) fn take_back(&mut self) {
        self.here.pop_back();
    }

    /// Whether nothing has happened within the window.
    pub(super) fn is_quiet(&self, window: Duration, now: Timestamp) -> bool {
        self.here.back().is_none_or(|at| now.since(*at) >= window)
    }

    /// It is to be told to other nodes; answers whether there was nothing to be told before.
    pub(super) fn tell_later(&mut self) -> bool {
        self.untold = self.untold.saturating_add(1);
        self.untold == 1
    }

    /// How often it has happened of which no other node knows; that is told from now on.
    pub(super) fn tell(&mut self) -> u32 {
        mem::take(&mut self.untold)
    }

    /// How often it has happened at other nodes lately, in place of what was known of it.
    pub(super) fn learn(&mut self, elsewhere: Vec<(Timestamp, u32)>) {
        self.elsewhere = elsewhere;
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
    pub(super) fn count(
        &mut self,
        key: K,
        rate: Rate,
        now: Timestamp,
    ) -> Result<&mut Recent, Duration> {
        if now >= self.clean_at {
            self.each
                .retain(|_, recent| !recent.is_quiet(rate.window, now));
            self.each.shrink_to_fit();
            self.clean_at = now + rate.window;
        }
        let recent = self.each.entry(key).or_default();
        recent.fits(rate, now)?;
        recent.note(now);
        Ok(recent)
    }

    /// What is known of one, unless it has been quiet.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut Recent> {
        self.each.get_mut(key)
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
            assert!(recent.count(number, RATE, now).is_ok());
            assert!(recent.each.len() <= 201, "{}", recent.each.len());
        }
    }

    #[test]
    fn what_is_refused_does_not_count_and_says_when_to_come_back() {
        let mut recent = RecentOf::default();
        let mut at = |millis| {
            let counted = recent.count("a", RATE, Timestamp::from_millis(millis));
            counted.map(drop)
        };
        for millis in [0, 10, 20] {
            assert_eq!(at(millis), Ok(()));
        }
        for millis in 21..100 {
            assert_eq!(at(millis), Err(Duration::from_millis(100 - millis)));
        }
        assert_eq!(at(100), Ok(()));
        assert_eq!(at(100), Err(Duration::from_millis(10)));
        let other = recent.count("b", RATE, Timestamp::from_millis(100));
        assert!(other.is_ok());
    }

    #[test]
    fn what_happens_elsewhere_counts_for_as_long() {
        let mut recent = Recent::default();
        let at = Timestamp::from_millis;
        recent.learn(vec![(at(0), 1), (at(50), 1)]);
        assert!(recent.fits(RATE, at(60)).is_ok());
        recent.note(at(60));
        assert_eq!(recent.fits(RATE, at(99)), Err(Duration::from_millis(61)));
        assert!(recent.fits(RATE, at(100)).is_ok());
    }
}
