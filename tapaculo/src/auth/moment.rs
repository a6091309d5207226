//! A token's time: seconds since 1970, perhaps with a fraction (RFC 7519, section 2).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const PER_SECOND: u64 = 1_000_000;

/// A moment, in microseconds since the Unix epoch: what a number of JSON can tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) fn now() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(0) + wall
    }

    /// The present, but never the same twice in a process: whether a token was issued before or
    /// after something else is then never in doubt.
    pub(crate) fn now_and_once() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let Self(now) = Self::now();
        let next = |last: u64| Some(now.max(last + 1));
        let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let last = last.unwrap_or_else(|last| last);
        Self(now.max(last + 1))
    }

    /// As microseconds since the Unix epoch.
    pub(crate) fn as_micros(self) -> u64 {
        self.0
    }

    /// So many microseconds after the Unix epoch.
    pub(crate) fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The next whole second, for those who read whole seconds only.
    pub(super) fn whole(self) -> Self {
        Self(self.0.div_ceil(PER_SECOND).saturating_mul(PER_SECOND))
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(PER_SECOND) {
            serializer.serialize_u64(self.0 / PER_SECOND)
        } else {
            serializer.serialize_f64(self.0 as f64 / PER_SECOND as f64)
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl de::Visitor<'_> for Number {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970")
            }

            fn visit_u64<E>(self, seconds: u64) -> Result<Moment, E> {
                Ok(Moment(seconds.saturating_mul(PER_SECOND)))
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Moment, E> {
                if !seconds.is_finite() || seconds < 0.0 {
                    return Err(E::custom("not a time since 1970"));
                }
                // What is too far away to be counted is far enough: the cast saturates.
                Ok(Moment((seconds * PER_SECOND as f64).round() as u64))
            }
        }

        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Moment> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn a_time_may_have_a_fraction_and_no_other_form() {
        let half_past = Moment(1_700_000_000_500_000);
        assert_eq!(read("1700000000.5"), Some(half_past));
        assert_eq!(read("1.7000000005e9"), Some(half_past));
        assert_eq!(read("1700000000"), Some(Moment(1_700_000_000_000_000)));
        assert_eq!(read("18446744073709551615"), Some(Moment(u64::MAX)));
        for bad in ["-1", "-0.5", "\"1700000000\"", "true", "null", "[1]", "{}"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_that_is_written_is_read_as_the_same() {
        for _ in 0..1000 {
            let moment = Moment::now_and_once();
            let text = serde_json::to_string(&moment).unwrap();
            assert_eq!(read(&text), Some(moment), "{text}");
        }
        let whole = Moment(1_700_000_000_000_001).whole();
        assert_eq!(serde_json::to_string(&whole).unwrap(), "1700000001");
    }

    #[test]
    fn no_two_moments_of_a_process_are_the_same() {
        let moments: Vec<_> = (0..1000).map(|_| Moment::now_and_once()).collect();
        assert!(moments.is_sorted_by(|one, other| one < other));
    }
}
