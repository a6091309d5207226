//! What this node has in common with the others: who is banned, and what is revoked.
//!
//! It is all in memory here. What is new at this node is told to the others, and what is new at one of
//! them is heard; after something may have been missed, all of it is asked for.

use super::{ServerHandle, connections::Connections};
use crate::{
    auth::Revoked,
    cluster::Listener,
    ids::UserId,
    limits::Bans,
    protocol::Close,
    pubsub::{
        Nodes,
        everywhere::{News, Outbox},
    },
    store::StoreError,
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;

/// How long to wait before telling again what could not be told.
const PAUSE: Duration = Duration::from_millis(500);

/// How much is told at once.
const AT_ONCE: usize = 1000;

/// The bans and revocations of all nodes.
pub(super) struct Common {
    everywhere: Arc<dyn Nodes>,
    outbox: Arc<Outbox>,
    bans: Arc<Bans>,
    revoked: Arc<Revoked>,
    connections: Connections,
    /// What was heard while all of it is being asked for: it may be newer than the answer.
    heard: Mutex<Option<Vec<News>>>,
    /// One asks at a time.
    asking: tokio::sync::Mutex<()>,
    /// Whether all of it was answered once.
    is_known: AtomicBool,
}

impl Common {
    pub(super) fn new(
        everywhere: Arc<dyn Nodes>,
        handle: &ServerHandle,
        connections: Connections,
    ) -> Arc<Self> {
        let outbox = Arc::new(Outbox::default());
        handle.ban_list().share(&outbox);
        handle.revoked().share(&outbox);
        Arc::new(Self {
            everywhere,
            outbox,
            bans: Arc::clone(handle.ban_list()),
            revoked: Arc::clone(handle.revoked()),
            connections,
            heard: Mutex::new(None),
            asking: tokio::sync::Mutex::default(),
            is_known: AtomicBool::new(false),
        })
    }

    /// Whether this node knows who may come in.
    pub(super) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Acquire)
    }

    /// Asks for all that is known: at the start, and after something may have been missed. What was known
    /// here stays known, unless it was taken back; what the others have lost is told to them again.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let _one = self.asking.lock().await;
        *self.heard() = Some(Vec::new());
        let all = self.everywhere.all_news().await;
        let mut heard = self.heard();
        let since = heard.take().unwrap_or_default();
        let all = all?;
        let mut lost = self.bans.missing(&all);
        lost.extend(self.revoked.missing(&all));
        self.learn(&all);
        self.learn(&since);
        self.learn(&self.outbox.peek());
        lost.into_iter().for_each(|news| self.outbox.put(news));
        drop(heard);
        self.is_known.store(true, Ordering::Release);
        self.look_at(self.connections.whose());
        Ok(())
    }

    /// Tells the others what is new here, for as long as it takes. Does not end.
    pub(super) async fn tell(self: Arc<Self>) {
        loop {
            self.outbox.some().await;
            let mut news = self.outbox.peek();
            news.truncate(AT_ONCE);
            match self.everywhere.spread(&news).await {
                Ok(()) => self.outbox.told(news.len()),
                Err(error) => {
                    tracing::error!(%error, "a ban or a revocation is known to this node only; it goes on trying to tell the others");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Ready once the others have been told all that is new here.
    pub(super) async fn told(&self) {
        self.outbox.none().await;
    }

    /// Takes over what is news; answers with whom it may concern.
    fn learn(&self, news: &[News]) -> HashSet<UserId> {
        let mut users = HashSet::new();
        for news in news {
            users.extend(self.bans.learn(news));
            users.extend(self.revoked.learn(news));
            if let News::AllRevokedUntil { .. } = news {
                users.extend(self.connections.whose());
            }
        }
        users
    }

    /// Ends the connections of these users that may not be here any more.
    fn look_at(&self, users: impl IntoIterator<Item = UserId>) {
        for user in users {
            if self.bans.time_left(&user).is_some() {
                self.connections.close(&user, Close::Banned, |_| true);
            }
            let is_revoked = |open: &_| self.revoked.has(open);
            self.connections.close(&user, Close::Revoked, is_revoked);
        }
    }

    fn heard(&self) -> MutexGuard<'_, Option<Vec<News>>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Common {
    fn hear(&self, message: &[u8]) {
        let Some(news) = News::read(message) else {
            return;
        };
        let mut heard = self.heard();
        let users = self.learn(&news);
        // What is new here, and untold, comes after it.
        self.learn(&self.outbox.peek());
        if let Some(heard) = &mut *heard {
            heard.extend(news);
        }
        drop(heard);
        self.look_at(users);
    }

    fn missed(self: Arc<Self>) {
        tokio::spawn(async move {
            while let Err(error) = self.catch_up().await {
                tracing::warn!(%error, "it is not known what the other nodes have banned and revoked meanwhile");
                sleep(PAUSE).await;
            }
        });
    }
}
