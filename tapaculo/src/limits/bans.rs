//! Who is banned, and until when: by going over a limit, or by an operator.

use crate::{
    clock::{Clock, Timestamp},
    ids::UserId,
    pubsub::everywhere::{News, Outbox},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

/// With how many those that are over are forgotten for the first time.
const CLEAN_AT: usize = 1024;

/// The bans of a server.
#[derive(Debug)]
pub(crate) struct Bans {
    banned: RwLock<Banned>,
    clock: Clock,
    /// Where all nodes learn of it, if there are others.
    others: OnceLock<Arc<Outbox>>,
}

#[derive(Debug, Default)]
struct Banned {
    until: HashMap<UserId, Timestamp>,
    /// With how many those that are over are forgotten next.
    clean_at: usize,
}

impl Banned {
    fn at_least(&mut self, user: &UserId, until: Timestamp) {
        let known = self.until.entry(user.clone()).or_insert(until);
        *known = until.max(*known);
    }
}

impl Bans {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            banned: RwLock::default(),
            clock,
            others: OnceLock::new(),
        }
    }

    /// What is said here is for all nodes from now on, and so is what was said before.
    pub(crate) fn share(&self, outbox: &Arc<Outbox>) {
        // Nothing is said meanwhile.
        let banned = self.write();
        if self.others.set(Arc::clone(outbox)).is_ok() {
            for (user, until) in &banned.until {
                let (user, until) = (user.clone(), *until);
                outbox.put(News::BannedAtLeast { user, until });
            }
        }
    }

    /// To be called while nobody else writes, so that all nodes hear it in the order in which it was so
    /// here.
    fn tell(&self, news: impl FnOnce() -> News) {
        if let Some(others) = self.others.get() {
            others.put(news());
        }
    }

    /// Does as another node says; answers with the user whose connections are to end.
    pub(crate) fn learn(&self, news: &News) -> Option<UserId> {
        let mut banned = self.write();
        match news {
            News::Banned { user, until } => {
                banned.until.insert(user.clone(), *until);
                Some(user.clone())
            }
            News::BannedAtLeast { user, until } => {
                banned.at_least(user, *until);
                Some(user.clone())
            }
            News::Unbanned { user } => {
                banned.until.remove(user);
                None
            }
            News::RevokedMark { .. } | News::RevokedUntil { .. } | News::AllRevokedUntil { .. } => {
                None
            }
        }
    }

    /// What is known here though it is not among all the news: it was lost there.
    pub(crate) fn missing(&self, news: &[News]) -> Vec<News> {
        let known: HashSet<_> = news
            .iter()
            .filter_map(|news| match news {
                News::Banned { user, .. } | News::Unbanned { user } => Some(user),
                _ => None,
            })
            .collect();
        let all = self.list().into_iter();
        let missing = all.filter(|(user, _)| !known.contains(user));
        missing
            .map(|(user, until)| News::BannedAtLeast { user, until })
            .collect()
    }

    /// From now on, in place of what was said of the user before.
    pub(crate) fn ban(&self, user: &UserId, time: Duration) {
        let until = self.clock.now() + time;
        let mut banned = self.write();
        banned.until.insert(user.clone(), until);
        let user = user.clone();
        self.tell(|| News::Banned { user, until });
    }

    /// From now on, unless the user is banned for longer already.
    pub(crate) fn ban_at_least(&self, user: &UserId, time: Duration) {
        let until = self.clock.now() + time;
        let mut banned = self.write();
        banned.at_least(user, until);
        let user = user.clone();
        self.tell(|| News::BannedAtLeast { user, until });
    }

    /// Whether the user was banned.
    pub(crate) fn unban(&self, user: &UserId) -> bool {
        let now = self.clock.now();
        let mut banned = self.write();
        let before = banned.until.remove(user);
        let user = user.clone();
        self.tell(|| News::Unbanned { user });
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

    #[tokio::test(start_paused = true)]
    async fn what_is_said_here_is_told_in_order_and_what_was_said_before_first() {
        let (bans, outbox) = (Bans::new(Clock::start()), Arc::new(Outbox::default()));
        let [alice, bob] = ["alice", "bob"].map(|name| UserId::new(name).unwrap());
        let hour = Duration::from_secs(3600);
        let until = bans.clock.now() + hour;
        bans.ban(&alice, hour);
        bans.share(&outbox);
        bans.ban(&bob, hour);
        bans.unban(&bob);
        bans.ban_at_least(&bob, hour);
        let told = outbox.peek();
        let expected = [
            News::BannedAtLeast { user: alice, until },
            News::Banned {
                user: bob.clone(),
                until,
            },
            News::Unbanned { user: bob.clone() },
            News::BannedAtLeast { user: bob, until },
        ];
        assert_eq!(told, expected);
        outbox.told(3);
        assert_eq!(outbox.peek(), expected[3..]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_node_says_is_so_and_is_not_told_on() {
        let (bans, outbox) = (Bans::new(Clock::start()), Arc::new(Outbox::default()));
        bans.share(&outbox);
        let [alice, bob] = ["alice", "bob"].map(|name| UserId::new(name).unwrap());
        let [short, long] = [60, 3600].map(Duration::from_secs);
        let at = |time| bans.clock.now() + time;
        let banned = |user: &UserId, time| News::Banned {
            user: user.clone(),
            until: at(time),
        };
        assert_eq!(bans.learn(&banned(&alice, long)), Some(alice.clone()));
        bans.learn(&banned(&alice, short));
        assert_eq!(bans.time_left(&alice), Some(short), "in its place");
        let at_least = |time| News::BannedAtLeast {
            user: alice.clone(),
            until: at(time),
        };
        bans.learn(&at_least(long));
        bans.learn(&at_least(short));
        assert_eq!(bans.time_left(&alice), Some(long));
        bans.learn(&banned(&bob, long));
        // Lost elsewhere: neither banned there nor let back in.
        assert_eq!(bans.missing(&[banned(&bob, short)]), [at_least(long)]);
        let unbanned = News::Unbanned {
            user: alice.clone(),
        };
        assert_eq!(bans.missing(&[banned(&bob, short), unbanned.clone()]), []);
        bans.learn(&unbanned);
        assert_eq!(bans.time_left(&alice), None);
        assert_eq!(outbox.peek(), []);
    }
}
