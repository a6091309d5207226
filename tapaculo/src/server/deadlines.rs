//! When rooms want to be called: one queue and one task for all of them.

use crate::{
    clock::{Clock, Timestamp},
    room::Door,
};
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, Weak},
};
use tokio::{sync::Notify, task::AbortHandle, time::sleep_until};

/// The calls that rooms have asked for; the task that makes them ends with it.
pub(super) struct Deadlines {
    queue: Arc<Queue>,
    /// Started by the first call, when there is sure to be a runtime.
    task: OnceLock<AbortHandle>,
}

struct Queue {
    clock: Clock,
    calls: Mutex<BinaryHeap<Reverse<Call>>>,
    /// The earliest call has changed.
    changed: Notify,
}

struct Call {
    at: Timestamp,
    room: Weak<dyn Door>,
}

impl Ord for Call {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for Call {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Call {}

impl Deadlines {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            queue: Arc::new(Queue {
                clock,
                calls: Mutex::default(),
                changed: Notify::new(),
            }),
            task: OnceLock::new(),
        }
    }

    /// Calls a room at a moment, if it still exists then.
    pub(super) fn call_at(&self, at: Timestamp, room: Weak<dyn Door>) {
        let mut calls = self.queue.calls();
        let is_earliest = calls.peek().is_none_or(|Reverse(first)| at < first.at);
        calls.push(Reverse(Call { at, room }));
        drop(calls);
        if is_earliest {
            self.queue.changed.notify_one();
        }
        self.task
            .get_or_init(|| tokio::spawn(Arc::clone(&self.queue).run()).abort_handle());
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl Queue {
    fn calls(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Call>>> {
        self.calls
            .lock()
            .expect("nothing panics while it holds the queue's lock")
    }

    async fn run(self: Arc<Self>) {
        loop {
            let next = self.call_what_is_due();
            let changed = self.changed.notified();
            match next {
                Some(at) => tokio::select! {
                    () = sleep_until(self.clock.instant(at)) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    /// Calls rooms whose time has come, each in a task of its own, since one may be busy; answers
    /// with the time of the next.
    fn call_what_is_due(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let mut calls = self.calls();
        while let Some(Reverse(call)) = calls.peek() {
            if call.at > now {
                return Some(call.at);
            }
            let room = calls.pop().and_then(|Reverse(call)| call.room.upgrade());
            if let Some(room) = room {
                tokio::spawn(room.due());
            }
        }
        calls.shrink_to_fit();
        None
    }
}
