//! What is true of a user on all nodes alike: bans, revocations, which refresh tokens were used, and how
//! much was sent.
//!
//! Bans and revocations are tables of which each node has all in memory: to ask them costs nothing. A
//! change is [`News`]: it takes effect at once where it was said, waits in the [`Outbox`] until it is
//! kept for all, and is then told to all.

use crate::{
    clock::Timestamp,
    ids::{SessionId, UserId},
    store::StoreError,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Something about a user that all nodes have to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum News {
    /// In place of what was said of the user before.
    Banned { user: UserId, until: Timestamp },
    /// Unless it is banned for longer already.
    BannedAtLeast { user: UserId, until: Timestamp },
    /// It may come back.
    Unbanned { user: UserId },
    /// A token, or all that descend from a login, are accepted no more: by its mark. The last of them
    /// ends at that moment, in microseconds.
    RevokedMark {
        user: UserId,
        mark: String,
        ends: u64,
    },
    /// What was issued up to a moment, in microseconds, is accepted no more: of a session, or of all.
    RevokedUntil {
        user: UserId,
        session: Option<SessionId>,
        moment: u64,
    },
    /// What anybody was issued up to a moment, in microseconds, is accepted no more: too much was
    /// revoked to know it one by one.
    AllRevokedUntil { moment: u64 },
}

impl News {
    /// How a message to all nodes begins that has news in it.
    const BEGINS: &'static [u8] = b"news ";

    /// As a message to all nodes.
    pub(crate) fn message(news: &[Self]) -> Vec<u8> {
        let mut message = Self::BEGINS.to_vec();
        // Numbers and text: there is nothing in it that can't be written.
        message.extend(serde_json::to_vec(news).unwrap_or_default());
        message
    }

    /// What a message to all nodes says; `None` if it is about something else.
    pub(crate) fn read(message: &[u8]) -> Option<Vec<Self>> {
        let news = message.strip_prefix(Self::BEGINS)?;
        match serde_json::from_slice(news) {
            Ok(news) => Some(news),
            Err(error) => {
                tracing::warn!(%error, "another node tells what this one does not understand");
                Some(Vec::new())
            }
        }
    }
}

/// What this node knows and has not been able to tell yet, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<VecDeque<News>>,
    more: Notify,
    fewer: Notify,
}

impl Outbox {
    pub(crate) fn put(&self, news: News) {
        self.waiting().push_back(news);
        self.more.notify_one();
    }

    /// What waits, without taking it out.
    pub(crate) fn peek(&self) -> Vec<News> {
        self.waiting().iter().cloned().collect()
    }

    /// The first so many are told.
    pub(crate) fn told(&self, count: usize) {
        self.waiting().drain(..count);
        self.fewer.notify_waiters();
    }

    /// Ready once something waits.
    pub(crate) async fn some(&self) {
        while self.waiting().is_empty() {
            self.more.notified().await;
        }
    }

    /// Ready once nothing waits.
    pub(crate) async fn none(&self) {
        loop {
            let fewer = self.fewer.notified();
            if self.waiting().is_empty() {
                return;
            }
            fewer.await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<News>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refresh token that is to be used.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// The mark of the login from which it descends.
    pub(crate) family: String,
    /// Its number in the family.
    pub(crate) generation: u32,
    /// The mark of the attempt, if the client has named it.
    pub(crate) attempt: Option<String>,
    /// When the next access token ends, in microseconds.
    pub(crate) access_ends: u64,
    /// When the next refresh token does.
    pub(crate) ends: u64,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    /// It was the newest.
    Once,
    /// It was used before. The last access token of the family would have ended then.
    Again { access_ends: u64 },
    /// Nobody knows any more.
    Forgotten,
}

/// What is counted, for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The frames that users send.
    Messages,
    /// How often users and addresses connect, and addresses ask for tokens.
    Connections,
}

/// How often something has happened here lately, and how it is counted.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    pub(crate) what: Counted,
    /// Of which node.
    pub(crate) node: String,
    /// Of whom, and how often.
    pub(crate) counts: Vec<(String, u32)>,
    /// When the first of them came, by the clock of the store; `None` if that is not known yet.
    pub(crate) since: Option<Timestamp>,
    /// How long it has been gathered at most.
    pub(crate) gathered: Duration,
    /// How far back it counts.
    pub(crate) window: Duration,
}

/// How often it has happened elsewhere, to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CountsElsewhere {
    /// What time it is for the store.
    pub(crate) now: Timestamp,
    /// For each, in the same order: how long ago, at least, and how often.
    pub(crate) counts: Vec<Vec<(Duration, u32)>>,
}

/// Keeps for all nodes what they know of users.
pub(crate) trait Everywhere: fmt::Debug + Send + Sync {
    /// Keeps news in order, and tells them to all nodes, this one too. May be repeated.
    fn spread<'a>(&'a self, news: &'a [News]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// All that is kept and not over.
    fn all_news(&self) -> BoxFuture<'_, Result<Vec<News>, StoreError>>;

    /// Uses a refresh token.
    fn redeem<'a>(&'a self, token: &'a Use) -> BoxFuture<'a, Result<Used, StoreError>>;

    /// Counts what has happened here, and answers what has happened elsewhere within the window.
    fn count<'a>(
        &'a self,
        counts: &'a Counts,
    ) -> BoxFuture<'a, Result<CountsElsewhere, StoreError>>;
}
