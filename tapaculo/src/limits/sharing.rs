//! One limit for a user on several nodes: each counts for itself, and tells the others in batches.

use super::messages::{Limits, Usage, locked};
use crate::{
    auth::word,
    clock::Timestamp,
    ids::UserId,
    pubsub::everywhere::{Everywhere, Sent},
};
use std::{
    future::pending,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// How long what users send is gathered before the other nodes are told.
const GATHER: Duration = Duration::from_millis(250);

/// The length of the word by which a node's counts are told from those of others.
const NODE_CHARACTERS: usize = 8;

/// Those who have sent something that no other node knows of.
#[derive(Debug, Default)]
pub(super) struct Active {
    gathered: Mutex<Gathered>,
    some: Notify,
}

#[derive(Debug, Default)]
struct Gathered {
    /// When the first of it came.
    since: Option<Timestamp>,
    users: Vec<(UserId, Arc<Mutex<Usage>>)>,
}

impl Active {
    pub(super) fn add(&self, user: &UserId, usage: &Arc<Mutex<Usage>>, now: Timestamp) {
        let mut gathered = self.gathered();
        gathered.since.get_or_insert(now);
        gathered.users.push((user.clone(), Arc::clone(usage)));
        self.some.notify_one();
    }

    fn take(&self) -> Gathered {
        mem::take(&mut self.gathered())
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    /// Tells the other nodes what users send here, and learns what they send there. Does not end; where
    /// nobody sends anything, it waits.
    pub(crate) async fn share(self: Arc<Self>, everywhere: Arc<dyn Everywhere>) {
        let Some(rate) = &self.rate else {
            // Nobody counts.
            return pending().await;
        };
        let active = self.active.get_or_init(Active::default);
        let node = word(NODE_CHARACTERS);
        // How far the others' clock is ahead of this one, at least: what is told counts from then, and
        // rather from too early than from too late. Nobody is to be stopped who has kept to the limit.
        let mut ahead: Option<i64> = None;
        let mut was_lost = false;
        loop {
            active.some.notified().await;
            sleep(GATHER).await;
            let Gathered { since, users } = active.take();
            let Some(since) = since else {
                continue;
            };
            let told = |(user, usage): &(UserId, Arc<Mutex<Usage>>)| {
                let count = locked(usage).tell();
                (user.clone(), count)
            };
            let sent = Sent {
                node: node.clone(),
                users: users.iter().map(told).collect(),
                since: ahead.map(|ahead| {
                    Timestamp::from_millis(since.as_millis().saturating_add_signed(ahead))
                }),
                gathered: 2 * GATHER,
                window: rate.window_duration,
            };
            let asked = self.clock.now();
            match everywhere.count(&sent).await {
                Ok(answer) => {
                    was_lost = false;
                    let answered = self.clock.now();
                    ahead = Some(
                        answer.now.as_millis().cast_signed() - answered.as_millis().cast_signed(),
                    );
                    for ((_, usage), elsewhere) in users.iter().zip(answer.users) {
                        let at = |age: Duration| {
                            let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                            Timestamp::from_millis(asked.as_millis().saturating_sub(age))
                        };
                        let elsewhere = elsewhere.into_iter();
                        let elsewhere = elsewhere.map(|(age, count)| (at(age), count)).collect();
                        locked(usage).learn(elsewhere);
                    }
                }
                Err(error) if !was_lost => {
                    was_lost = true;
                    tracing::warn!(%error, "each node counts for itself what users send");
                }
                Err(_) => {}
            }
        }
    }
}
