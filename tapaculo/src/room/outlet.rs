//! What waits for one connection: its position in the room's log, and the frames that are for it
//! alone.

use crate::{
    game::Connection,
    ids::UserId,
    log::Log,
    protocol::{Close, Dialect, Encoded, Seq},
};
use futures_util::task::AtomicWaker;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard},
    task::Waker,
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// How many frames of its own may wait for a connection, its greeting apart.
const MOST_WAITING: usize = 256;

/// One connection's end of the room: the room puts in, the connection's task takes out.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) connection: Connection,
    pub(crate) user: UserId,
    dialect: Dialect,
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Goes first, and however long it is the connection is not slow for it.
    greeting: VecDeque<Encoded>,
    /// The room's log and how far this connection has come in it; `None` until it is let in.
    log: Option<(Arc<RwLock<Log>>, Seq)>,
    /// Frames of its own, each to be told after the event with that number.
    own: VecDeque<(Seq, Encoded)>,
    /// Said last, after everything that came before it.
    goodbye: Option<(Seq, Close)>,
    /// It has fallen behind: what waits is worth nothing.
    too_slow: bool,
}

/// What a connection has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Send what was taken, and come back.
    More,
    /// There is nothing.
    Nothing,
    /// Close: everything before it has been taken.
    Close(Close),
}

impl Outlet {
    pub(crate) fn new(connection: Connection, user: UserId, dialect: Dialect) -> Self {
        Self {
            connection,
            user,
            dialect,
            waiting: Mutex::default(),
            waker: AtomicWaker::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting
            .lock()
            .expect("nothing panics while it holds an outlet's lock")
    }

    /// Lets the connection in: the greeting, then the log from `position` on.
    pub(super) fn enter(&self, greeting: Vec<Encoded>, log: &Arc<RwLock<Log>>, position: Seq) {
        let mut waiting = self.waiting();
        waiting.greeting = greeting.into();
        waiting.log = Some((Arc::clone(log), position));
    }

    /// Puts in a frame, to be sent after the event `after`.
    pub(super) fn tell(&self, after: Seq, frame: Encoded) {
        if frame.for_dialect(self.dialect).is_none() {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.own.len() < MOST_WAITING {
            waiting.own.push_back((after, frame));
        } else {
            waiting.too_slow = true;
        }
    }

    /// Puts in an answer of the connection's own task, to be sent after the ones before it.
    pub(crate) fn answer(&self, frame: Encoded) {
        self.tell(Seq::default(), frame);
    }

    /// Closes the connection once everything up to the event `after` is sent; the first goodbye
    /// counts.
    pub(super) fn close(&self, after: Seq, close: Close) {
        self.waiting().goodbye.get_or_insert((after, close));
    }

    /// Closes the connection, which the room knows nothing of, after its answers.
    pub(crate) fn dismiss(&self, close: Close) {
        self.close(Seq::default(), close);
        self.wake();
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Has the task woken when there is something to take.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Whether what waits has outgrown its bounds, so that taking more of it is pointless.
    pub(crate) fn is_too_slow(&self) -> bool {
        let mut waiting = self.waiting();
        if let Some((log, position)) = &waiting.log {
            let behind = read(log).after(*position).is_err();
            waiting.too_slow |= behind && waiting.greeting.is_empty();
        }
        waiting.too_slow
    }

    /// Takes about `most` frames, in the order in which they are to be sent.
    pub(crate) fn take(&self, most: usize, frames: &mut VecDeque<Utf8Bytes>) -> Taken {
        let mut waiting = self.waiting();
        let Waiting {
            greeting,
            log,
            own,
            goodbye,
            too_slow,
        } = &mut *waiting;
        if *too_slow {
            return Taken::Close(Close::TooSlow);
        }
        let before = frames.len();
        let mut push = |frame: &Encoded| frames.extend(frame.for_dialect(self.dialect).cloned());
        greeting
            .drain(..greeting.len().min(most))
            .for_each(|frame| push(&frame));
        if !greeting.is_empty() {
            return Taken::More;
        }
        let mut more = false;
        // Before it is let in, nothing it is told comes after an event.
        let mut reached = Seq(u64::MAX);
        if let Some((log, position)) = log {
            let log = read(log);
            let Ok(entries) = log.after(*position) else {
                *too_slow = true;
                return Taken::Close(Close::TooSlow);
            };
            for entry in entries.take(most) {
                drain_due(own, *position, &mut push);
                if goodbye.is_some_and(|(after, _)| after <= *position) {
                    break;
                }
                *position = entry.seq;
                if entry.is_for(&self.user) {
                    push(&entry.frame);
                }
            }
            reached = *position;
            more = reached < log.last();
        }
        drain_due(own, reached, &mut push);
        match goodbye {
            _ if frames.len() > before => Taken::More,
            Some((after, close)) if *after <= reached => Taken::Close(*close),
            _ if more => Taken::More,
            _ => Taken::Nothing,
        }
    }
}

/// Takes the frames that are to be told now that the event `reached` has been.
fn drain_due(own: &mut VecDeque<(Seq, Encoded)>, reached: Seq, push: &mut impl FnMut(&Encoded)) {
    while own.front().is_some_and(|(after, _)| *after <= reached) {
        if let Some((_, frame)) = own.pop_front() {
            push(&frame);
        }
    }
}

fn read(log: &RwLock<Log>) -> RwLockReadGuard<'_, Log> {
    log.read().expect("nothing panics while it writes a log")
}
