//! How much one user may send: limits and bans that follow the user, whatever it connects with.

use super::{
    bans::Bans,
    recent::{Rate, Recent},
    sharing::{Active, Shared},
};
use crate::{
    clock::{Clock, Timestamp},
    ids::UserId,
    metrics::{self, BannedBy},
    pubsub::everywhere::Counted,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

/// How many users are remembered before those who have long been silent are forgotten.
const USERS: usize = 1024;

/// How much one user may send, in all rooms and over all connections together.
///
/// ```
/// use std::time::Duration;
/// use tapaculo::MessageLimits;
///
/// let limits = MessageLimits {
///     max_messages_per_window: 10,
///     window_duration: Duration::from_secs(1),
///     ..Default::default()
/// };
/// assert_eq!(limits.ban_duration, Duration::from_secs(60));
/// ```
///
/// Every frame that a client sends counts, whatever becomes of it: messages, each fragment of one
/// that is sent in several, what is malformed or too large, pings, and pongs that nobody asked for.
/// A message counts for as long as its handler runs, and from there for a window.
///
/// Where there are many nodes, the limit is that of all of them together. They tell each other four
/// times a second what their users have sent: whoever sends at several nodes at once may come that much
/// later to the limit, and nobody comes to it too early.
///
/// The guide: [limits](crate::docs::limits).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// The largest message, in bytes of its frame as it was sent; a larger one is answered `too_large`. A frame of
    /// more than four times that, and more than 64 KiB, closes the connection with `1009`.
    pub max_size_bytes: usize,
    /// How many frames there may be within any window.
    pub max_messages_per_window: u32,
    /// How long the window is; it slides, so that the limit holds from any moment on.
    pub window_duration: Duration,
    /// How long a user is banned who sends more: its connections are closed with `4008`, and new ones
    /// are refused with `429`. Where it is zero nobody is banned, and what is too much is refused as
    /// `rate_limited`.
    pub ban_duration: Duration,
}

impl Default for MessageLimits {
    /// 16 KiB a message, 50 frames a second, a minute of ban.
    fn default() -> Self {
        Self {
            max_size_bytes: 16 * 1024,
            max_messages_per_window: 50,
            window_duration: Duration::from_secs(1),
            ban_duration: Duration::from_secs(60),
        }
    }
}

/// What every user has sent lately.
pub(crate) struct Limits {
    /// `None` where nobody counts.
    rate: Option<MessageLimits>,
    users: Mutex<Users>,
    bans: Arc<Bans>,
    /// Ends the connections of a user who is banned.
    end: Box<dyn Fn(&UserId) + Send + Sync>,
    clock: Clock,
    /// Of whom the other nodes are to be told, if there are any.
    active: OnceLock<Active<(UserId, Arc<Mutex<Usage>>)>>,
}

#[derive(Default)]
struct Users {
    accounts: HashMap<UserId, Arc<Mutex<Usage>>>,
    /// With how many accounts the silent ones are forgotten next.
    clean_at: usize,
}

/// What one user has sent lately.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    sent: Recent,
    /// Messages that a room has not finished with, whenever they came: they are of now.
    in_hand: usize,
}

/// Why a frame is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// For as long as it says.
    RateLimited(Duration),
    Banned(Duration),
}

/// One user's account, shared by its connections.
pub(crate) struct Account {
    limits: Arc<Limits>,
    user: UserId,
    /// `None` where nobody counts.
    usage: Option<Arc<Mutex<Usage>>>,
}

impl Limits {
    pub(crate) fn new(
        rate: Option<MessageLimits>,
        bans: Arc<Bans>,
        end: impl Fn(&UserId) + Send + Sync + 'static,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            rate,
            users: Mutex::default(),
            bans,
            end: Box::new(end),
            clock,
            active: OnceLock::new(),
        })
    }

    /// The account of a user.
    pub(crate) fn account(self: &Arc<Self>, user: &UserId) -> Account {
        let usage = self.rate.as_ref().map(|rate| {
            let now = self.clock.now();
            let mut users = self.users();
            if users.accounts.len() >= users.clean_at.max(USERS) {
                users.forget_the_silent(rate, now);
                users.clean_at = 2 * users.accounts.len();
            }
            let usage = users.accounts.entry(user.clone()).or_default();
            Arc::clone(usage)
        });
        Account {
            limits: Arc::clone(self),
            user: user.clone(),
            usage,
        }
    }

    /// Bans a user, whose connections end.
    fn ban(&self, user: &UserId, time: Duration) {
        // An operator may have been faster, or another connection of the same user.
        if self.bans.time_left(user).is_none() {
            metrics::banned(BannedBy::Limit);
        }
        self.bans.ban_at_least(user, time);
        (self.end)(user);
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.users
            .lock()
            .expect("nothing panics while it holds this lock")
    }
}

fn locked(usage: &Mutex<Usage>) -> MutexGuard<'_, Usage> {
    usage
        .lock()
        .expect("nothing panics while it holds this lock")
}

impl Users {
    /// Forgets those who are not connected, and have sent nothing within the window.
    fn forget_the_silent(&mut self, rate: &MessageLimits, now: Timestamp) {
        self.accounts.retain(|_, usage| {
            let is_connected = Arc::strong_count(usage) > 1;
            is_connected || !locked(usage).sent.is_quiet(rate.window_duration, now)
        });
    }
}

impl Account {
    /// Counts frames that have come in: whether all of them may.
    pub(crate) fn count(&self, frames: u32) -> Result<(), Excess> {
        let (Some(usage), Some(rate)) = (&self.usage, &self.limits.rate) else {
            return Ok(());
        };
        if let Some(time) = self.limits.bans.time_left(&self.user) {
            return Err(Excess::Banned(time));
        }
        let free_in = {
            let now = self.limits.clock.now();
            let counted = self.count_at(usage, rate, frames, now);
            match counted {
                Ok(()) => return Ok(()),
                Err(free_in) => free_in,
            }
        };
        if rate.ban_duration.is_zero() {
            return Err(Excess::RateLimited(free_in));
        }
        self.limits.ban(&self.user, rate.ban_duration);
        Err(Excess::Banned(rate.ban_duration))
    }

    fn count_at(
        &self,
        usage: &Arc<Mutex<Usage>>,
        rate: &MessageLimits,
        frames: u32,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let mut locked = locked(usage);
        (0..frames).try_for_each(|_| {
            locked.count(rate, now)?;
            if let Some(active) = self.limits.active.get()
                && locked.sent.tell_later()
            {
                active.add((self.user.clone(), Arc::clone(usage)), now);
            }
            Ok(())
        })
    }

    /// The room is given the message that was counted last.
    pub(crate) fn take_in_hand(&self) -> InHand {
        if let Some(usage) = &self.usage {
            let mut usage = locked(usage);
            usage.sent.take_back();
            usage.in_hand += 1;
        }
        InHand {
            usage: self.usage.clone(),
            clock: self.limits.clock,
        }
    }
}

/// A message that a room has not finished with.
pub(crate) struct InHand {
    usage: Option<Arc<Mutex<Usage>>>,
    clock: Clock,
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(usage) = &self.usage {
            let mut usage = locked(usage);
            usage.in_hand -= 1;
            usage.sent.note(self.clock.now());
        }
    }
}

impl Usage {
    /// Counts a frame, or says when there will be room for one.
    fn count(&mut self, rate: &MessageLimits, now: Timestamp) -> Result<(), Duration> {
        let window = rate.window_duration;
        let most = (rate.max_messages_per_window as usize).saturating_sub(self.in_hand);
        self.sent.fits(Rate { most, window }, now)?;
        self.sent.note(now);
        Ok(())
    }
}

impl Shared for Limits {
    const WHAT: Counted = Counted::Messages;

    type Who = (UserId, Arc<Mutex<Usage>>);

    fn clock(&self) -> Clock {
        self.clock
    }

    fn window(&self) -> Option<Duration> {
        self.rate.as_ref().map(|rate| rate.window_duration)
    }

    fn active(&self) -> &OnceLock<Active<Self::Who>> {
        &self.active
    }

    fn tell(&self, (user, usage): &Self::Who) -> (String, u32) {
        (user.to_string(), locked(usage).sent.tell())
    }

    fn learn(&self, (_, usage): &Self::Who, elsewhere: Vec<(Timestamp, u32)>) {
        locked(usage).sent.learn(elsewhere);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(ban: u64) -> MessageLimits {
        MessageLimits {
            max_messages_per_window: 3,
            window_duration: Duration::from_millis(100),
            ban_duration: Duration::from_millis(ban),
            ..MessageLimits::default()
        }
    }

    #[test]
    fn no_window_has_more_than_its_number_and_whoever_keeps_to_it_is_never_stopped() {
        let (rate, mut usage) = (rate(0), Usage::default());
        let mut taken = Vec::new();
        for at in (0..2000).step_by(7) {
            let at = Timestamp::from_millis(at);
            match usage.count(&rate, at) {
                Ok(()) => taken.push(at),
                Err(time) => {
                    let mut later = Usage {
                        sent: usage.sent.clone(),
                        ..Usage::default()
                    };
                    assert!(later.count(&rate, at + time).is_ok(), "{at:?} {time:?}");
                }
            }
        }
        for four in taken.windows(4) {
            assert!(four[3].since(four[0]) >= rate.window_duration, "{four:?}");
        }
        assert!(taken.len() > 50);
        let mut steady = Usage::default();
        for at in (0..5000).step_by(34) {
            assert_eq!(steady.count(&rate, Timestamp::from_millis(at)), Ok(()));
        }
    }

    fn limits(rate: MessageLimits) -> Arc<Limits> {
        let clock = Clock::start();
        let bans = Arc::new(Bans::new(clock));
        Limits::new(Some(rate), bans, |_| {}, clock)
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_counts_while_it_waits_for_its_room_and_for_a_window_from_then_on() {
        let limits = limits(rate(0));
        let user = UserId::new("alice").unwrap();
        let (one, other) = (limits.account(&user), limits.account(&user));
        assert!(one.count(1).is_ok());
        let first = one.take_in_hand();
        // However long the room takes: three in hand are three handled at one moment.
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(other.count(1).is_ok());
        let second = other.take_in_hand();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(one.count(1).is_ok());
        assert!(matches!(one.count(1), Err(Excess::RateLimited(_))));
        drop((first, second));
        tokio::time::advance(Duration::from_millis(99)).await;
        assert!(matches!(other.count(2), Err(Excess::RateLimited(_))));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(one.count(2).is_ok());
        assert!(other.count(1).is_ok());
        assert!(one.count(1).is_err() && other.count(1).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_over_the_limit_is_banned_with_all_connections() {
        let clock = Clock::start();
        let ended = Arc::new(Mutex::new(Vec::new()));
        let end = {
            let ended = Arc::clone(&ended);
            move |user: &UserId| ended.lock().unwrap().push(user.to_string())
        };
        let limits = Limits::new(Some(rate(500)), Arc::new(Bans::new(clock)), end, clock);
        let user = UserId::new("alice").unwrap();
        let (one, other) = (limits.account(&user), limits.account(&user));
        assert!(one.count(2).is_ok() && other.count(1).is_ok());
        let banned = |time| Err(Excess::Banned(Duration::from_millis(time)));
        assert_eq!(other.count(1), banned(500));
        assert_eq!(*ended.lock().unwrap(), ["alice"]);
        tokio::time::advance(Duration::from_millis(499)).await;
        assert_eq!(one.count(1), banned(1));
        assert_eq!(ended.lock().unwrap().len(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(one.count(3).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_banned_for_longer_is_let_in_no_earlier_for_going_over_the_limit() {
        let limits = limits(rate(500));
        let user = UserId::new("alice").unwrap();
        let hour = Duration::from_secs(3600);
        // An operator's word may come between the look at the bans and the one that is too much.
        limits.bans.ban(&user, hour);
        limits.ban(&user, Duration::from_millis(500));
        assert_eq!(limits.bans.time_left(&user), Some(hour));
        // The operator's own word counts as it is.
        limits.bans.ban(&user, Duration::from_millis(500));
        let left = limits.bans.time_left(&user);
        assert_eq!(left, Some(Duration::from_millis(500)));
    }

    #[tokio::test]
    async fn users_who_are_gone_are_forgotten() {
        let limits = limits(MessageLimits {
            max_messages_per_window: 1,
            window_duration: Duration::ZERO,
            ..MessageLimits::default()
        });
        let user = |number: usize| UserId::new(format!("user {number}")).unwrap();
        let connected = limits.account(&user(1));
        for number in 2..10 * USERS {
            limits.account(&user(number));
        }
        assert!(limits.users().accounts.len() <= USERS);
        assert!(limits.users().accounts.contains_key(&user(1)));
        drop(connected);
    }
}
