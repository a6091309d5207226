//! The times that a game has set: what is to happen when.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Mutex, PoisonError},
};

/// A timer that was set with [`Room::after`](crate::Room::after), to cancel it by.
///
/// Two timers of a room never have the same, fired or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerId(u64);

/// A timer of any game: what its `#[timer]` is called with.
///
/// Never locked: the mutex is there because a room can be looked at from several threads (`&Room` in
/// an asynchronous handler), and a timer need not.
pub(crate) struct AnyTimer {
    timer: Mutex<Box<dyn Any + Send>>,
    /// The same as it is saved, in a game that is kept.
    saved: Option<Vec<u8>>,
}

impl AnyTimer {
    pub(crate) fn new<T: Send + 'static>(timer: T) -> Self {
        Self {
            timer: Mutex::new(Box::new(timer)),
            saved: None,
        }
    }

    /// A timer that is to be saved like that.
    pub(crate) fn saved(self, saved: Vec<u8>) -> Self {
        Self {
            saved: Some(saved),
            ..self
        }
    }

    /// The timer as its game's; `None` if it is another game's, which can't be.
    pub(crate) fn of<T: 'static>(self) -> Option<T> {
        let timer = self
            .timer
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        timer.downcast().ok().map(|timer| *timer)
    }
}

impl TimerId {
    /// Its number, by which it is saved.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    pub(crate) fn of_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Debug for AnyTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyTimer")
    }
}

/// The timers of a room.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// By their time, those of one moment in the order in which they were set.
    queue: BTreeMap<(Timestamp, TimerId), AnyTimer>,
    times: HashMap<TimerId, Timestamp>,
    last: u64,
    /// Those that were set or taken out since somebody asked.
    changed: BTreeSet<TimerId>,
}

/// A timer as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedTimer {
    pub(crate) at: Timestamp,
    #[serde(with = "serde_bytes")]
    pub(crate) timer: Vec<u8>,
}

impl Timers {
    /// A number for a timer that is about to be set.
    pub(crate) fn next_id(&mut self) -> TimerId {
        self.last += 1;
        TimerId(self.last)
    }

    pub(crate) fn set(&mut self, id: TimerId, at: Timestamp, timer: AnyTimer) {
        self.queue.insert((at, id), timer);
        self.times.insert(id, at);
        self.changed.insert(id);
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        if let Some(at) = self.times.remove(&id) {
            self.queue.remove(&(at, id));
            self.changed.insert(id);
        }
    }

    /// The last number that was given.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Goes on numbering after one that was given in another life of the room.
    pub(crate) fn go_on_after(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// Those that have changed since this was asked, each as it is to be saved, if it is still set.
    pub(crate) fn take_changed(&mut self) -> Vec<(TimerId, Option<SavedTimer>)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed.map(|id| (id, self.as_saved(id))).collect()
    }

    /// All of them, as they are to be saved.
    pub(crate) fn all(&self) -> impl Iterator<Item = (TimerId, SavedTimer)> {
        let ids = self.times.keys().copied();
        ids.filter_map(|id| Some((id, self.as_saved(id)?)))
    }

    fn as_saved(&self, id: TimerId) -> Option<SavedTimer> {
        let at = *self.times.get(&id)?;
        let timer = self.queue.get(&(at, id))?.saved.clone()?;
        Some(SavedTimer { at, timer })
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let ((at, _), _) = self.queue.first_key_value()?;
        Some(*at)
    }

    /// Takes the next one out, whenever it is due.
    pub(crate) fn pop(&mut self) -> Option<AnyTimer> {
        let ((_, id), timer) = self.queue.pop_first()?;
        self.times.remove(&id);
        self.changed.insert(id);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_the_order_of_their_times_and_cancelled_ones_never() {
        let mut timers = Timers::default();
        for (at, name) in [(5, "e"), (3, "c"), (3, "d"), (1, "a"), (2, "b")] {
            let id = timers.next_id();
            timers.set(id, Timestamp::from_millis(at), AnyTimer::new(name));
            if name == "b" {
                timers.cancel(id);
                timers.cancel(id);
            }
        }
        assert_eq!(timers.next(), Some(Timestamp::from_millis(1)));
        let order: Vec<_> = std::iter::from_fn(|| timers.pop()?.of::<&str>()).collect();
        assert_eq!(order, ["a", "c", "d", "e"]);
        assert!(timers.times.is_empty());
    }
}
