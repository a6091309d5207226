//! Who is banned, and until when: by going over a limit, or by an operator.

use crate::{
    clock::{Clock, Timestamp},
    ids::UserId,
};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

/// With how many those that are over are forgotten for the first time.
const CLEAN_AT: usize = 1024;

/// The bans of a server.
#[derive(Debug)]
pub(crate) struct Bans {
    banned: RwLock<Banned>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Banned {
    until: HashMap<UserId, Timestamp>,
    /// With how many those that are over are forgotten next.
    clean_at: usize,
}

impl Bans {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            banned: RwLock::default(),
            clock,
        }
    }

    /// From now on, in place of what was said of the user before.
    pub(crate) fn ban(&self, user: &UserId, time: Duration) {
        let until = self.clock.now() + time;
        self.write().until.insert(user.clone(), until);
    }

    /// From now on, unless the user is banned for longer already.
    pub(crate) fn ban_at_least(&self, user: &UserId, time: Duration) {
        let until = self.clock.now() + time;
        let mut banned = self.write();
        let known = banned.until.entry(user.clone()).or_insert(until);
        *known = until.max(*known);
    }

    /// Whether the user was banned.
    pub(crate) fn unban(&self, user: &UserId) -> bool {
        let now = self.clock.now();
        let before = self.write().until.remove(user);
        before.is_some_and(|until| until > now)
    }

    /// How long a user is still banned.
    pub(crate) fn time_left(&self, user: &UserId) -> Option<Duration> {
        let banned = self.read();
        let until = *banned.until.get(user)?;
        let left = until.since(self.clock.now());
        (!left.is_zero()).then_some(left)
    }

    /// Everyone who is banned, and until when.
    pub(crate) fn list(&self) -> Vec<(UserId, Timestamp)> {
        let now = self.clock.now();
        let banned = self.read();
        let all = banned.until.iter().filter(|(_, until)| **until > now);
        all.map(|(user, until)| (user.clone(), *until)).collect()
    }

    /// The list, without those whose time is over if it is long.
    fn write(&self) -> RwLockWriteGuard<'_, Banned> {
        let mut banned = self.banned.write().unwrap_or_else(PoisonError::into_inner);
        if banned.until.len() >= banned.clean_at.max(CLEAN_AT) {
            let now = self.clock.now();
            banned.until.retain(|_, until| *until > now);
            banned.clean_at = 2 * banned.until.len();
        }
        banned
    }

    fn read(&self) -> RwLockReadGuard<'_, Banned> {
        self.banned.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ban_lasts_its_time_and_then_is_over_and_forgotten() {
        let bans = Bans::new(Clock::start());
        let user = |number: usize| UserId::new(format!("user {number}")).unwrap();
        bans.ban(&user(0), Duration::MAX);
        bans.ban(&user(1), Duration::from_millis(500));
        tokio::time::advance(Duration::from_millis(499)).await;
        assert_eq!(bans.time_left(&user(1)), Some(Duration::from_millis(1)));
        assert_eq!(bans.list().len(), 2);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(bans.time_left(&user(1)), None);
        assert!(!bans.unban(&user(1)), "it is over");
        assert_eq!(bans.list().len(), 1);
        for number in 2..10 * CLEAN_AT {
            bans.ban(&user(number), Duration::from_millis(1));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(bans.read().until.len() <= CLEAN_AT);
        assert!(bans.time_left(&user(0)).is_some());
        assert!(bans.unban(&user(0)) && !bans.unban(&user(0)));
        assert_eq!(bans.time_left(&user(0)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_does_not_shorten_what_an_operator_has_said_who_may_do_so() {
        let bans = Bans::new(Clock::start());
        let user = UserId::new("alice").unwrap();
        let [short, long] = [60, 3600].map(Duration::from_secs);
        bans.ban(&user, long);
        bans.ban_at_least(&user, short);
        assert_eq!(bans.time_left(&user), Some(long));
        bans.ban(&user, short);
        assert_eq!(bans.time_left(&user), Some(short));
        bans.ban_at_least(&user, long);
        assert_eq!(bans.time_left(&user), Some(long));
    }
}
