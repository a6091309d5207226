//! The outer side of the seam: what an input has changed is saved, and told to other nodes, before
//! anyone here hears of it.

use super::machine::{Changes, End};
use crate::{
    clock::Timestamp,
    game::Settings,
    ids::RoomId,
    metrics::{self, Begun},
    pubsub::Nodes,
    store::{Commit, MemoryStore, RoomKey, Store, StoreError, Then},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How much longer than it could be needed a record is kept, for servers that are down.
const SPARE: Duration = Duration::from_secs(24 * 60 * 60);

/// What becomes of a record.
fn after(end: Option<End>) -> Then {
    match end {
        None => Then::Keep,
        Some(End::ForGood) => Then::Remove,
        Some(End::Here) => Then::Release,
    }
}

/// How long a record is to be kept if nothing more is saved of it.
pub(super) fn keep_for(settings: &Settings) -> Duration {
    match settings.empty_timeout {
        Some(empty_timeout) => settings.reconnect + empty_timeout + SPARE,
        None => FOR_GOOD,
    }
}

/// How long after a try something is said once more that may not have been heard.
const SAY_AGAIN: Duration = Duration::from_secs(1);

/// How long a record is kept of a room that is never given up.
const FOR_GOOD: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Where a room is kept, and by what right.
#[derive(Debug)]
pub(crate) struct Keep {
    store: Arc<dyn Store>,
    nodes: Option<Arc<dyn Nodes>>,
    room: RoomKey,
    /// The fencing token.
    pub(crate) term: u64,
    /// The number of the last commit.
    pub(crate) number: u64,
    /// How much may be lost; zero is nothing.
    every: Duration,
    keep_for: Duration,
    /// What is yet to be saved, `None` what is to be deleted, where some may be lost.
    pending: BTreeMap<String, Option<Vec<u8>>>,
    /// When that is to be saved.
    due: Option<Timestamp>,
    /// When the last publication is to be said once more: it may not have been heard.
    say_again: Option<Timestamp>,
    /// Whether the record says that something may be missing in it: before it does, nothing may be.
    is_marked: bool,
}

/// What an input leaves to be saved.
pub(super) struct Save {
    pub(super) changes: Changes,
    pub(super) end: Option<End>,
    pub(super) publish: Option<Vec<u8>>,
    pub(super) now: Timestamp,
}

impl Keep {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        nodes: Option<Arc<dyn Nodes>>,
        room: RoomKey,
        term: u64,
        number: u64,
        settings: &Settings,
    ) -> Self {
        Self {
            store,
            nodes,
            room,
            term,
            number,
            every: Duration::ZERO,
            keep_for: keep_for(settings),
            pending: BTreeMap::new(),
            due: None,
            say_again: None,
            is_marked: false,
        }
    }

    /// Of a room in memory, that nobody else knows of.
    ///
    /// # Panics
    /// Never: the name `test` is a valid one.
    pub(crate) fn memory(game: &str, settings: &Settings) -> Self {
        let room = RoomId::new("test").expect("`test` is a valid name");
        let game = game.into();
        Self::new(
            Arc::new(MemoryStore),
            None,
            RoomKey { game, room },
            0,
            0,
            settings,
        )
    }

    /// What is changed is saved now and then: so much may be lost.
    pub(super) fn every(&mut self, every: Duration) {
        self.every = every;
    }

    /// Whether all that is told is saved before.
    pub(super) fn is_complete(&self) -> bool {
        self.every.is_zero()
    }

    /// Whether the store outlives this process.
    pub(super) fn outlives(&self) -> bool {
        self.store.keeps()
    }

    /// Whether there may be other nodes.
    pub(super) fn is_shared(&self) -> bool {
        self.nodes.is_some()
    }

    /// When something is to be saved, or said once more, even if nothing happens.
    pub(super) fn due(&self) -> Option<Timestamp> {
        [self.due, self.say_again].into_iter().flatten().min()
    }

    /// Whether the last publication is to be said once more.
    pub(super) fn is_unheard(&self, now: Timestamp) -> bool {
        self.say_again.is_some_and(|at| at <= now)
    }

    /// Saves what an input has changed, and has other nodes told.
    ///
    /// # Errors
    /// If nobody may hear of it; after [`StoreError::Behind`], unless [`save_anew`](Self::save_anew)
    /// is done.
    pub(super) async fn save(&mut self, save: Save) -> Result<(), StoreError> {
        let Save {
            changes,
            end,
            publish,
            now,
        } = save;
        if !self.outlives() {
            return Ok(());
        }
        if let Some(nodes) = &self.nodes
            && !nodes.has_lease()
        {
            return Err(StoreError::Lost);
        }
        let then = after(end);
        let is_due = self.due.is_some_and(|due| due <= now);
        let may_be_later = !self.is_complete() && self.is_marked;
        let is_later = then == Then::Keep && may_be_later && !is_due;
        if is_later {
            self.put_off(changes, now);
            self.publish(publish, now).await;
            return Ok(());
        }
        if then == Then::Keep && changes.is_empty() && self.pending.is_empty() {
            self.due = None;
            self.publish(publish, now).await;
            return Ok(());
        }
        let (put, delete) = self.with_pending(changes);
        self.commit(false, put, delete, then, publish).await?;
        self.is_marked = then == Then::Keep;
        Ok(())
    }

    /// Saves every cell there is, or that there are none, in a store that has lost some.
    ///
    /// # Errors
    /// If nobody may hear of what was to be saved.
    pub(super) async fn save_anew(
        &mut self,
        cells: Vec<(String, Vec<u8>)>,
        end: Option<End>,
        publish: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.commit(true, cells, Vec::new(), after(end), publish)
            .await?;
        self.is_marked = false;
        Ok(())
    }

    async fn commit(
        &mut self,
        anew: bool,
        put: Vec<(String, Vec<u8>)>,
        delete: Vec<String>,
        then: Then,
        publish: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let commit = Commit {
            room: &self.room,
            term: self.term,
            number: self.number + 1,
            anew,
            put,
            delete,
            then,
            keep_for: self.keep_for,
            publish,
        };
        let is_said = commit.publish.is_some();
        let begun = Begun::now();
        let saved = self.store.commit(commit).await;
        metrics::stored(begun, saved.is_ok());
        saved?;
        self.number += 1;
        if is_said {
            self.say_again = None;
        }
        Ok(())
    }

    /// Remembers what is to be saved in a while.
    fn put_off(&mut self, changes: Changes, now: Timestamp) {
        if changes.is_empty() {
            return;
        }
        self.due.get_or_insert(now + self.every);
        let put = changes
            .put
            .into_iter()
            .map(|(cell, bytes)| (cell, Some(bytes)));
        let delete = changes.delete.into_iter().map(|cell| (cell, None));
        self.pending.extend(put.chain(delete));
    }

    /// All that is to be saved now.
    fn with_pending(&mut self, changes: Changes) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
        self.due = None;
        if self.pending.is_empty() {
            return (changes.put, changes.delete);
        }
        let now = Timestamp::default();
        self.put_off(changes, now);
        self.due = None;
        let (mut put, mut delete) = (Vec::new(), Vec::new());
        for (cell, bytes) in std::mem::take(&mut self.pending) {
            match bytes {
                Some(bytes) => put.push((cell, bytes)),
                None => delete.push(cell),
            }
        }
        (put, delete)
    }

    /// Tells other nodes of something that need not be saved. If that is lost, they notice with the
    /// next one, for the numbers of publications have no gaps; if none follows, it is said again.
    async fn publish(&mut self, publish: Option<Vec<u8>>, now: Timestamp) {
        let (Some(nodes), Some(publish)) = (&self.nodes, publish) else {
            return;
        };
        let began = tokio::time::Instant::now();
        let published = nodes.publish(&self.room, publish).await;
        let again = || now + began.elapsed() + SAY_AGAIN;
        self.say_again = published.is_err().then(again);
        if let Err(error) = published {
            tracing::debug!(%error, room = %self.room.room, "not published");
        }
    }
}
