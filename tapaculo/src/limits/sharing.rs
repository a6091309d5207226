//! One limit on several nodes: each counts for itself, and tells the others in batches.

use crate::{
    auth::word,
    clock::{Clock, Timestamp},
    pubsub::everywhere::{Counted, Counts, Everywhere},
};
use std::{
    future::pending,
    mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// How long what is counted is gathered before the other nodes are told.
const GATHER: Duration = Duration::from_millis(250);

/// The length of the word by which a node's counts are told from those of others.
const NODE_CHARACTERS: usize = 8;

/// What is counted at each node, for one limit.
pub(crate) trait Shared: Send + Sync {
    /// What that is.
    const WHAT: Counted;

    /// Somebody of whom it is counted.
    type Who: Send + Sync;

    fn clock(&self) -> Clock;

    /// How far back it counts; `None` where nobody counts.
    fn window(&self) -> Option<Duration>;

    /// Of whom the other nodes are to be told, if there are any.
    fn active(&self) -> &OnceLock<Active<Self::Who>>;

    /// What the other nodes are told of somebody: its name, and how often since they were told last.
    fn tell(&self, who: &Self::Who) -> (String, u32);

    /// When and how often it was counted at the other nodes lately.
    fn learn(&self, who: &Self::Who, elsewhere: Vec<(Timestamp, u32)>);
}

/// Those of whom something was counted that no other node knows of.
#[derive(Debug)]
pub(crate) struct Active<W> {
    gathered: Mutex<Gathered<W>>,
    some: Notify,
}

#[derive(Debug)]
struct Gathered<W> {
    /// When the first of it came.
    since: Option<Timestamp>,
    all: Vec<W>,
}

impl<W> Default for Active<W> {
    fn default() -> Self {
        Self {
            gathered: Mutex::default(),
            some: Notify::new(),
        }
    }
}

impl<W> Default for Gathered<W> {
    fn default() -> Self {
        Self {
            since: None,
            all: Vec::new(),
        }
    }
}

impl<W> Active<W> {
    pub(super) fn add(&self, who: W, now: Timestamp) {
        let mut gathered = self.gathered();
        gathered.since.get_or_insert(now);
        gathered.all.push(who);
        self.some.notify_one();
    }

    fn take(&self) -> Gathered<W> {
        mem::take(&mut self.gathered())
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered<W>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the other nodes what is counted here, and learns what is counted there. Does not end; where
/// nothing is counted, it waits.
pub(crate) async fn share<S: Shared>(shared: Arc<S>, everywhere: Arc<dyn Everywhere>) {
    let Some(window) = shared.window() else {
        return pending().await;
    };
    let active = shared.active().get_or_init(Active::default);
    let node = word(NODE_CHARACTERS);
    // How far the others' clock is ahead of this one, at least: what is told counts from then, and
    // rather from too early than from too late. Nobody is to be stopped who has kept to the limit.
    let mut ahead: Option<i64> = None;
    let mut was_lost = false;
    loop {
        active.some.notified().await;
        sleep(GATHER).await;
        let Gathered { since, all } = active.take();
        let Some(since) = since else {
            continue;
        };
        let counts = Counts {
            what: S::WHAT,
            node: node.clone(),
            counts: all.iter().map(|who| shared.tell(who)).collect(),
            since: ahead.map(|ahead| {
                Timestamp::from_millis(since.as_millis().saturating_add_signed(ahead))
            }),
            gathered: 2 * GATHER,
            window,
        };
        let asked = shared.clock().now();
        match everywhere.count(&counts).await {
            Ok(answer) => {
                was_lost = false;
                let answered = shared.clock().now();
                ahead =
                    Some(answer.now.as_millis().cast_signed() - answered.as_millis().cast_signed());
                for (who, elsewhere) in all.iter().zip(answer.counts) {
                    let at = |age: Duration| {
                        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                        Timestamp::from_millis(asked.as_millis().saturating_sub(age))
                    };
                    let elsewhere = elsewhere.into_iter();
                    let elsewhere = elsewhere.map(|(age, count)| (at(age), count)).collect();
                    shared.learn(who, elsewhere);
                }
            }
            Err(error) if !was_lost => {
                was_lost = true;
                tracing::warn!(%error, what = ?S::WHAT, "each node counts for itself");
            }
            Err(_) => {}
        }
    }
}
