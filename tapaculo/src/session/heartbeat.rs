//! Whether the peer is still there: a ping now and then, and patience for the answer.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// When to ask, and how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    /// A ping goes out this often.
    pub(crate) every: Duration,
    /// A peer that is silent for this long after a ping is gone.
    pub(crate) patience: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(25),
            patience: Duration::from_secs(10),
        }
    }
}

impl Heartbeat {
    /// How long a peer may be gone before that is noticed.
    pub(crate) fn notices_in(self) -> Duration {
        self.every.saturating_add(self.patience)
    }
}

/// What the heartbeat asks of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Send a ping.
    Ping,
    /// The peer has not answered: it is gone.
    Silent,
}

/// The heartbeat of one connection.
///
/// The timer is not moved at each frame: it goes off at the earliest moment at which something
/// might be due, and looks.
pub(super) struct Beat {
    settings: Heartbeat,
    timer: Pin<Box<Sleep>>,
    next_ping: Instant,
    /// When the peer must have been heard of since the last ping.
    answer_by: Option<Instant>,
    /// Since when the connection does not read: that time is not the peer's.
    not_reading: Option<Instant>,
    /// When the connection has asked to be polled in any case.
    look_by: Option<Instant>,
}

impl Beat {
    pub(super) fn start(settings: Heartbeat) -> Self {
        let now = Instant::now();
        let next_ping = after(now, settings.every);
        Self {
            settings,
            timer: Box::pin(sleep_until(next_ping)),
            next_ping,
            answer_by: None,
            not_reading: None,
            look_by: None,
        }
    }

    /// Something came from the peer.
    pub(super) fn heard(&mut self) {
        self.answer_by = None;
    }

    /// Has the connection polled at this moment.
    pub(super) fn look_at(&mut self, at: Instant) {
        self.look_by = Some(at);
        self.set_timer();
    }

    /// The next thing to do; `reading` tells whether the connection hears the peer now.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Event> {
        if reading == self.not_reading.is_some() {
            self.turn_to(reading);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let event = self.due(now);
            self.look_by = self.look_by.filter(|by| *by > now);
            self.set_timer();
            if let Some(event) = event {
                return Poll::Ready(event);
            }
        }
    }

    fn turn_to(&mut self, reading: bool) {
        let now = Instant::now();
        let since = self.not_reading.take();
        if !reading {
            self.not_reading = Some(now);
        } else if let (Some(answer_by), Some(since)) = (&mut self.answer_by, since) {
            *answer_by += now - since;
        }
        self.set_timer();
    }

    fn due(&mut self, now: Instant) -> Option<Event> {
        if self.gone_by().is_some_and(|by| now >= by) {
            return Some(Event::Silent);
        }
        if now < self.next_ping {
            return None;
        }
        self.next_ping = after(now, self.settings.every);
        if self.not_reading.is_some() {
            return None;
        }
        self.answer_by
            .get_or_insert(after(now, self.settings.patience));
        Some(Event::Ping)
    }

    /// When the peer counts as gone if nothing changes.
    fn gone_by(&self) -> Option<Instant> {
        self.answer_by.filter(|_| self.not_reading.is_none())
    }

    /// Sets the timer to the next moment at which something might be due.
    fn set_timer(&mut self) {
        let moments = [Some(self.next_ping), self.gone_by(), self.look_by];
        let next = moments.into_iter().flatten().min();
        self.timer.as_mut().reset(next.unwrap_or(self.next_ping));
    }
}

/// A moment so much later; one that can't be counted is far enough.
fn after(moment: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    moment.checked_add(time).unwrap_or(moment + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const SECOND: Duration = Duration::from_secs(1);

    fn beat() -> Beat {
        Beat::start(Heartbeat {
            every: 25 * SECOND,
            patience: 10 * SECOND,
        })
    }

    async fn next(beat: &mut Beat) -> (Event, u64) {
        let start = Instant::now();
        let event = poll_fn(|cx| beat.poll(cx, true)).await;
        (event, start.elapsed().as_secs())
    }

    /// Reads, or does not, for a while in which nothing is due.
    async fn wait(beat: &mut Beat, reading: bool, time: Duration) {
        let waiting = poll_fn(|cx| beat.poll(cx, reading));
        let waited = tokio::time::timeout(time, waiting).await;
        assert!(waited.is_err(), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_silent_for_10_s_after_a_ping_is_gone() {
        let mut beat = beat();
        assert_eq!(next(&mut beat).await, (Event::Ping, 25));
        beat.heard();
        assert_eq!(next(&mut beat).await, (Event::Ping, 25));
        assert_eq!(next(&mut beat).await, (Event::Silent, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_does_not_count() {
        let mut beat = beat();
        assert_eq!(next(&mut beat).await, (Event::Ping, 25));
        wait(&mut beat, true, 4 * SECOND).await;
        wait(&mut beat, false, 300 * SECOND).await;
        assert_eq!(next(&mut beat).await, (Event::Silent, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_may_be_as_slow_as_never() {
        let mut beat = Beat::start(Heartbeat {
            every: Duration::MAX,
            patience: Duration::MAX,
        });
        wait(&mut beat, true, 3600 * SECOND).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_when_it_is_asked_to() {
        let mut beat = beat();
        beat.look_at(Instant::now() + 30 * SECOND);
        assert_eq!(next(&mut beat).await, (Event::Ping, 25));
        beat.heard();
        let start = Instant::now();
        let mut polls = 0;
        let poll = poll_fn(|cx| {
            polls += 1;
            let beat = beat.poll(cx, true);
            if start.elapsed() >= 5 * SECOND {
                Poll::Ready(())
            } else {
                beat.map(drop)
            }
        });
        tokio::time::timeout(20 * SECOND, poll).await.unwrap();
        assert!(polls <= 3, "{polls}");
    }
}
