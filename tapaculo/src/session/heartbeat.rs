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

/// What the heartbeat asks of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Send a ping.
    Ping,
    /// The peer has not answered: it is gone.
    Silent,
    /// The peer has taken nothing for too long: it is gone.
    Stuck,
}

/// What the connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// For the peer to say something.
    Reading,
    /// For the peer to take something.
    Writing,
    /// For a handler: the peer has no part in it.
    Handling,
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
    /// What the connection waits for, and since when.
    waiting: (Waiting, Instant),
    /// When the connection has asked to be polled in any case.
    look_by: Option<Instant>,
}

impl Beat {
    pub(super) fn start(settings: Heartbeat) -> Self {
        let now = Instant::now();
        let next_ping = now + settings.every;
        Self {
            settings,
            timer: Box::pin(sleep_until(next_ping)),
            next_ping,
            answer_by: None,
            waiting: (Waiting::Reading, now),
            look_by: None,
        }
    }

    /// Something came from the peer.
    pub(super) fn heard(&mut self) {
        self.answer_by = None;
    }

    /// The peer took something.
    pub(super) fn wrote(&mut self) {
        if self.waiting.0 == Waiting::Writing {
            self.waiting.1 = Instant::now();
        }
    }

    /// Has the connection polled at this moment.
    pub(super) fn look_at(&mut self, at: Instant) {
        self.look_by = Some(at);
        self.set_timer();
    }

    /// The next thing to do.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, waiting: Waiting) -> Poll<Event> {
        if waiting != self.waiting.0 {
            self.turn_to(waiting);
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

    fn turn_to(&mut self, waiting: Waiting) {
        let now = Instant::now();
        let (before, since) = std::mem::replace(&mut self.waiting, (waiting, now));
        if before != Waiting::Reading
            && let Some(answer_by) = &mut self.answer_by
        {
            // While nobody reads, the peer can't be heard.
            *answer_by += now - since;
        }
        self.set_timer();
    }

    fn due(&mut self, now: Instant) -> Option<Event> {
        if self.gone_by().is_some_and(|by| now >= by) {
            return Some(match self.waiting.0 {
                Waiting::Writing => Event::Stuck,
                Waiting::Reading | Waiting::Handling => Event::Silent,
            });
        }
        if now < self.next_ping {
            return None;
        }
        self.next_ping = now + self.settings.every;
        if self.waiting.0 != Waiting::Reading {
            return None;
        }
        self.answer_by.get_or_insert(now + self.settings.patience);
        Some(Event::Ping)
    }

    /// When the peer counts as gone if nothing changes.
    fn gone_by(&self) -> Option<Instant> {
        match self.waiting {
            (Waiting::Reading, _) => self.answer_by,
            (Waiting::Writing, since) => Some(since + self.settings.every + self.settings.patience),
            (Waiting::Handling, _) => None,
        }
    }

    /// Sets the timer to the next moment at which something might be due.
    fn set_timer(&mut self) {
        let moments = [Some(self.next_ping), self.gone_by(), self.look_by];
        let next = moments.into_iter().flatten().min();
        self.timer.as_mut().reset(next.unwrap_or(self.next_ping));
    }
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

    async fn next(beat: &mut Beat, waiting: Waiting) -> (Event, u64) {
        let start = Instant::now();
        let event = poll_fn(|cx| beat.poll(cx, waiting)).await;
        (event, start.elapsed().as_secs())
    }

    /// Waits like this for a while, in which nothing is due.
    async fn wait(beat: &mut Beat, waiting: Waiting, time: Duration) {
        let waited = tokio::time::timeout(time, next(beat, waiting)).await;
        assert!(waited.is_err(), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_is_silent_for_10_s_after_a_ping_is_gone() {
        let mut beat = beat();
        assert_eq!(next(&mut beat, Waiting::Reading).await, (Event::Ping, 25));
        beat.heard();
        assert_eq!(next(&mut beat, Waiting::Reading).await, (Event::Ping, 25));
        assert_eq!(next(&mut beat, Waiting::Reading).await, (Event::Silent, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_does_not_count() {
        let mut beat = beat();
        assert_eq!(next(&mut beat, Waiting::Reading).await, (Event::Ping, 25));
        wait(&mut beat, Waiting::Reading, 4 * SECOND).await;
        wait(&mut beat, Waiting::Handling, 300 * SECOND).await;
        assert_eq!(next(&mut beat, Waiting::Reading).await, (Event::Silent, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_gone_and_one_that_takes_a_little_is_not() {
        let mut beat = beat();
        wait(&mut beat, Waiting::Writing, 34 * SECOND).await;
        beat.wrote();
        assert_eq!(next(&mut beat, Waiting::Writing).await, (Event::Stuck, 35));
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_when_it_is_asked_to() {
        let mut beat = beat();
        beat.look_at(Instant::now() + 30 * SECOND);
        assert_eq!(next(&mut beat, Waiting::Reading).await, (Event::Ping, 25));
        beat.heard();
        let start = Instant::now();
        let mut polls = 0;
        let poll = poll_fn(|cx| {
            polls += 1;
            let beat = beat.poll(cx, Waiting::Reading);
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
