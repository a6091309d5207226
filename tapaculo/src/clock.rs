//! The room's time: milliseconds that only grow, read from outside and handed in.

use serde::{Deserialize, Serialize};
use std::{
    ops::Add,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;

/// A moment, in milliseconds since the Unix epoch.
///
/// A room reads it with `room.now()`. Within one server it never goes backwards.
///
/// ```
/// use std::time::Duration;
/// use tapaculo::Timestamp;
///
/// let began = Timestamp::from_millis(1_000);
/// let deadline = began + Duration::from_secs(30);
/// assert!(began < deadline);
/// assert_eq!(deadline.since(began), Duration::from_secs(30));
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment that many milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

/// The server's clock: the wall clock at the start, and from there the monotonic one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    epoch: Timestamp,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            epoch: Timestamp(millis(wall)),
        }
    }

    pub(crate) fn now(self) -> Timestamp {
        self.epoch + self.started.elapsed()
    }

    /// When, by the monotonic clock, a moment of this clock is.
    pub(crate) fn instant(self, at: Timestamp) -> Instant {
        self.started + at.since(self.epoch)
    }
}
