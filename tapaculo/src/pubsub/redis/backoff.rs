//! How often, and after which pauses, an operation on Redis is tried again.

use std::time::Duration;

/// How one operation on Redis is tried again that did not succeed.
///
/// It bounds that operation alone: a room whose operation has failed is closed with `1013`, and goes on
/// from what was saved when somebody comes back. A connection is taken up again for as long as the server runs.
///
/// ```
/// # use tapaculo::BackoffConfig;
/// let config = BackoffConfig {
///     max_retries: 10,
///     base_delay_ms: 100,
///     max_delay_ms: 5000,
///     ..Default::default()
/// };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackoffConfig {
    /// How often an operation is tried again after the first time; 4 unless told otherwise.
    pub max_retries: u32,
    /// The pause before the first retry, in milliseconds; each further one is twice as long. 50 unless
    /// told otherwise.
    pub base_delay_ms: u64,
    /// The longest pause, in milliseconds; 1,000 unless told otherwise.
    pub max_delay_ms: u64,
    /// The part of each pause that is left to chance, from 0 (none) to 1 (all), so that nodes that lost
    /// Redis at once do not all return at once; 0.5 unless told otherwise.
    pub jitter: f64,
    /// How long Redis may take for an answer, or to be connected to, in milliseconds, before that is
    /// taken for a failure; 1,000 unless told otherwise.
    pub timeout_ms: u64,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self {
            max_retries: 4,
            base_delay_ms: 50,
            max_delay_ms: 1000,
            jitter: 0.5,
            timeout_ms: 1000,
        }
    }
}

impl BackoffConfig {
    /// How long to wait before the retry of this number, from 0.
    pub(super) fn delay(&self, retry: u32) -> Duration {
        let longest = 2_u64
            .checked_pow(retry)
            .and_then(|times| self.base_delay_ms.checked_mul(times))
            .map_or(self.max_delay_ms, |delay| delay.min(self.max_delay_ms));
        let longest = Duration::from_millis(longest);
        let jitter = if self.jitter.is_nan() {
            0.0
        } else {
            self.jitter.clamp(0.0, 1.0)
        };
        longest.mul_f64(1.0 - jitter * rand::random::<f64>())
    }

    /// How long Redis may take to answer.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.max(1))
    }

    /// How long an operation may take with all its retries.
    pub(super) fn longest(&self) -> Duration {
        (0..self.max_retries.min(64)).fold(self.timeout(), |sum, retry| {
            let delay = self
                .base_delay_ms
                .saturating_mul(2_u64.saturating_pow(retry))
                .min(self.max_delay_ms);
            sum.saturating_add(self.timeout())
                .saturating_add(Duration::from_millis(delay))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let config = BackoffConfig {
            base_delay_ms: 100,
            max_delay_ms: 1500,
            jitter: 0.0,
            ..BackoffConfig::default()
        };
        let delays = [0, 1, 2, 3, 4, 70].map(|retry| config.delay(retry).as_millis());
        assert_eq!(delays, [100, 200, 400, 800, 1500, 1500]);
    }

    #[test]
    fn jitter_shortens_a_pause_by_no_more_than_its_part() {
        let config = BackoffConfig {
            base_delay_ms: 1000,
            max_delay_ms: 1000,
            jitter: 0.25,
            ..BackoffConfig::default()
        };
        let delays: Vec<u128> = (0..200).map(|_| config.delay(0).as_millis()).collect();
        assert!(
            delays.iter().all(|delay| (750..=1000).contains(delay)),
            "{delays:?}"
        );
        assert!(delays.iter().any(|delay| *delay != delays[0]));
        for jitter in [f64::NAN, f64::INFINITY, -1.0] {
            let odd = BackoffConfig { jitter, ..config };
            assert!(odd.delay(0) <= Duration::from_secs(1), "{jitter}");
        }
    }

    #[test]
    fn an_operation_is_bounded_by_its_retries() {
        let config = BackoffConfig {
            max_retries: 3,
            base_delay_ms: 100,
            max_delay_ms: 200,
            timeout_ms: 1000,
            ..BackoffConfig::default()
        };
        assert_eq!(
            config.longest(),
            Duration::from_millis(4 * 1000 + 100 + 200 + 200)
        );
    }
}
