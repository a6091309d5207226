//! What one connection is still to be sent: its position in the log, and the frames for it alone.

use crate::{
    game::Connection,
    ids::UserId,
    log::{Entry, FellBehind, RESUME_BYTES, SharedLog},
    protocol::{Close, Dialect, Encoded, Goodbye, Outgoing, Seq},
};
use futures_util::task::AtomicWaker;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

/// How many bytes of frames of its own may wait for a connection.
const OWN_BYTES: usize = RESUME_BYTES;

/// How many bytes of what happens meanwhile may wait for a connection that is being greeted, beyond
/// as many as its greeting has.
const HELD_BYTES: usize = 4 * RESUME_BYTES;

/// How many frames may wait for a connection that still has an ear for volatile ones.
const IDLE_FRAMES: usize = 64;

/// One connection's end of the room: the room puts in, the connection's task takes out.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) connection: Connection,
    pub(crate) user: UserId,
    pub(crate) dialect: Dialect,
    /// How many events and frames may wait for a connection that takes none.
    most: Option<usize>,
    waiting: Mutex<Waiting>,
    /// Whether it is being greeted: however long that takes, it is not slow for it, so what
    /// happens meanwhile is held for it, since the log moves on. Beside the lock, for nearly
    /// always it is not.
    greeted: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Waiting {
    greeting: VecDeque<Encoded>,
    /// What is held behind the greeting: events by their numbers, and other frames each behind the
    /// event that it is to be told after.
    held: VecDeque<(Seq, Encoded)>,
    held_bytes: usize,
    /// How many those may be: the longer a greeting, the more happens meanwhile.
    may_hold: usize,
    /// The room's log and how far this connection has come in it; `None` until it is let in.
    log: Option<(SharedLog, Seq)>,
    /// Frames of its own, each to be told after the event with that number.
    own: VecDeque<(Seq, Encoded)>,
    own_bytes: usize,
    /// Said last, after everything that came before it.
    goodbye: Option<(Seq, Goodbye)>,
    /// It has fallen behind: what waits is worth nothing.
    too_slow: bool,
    /// Nobody takes anything any more.
    abandoned: bool,
}

/// What a connection has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Send what was taken, and come back.
    More,
    /// There is nothing.
    Nothing,
    /// Close: everything before it has been taken.
    Close(Goodbye),
}

impl Outlet {
    pub(crate) fn new(connection: Connection, user: UserId, dialect: Dialect) -> Self {
        Self {
            connection,
            user,
            dialect,
            most: None,
            waiting: Mutex::default(),
            greeted: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// With a bound to the number of events and frames that may wait, besides that of their bytes.
    pub(crate) fn bounded(self, most: Option<usize>) -> Self {
        Self { most, ..self }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting
            .lock()
            .expect("nothing panics while it holds an outlet's lock")
    }

    fn is_being_greeted(&self) -> bool {
        self.greeted.load(Ordering::Acquire)
    }

    /// Lets the connection in: the greeting, then what happens after `position`.
    pub(super) fn enter(&self, greeting: Vec<Encoded>, log: &SharedLog, position: Seq) {
        let mut waiting = self.waiting();
        let bytes: usize = greeting.iter().map(Encoded::len).sum();
        waiting.may_hold = HELD_BYTES + bytes;
        waiting.greeting = greeting.into();
        waiting.log = Some((log.clone(), position));
        self.greeted.store(true, Ordering::Release);
    }

    /// Whether it has been let in.
    pub(crate) fn is_let_in(&self) -> bool {
        self.waiting().log.is_some()
    }

    /// Has it go on from another log, which has the same events under the same numbers.
    pub(super) fn rehome(&self, new: &SharedLog) {
        if let Some((log, _)) = &mut self.waiting().log {
            log.clone_from(new);
        }
        self.wake();
    }

    /// Tells of the events that the log has just got, and wakes the connection if it has something
    /// to send for it.
    pub(super) fn notice(&self, events: &[Arc<Entry>], redacted: &[Seq]) {
        let is_concerned = events.iter().any(|event| event.is_for(&self.user));
        if is_concerned && !self.is_being_greeted() {
            self.wake();
            return;
        }
        let mut waiting = self.waiting();
        let Some((first, last)) = events.first().zip(events.last()) else {
            return;
        };
        let Some((_, position)) = waiting.log.as_mut() else {
            return;
        };
        let before = *position;
        if self.is_being_greeted() {
            *position = before.max(last.seq);
            let new = events.iter().filter(|event| event.seq > before);
            let told =
                |event: &&Arc<Entry>| event.is_for(&self.user) && !redacted.contains(&event.seq);
            for event in new.filter(told) {
                waiting.hold_event(event);
            }
        } else if !is_concerned && before.next() == first.seq {
            // Nothing of it is for this connection, which may sleep on: it has not fallen behind.
            *position = last.seq;
            if waiting.own.is_empty() && waiting.goodbye.is_none() {
                return;
            }
        }
        drop(waiting);
        self.wake();
    }

    /// Puts in a frame, to be sent after the event `after`.
    pub(super) fn tell(&self, after: Seq, frame: Encoded) {
        if !frame.is_for(self.dialect) {
            return;
        }
        let waiting = self.waiting();
        self.push(waiting, after, frame);
    }

    /// The same for a frame that is for members: one that is not let in yet has it in its greeting.
    pub(super) fn tell_member(&self, after: Seq, frame: &Encoded) {
        if !frame.is_for(self.dialect) {
            return;
        }
        let waiting = self.waiting();
        if waiting.log.is_some() {
            self.push(waiting, after, frame.clone());
        }
    }

    /// The same for a frame that is worth nothing later: only if little waits before it.
    pub(super) fn tell_if_idle(&self, after: Seq, frame: &Encoded) {
        let waiting = self.waiting();
        let Some((_, position)) = &waiting.log else {
            return;
        };
        let behind = after.0.saturating_sub(position.0) > IDLE_FRAMES as u64;
        let much = waiting.own.len() >= IDLE_FRAMES || waiting.own_bytes > OWN_BYTES / 4;
        if !behind && !much && !self.is_being_greeted() {
            self.push(waiting, after, frame.clone());
        }
    }

    fn push(&self, mut waiting: MutexGuard<'_, Waiting>, after: Seq, frame: Encoded) {
        if self.is_being_greeted() {
            waiting.hold_frame(after, frame);
            return;
        }
        // One frame may be as big as it likes: it is what waits behind it that counts.
        if waiting.own_bytes > OWN_BYTES {
            waiting.too_slow = true;
        } else {
            waiting.own_bytes += frame.len();
            waiting.own.push_back((after, frame));
        }
    }

    /// Puts in an answer of the connection's own task, to be sent after the ones before it.
    pub(crate) fn answer(&self, frame: Encoded) {
        self.tell(Seq::default(), frame);
    }

    /// Closes the connection once everything up to the event `after` is sent; the first goodbye
    /// counts.
    pub(super) fn close(&self, after: Seq, goodbye: Goodbye) {
        self.waiting().goodbye.get_or_insert((after, goodbye));
    }

    /// Closes the connection, which the room knows nothing of, after its answers.
    pub(crate) fn dismiss(&self, close: Close) {
        self.close(Seq::default(), close.into());
        self.wake();
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Has the task woken when there is something to take.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Whether what waits has outgrown its bounds, so that taking more of it is pointless; to be
    /// asked when the socket can take nothing, with the number of frames that were taken for it.
    pub(crate) fn is_too_slow(&self, taken: usize) -> bool {
        let mut waiting = self.waiting();
        let Waiting {
            log, own, too_slow, ..
        } = &mut *waiting;
        if !self.is_being_greeted() {
            let events = match log {
                Some((log, position)) => log.read().after(*position).map(|events| events.len()),
                None => Ok(0),
            };
            *too_slow |= match (events, self.most) {
                (Ok(events), Some(most)) => events + own.len() + taken > most,
                (Ok(_), None) => false,
                (Err(FellBehind), _) => true,
            };
        }
        *too_slow
    }

    /// The connection is gone: whatever it has asked for need not be begun.
    pub(crate) fn abandon(&self) {
        self.waiting().abandoned = true;
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.waiting().abandoned
    }

    /// Whether a goodbye waits.
    pub(crate) fn is_to_close(&self) -> bool {
        self.waiting().goodbye.is_some()
    }

    /// Takes about `most` frames, in the order in which they are to be sent; to be called when
    /// the ones taken before are on their way.
    pub(crate) fn take(&self, most: usize, frames: &mut VecDeque<Outgoing>) -> Taken {
        let mut waiting = self.waiting();
        let Waiting {
            greeting,
            held,
            held_bytes,
            log,
            own,
            own_bytes,
            goodbye,
            too_slow,
            ..
        } = &mut *waiting;
        // Who is to go for another reason is told that one.
        let slow = || {
            let goodbye = goodbye.as_ref().map(|(_, goodbye)| goodbye.clone());
            Taken::Close(goodbye.unwrap_or_else(|| Close::TooSlow.into()))
        };
        if *too_slow {
            return slow();
        }
        let before = frames.len();
        let mut push = |frame: &Encoded| {
            if let Some(frame) = frame.for_dialect(self.dialect) {
                frames.push_back(frame);
            }
        };
        if !greeting.is_empty() {
            let few = greeting.len().min(most);
            greeting.drain(..few).for_each(|frame| push(&frame));
            return Taken::More;
        }
        if !held.is_empty() {
            let few = held.len().min(most);
            for (_, frame) in held.drain(..few) {
                *held_bytes -= frame.len();
                push(&frame);
            }
            return Taken::More;
        }
        self.greeted.store(false, Ordering::Release);
        let mut own_up_to = |reached: Seq, push: &mut dyn FnMut(&Encoded)| {
            while own.front().is_some_and(|(after, _)| *after <= reached) {
                if let Some((_, frame)) = own.pop_front() {
                    *own_bytes -= frame.len();
                    push(&frame);
                }
            }
        };
        let mut more = false;
        // Before it is let in, nothing it is told comes after an event.
        let mut reached = Seq(u64::MAX);
        if let Some((log, position)) = log {
            let log = log.read();
            let Ok(entries) = log.after(*position) else {
                *too_slow = true;
                return slow();
            };
            for entry in entries.take(most) {
                own_up_to(*position, &mut push);
                if goodbye.as_ref().is_some_and(|(after, _)| after <= position) {
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
        own_up_to(reached, &mut push);
        match goodbye {
            _ if frames.len() > before => Taken::More,
            Some((after, goodbye)) if *after <= reached => Taken::Close(goodbye.clone()),
            _ if more => Taken::More,
            _ => Taken::Nothing,
        }
    }
}

impl Waiting {
    /// Keeps an event behind the greeting, before the frames that are to be told after it.
    fn hold_event(&mut self, event: &Entry) {
        let place = self.held.partition_point(|(after, _)| *after < event.seq);
        self.hold(place, event.seq, event.frame.clone());
    }

    /// Keeps a frame behind the greeting, and behind the event that it is to be told after.
    fn hold_frame(&mut self, after: Seq, frame: Encoded) {
        let last = self.held.back().map_or(after, |(last, _)| after.max(*last));
        self.hold(self.held.len(), last, frame);
    }

    /// Keeps it, as far as that may go.
    fn hold(&mut self, place: usize, after: Seq, frame: Encoded) {
        if self.held_bytes > self.may_hold {
            self.too_slow = true;
        } else {
            self.held_bytes += frame.len();
            self.held.insert(place, (after, frame));
        }
    }
}
