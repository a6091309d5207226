//! When rooms want to be called: one queue and one task for all of them.

use crate::{
    clock::{Clock, Timestamp},
    room::{Call, Door},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{sync::Notify, task::AbortHandle, time::sleep_until};

/// The calls that rooms have asked for; the task that makes them ends with it.
pub(super) struct Deadlines {
    queue: Arc<Queue>,
    /// Started by the first call, when there is sure to be a runtime.
    task: OnceLock<AbortHandle>,
}

type Calls = BTreeMap<Call, Weak<dyn Door>>;

struct Queue {
    clock: Clock,
    /// By their time, and a number that tells apart those of one moment.
    calls: Mutex<Calls>,
    next_number: AtomicU64,
    /// The earliest call has changed.
    changed: Notify,
}

impl Deadlines {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            queue: Arc::new(Queue {
                clock,
                calls: Mutex::default(),
                next_number: AtomicU64::new(0),
                changed: Notify::new(),
            }),
            task: OnceLock::new(),
        }
    }

    /// Calls a room at a moment, if it still exists then.
    pub(super) fn call_at(&self, at: Timestamp, room: Weak<dyn Door>) -> Call {
        let mut calls = self.queue.calls();
        let first = calls.first_key_value();
        let is_earliest = first.is_none_or(|((first, _), _)| at < *first);
        let number = self.queue.next_number.fetch_add(1, Ordering::Relaxed);
        let call = (at, number);
        calls.insert(call, room);
        drop(calls);
        if is_earliest {
            self.queue.changed.notify_one();
        }
        self.task
            .get_or_init(|| tokio::spawn(Arc::clone(&self.queue).run()).abort_handle());
        call
    }

    /// Takes back a call that has not been made.
    pub(super) fn call_off(&self, call: Call) {
        self.queue.calls().remove(&call);
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
    fn calls(&self) -> MutexGuard<'_, Calls> {
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
        while let Some(first) = calls.first_entry() {
            let call = *first.key();
            let (at, _) = call;
            if at > now {
                return Some(at);
            }
            if let Some(room) = first.remove().upgrade() {
                tokio::spawn(room.due(call));
            }
        }
        None
    }
}
