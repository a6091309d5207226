//! The seam: an input's effects are saved, then appended to the log and the members' connections
//! woken; or none of it.

use super::{
    Alarm, Found, Input, Keep, Machine, Outlet,
    abroad::{Abroad, Far, Grounds, Standing},
    effects::{Delivery, Effects},
    hall::Hall,
    keep::Save,
    machine::{End, Unreadable},
};
use crate::{
    clock::Timestamp,
    game::{Connection, Game, Identity, Newcomer, Options, Posts, Refusal, Rest},
    protocol::{Close, ErrorCode, frames},
    store::{Cells, NodeId, StoreError},
};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc};

/// A room in use: the core, the store behind it, and the connections it speaks to.
///
/// Whoever has it may hand it one input at a time. Dropping the future of an input half-way would
/// drop what a handler has begun, so callers always let it finish.
pub(crate) struct Live<G: Game> {
    machine: Machine<G>,
    hall: Hall,
    abroad: Abroad,
    /// The hooks that failed in the last input.
    failures: Vec<String>,
    keep: Keep,
    /// The commit after which this node had it.
    began: u64,
    /// It was given up though members on other nodes count on it.
    has_orphans: bool,
}

/// Where somebody is who hears what a room says.
#[derive(Debug)]
pub(crate) enum Ear {
    /// On this node.
    Here(Arc<Outlet>),
    /// On another one, under a number of this one.
    There(Connection, Far),
}

impl Ear {
    /// Whether it is known that nobody hears there any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::Here(outlet) => outlet.is_abandoned(),
            Self::There(..) => false,
        }
    }

    fn connection(&self) -> Connection {
        match self {
            Self::Here(outlet) => outlet.connection,
            Self::There(connection, _) => *connection,
        }
    }
}

impl<G: Game> Live<G> {
    pub(crate) fn new(
        identity: Identity,
        game: Option<G>,
        seed: [u8; 32],
        now: Timestamp,
        posts: Arc<Posts>,
        alarm: Arc<dyn Alarm>,
        mut keep: Keep,
    ) -> Self {
        let is_kept = match G::PERSIST {
            Some(persist) => {
                keep.every(persist.every);
                keep.outlives()
            }
            None => false,
        };
        let machine = Machine::new(identity, game, seed, now, posts, alarm, is_kept);
        Self {
            hall: Hall::new(machine.table().log.clone()),
            machine,
            abroad: Abroad::default(),
            has_orphans: false,
            failures: Vec::new(),
            began: keep.number,
            keep,
        }
    }

    /// Goes on with a room as it was saved.
    ///
    /// # Errors
    /// If what was saved can't be read; nothing has been changed.
    pub(crate) fn restore(
        &mut self,
        cells: &Cells,
        missing_until: Timestamp,
    ) -> Result<(), Unreadable> {
        self.machine.restore(cells, missing_until)?;
        self.hall.rehome(self.machine.table().log.clone());
        Ok(())
    }

    pub(crate) fn machine(&self) -> &Machine<G> {
        &self.machine
    }

    /// The hooks that failed in the last input, each with its reason.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// What is left of the call in hand, to be run while others may look at the room.
    pub(crate) fn take_rest(&mut self) -> Option<Rest> {
        self.machine.take_rest()
    }

    /// The state of the game, for tests to begin from.
    pub(crate) fn game_mut(&mut self) -> Option<&mut G> {
        self.machine.game_mut()
    }

    /// The state is as a test has set it: a call that fails goes back to that.
    pub(crate) fn keep_state(&mut self) -> Result<(), Refusal> {
        self.machine.keep_state()
    }

    /// Whether an input may wait for the store.
    pub(crate) fn waits(&self) -> bool {
        self.keep.outlives()
    }

    /// When the room wants an [`Input::Due`], if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let save = self.keep.due().filter(|_| !self.machine.is_over());
        let deadlines = [self.machine.deadline(), save];
        deadlines.into_iter().flatten().min()
    }

    /// Somebody comes anew: if that user's other connection is missing, it is taken for lost first,
    /// unless it is the newer one. Answers whether something was to be done for it.
    pub(crate) async fn mourn(&mut self, newcomer: &Newcomer, now: Timestamp) -> bool {
        let user = &newcomer.user;
        let roster = &self.machine.table().roster;
        let place = roster.by_user(user);
        let is_older = place.is_some_and(|place| !place.came_after(newcomer.came));
        let is_lost = is_older && roster.is_missing(user);
        if is_lost {
            self.run(Input::Mourn(user.clone()), now).await;
        }
        is_lost
    }

    /// Asks for a place for a connection; the answer, a greeting or a goodbye, is in its outlet.
    pub(crate) async fn join(
        &mut self,
        ear: Ear,
        newcomer: Newcomer,
        options: Options,
        now: Timestamp,
    ) {
        if let Ear::There(_, far) = &ear
            && self.abroad.known(far).is_some()
        {
            return; // it has been let in by another node, and found here since
        }
        let place = self.machine.table().roster.by_user(&newcomer.user);
        let newest = place.and_then(|place| place.connection);
        let is_late = match (&ear, newest) {
            (Ear::There(_, far), Some(newest)) => self.abroad.is_older(far, newest),
            _ => false,
        };
        let connection = ear.connection();
        if is_late {
            // It was overtaken on its way: it is told so like one that is found too late.
            let found = Found {
                user: newcomer.user,
                session: newcomer.session,
                came: newcomer.came,
                connection,
            };
            return self.found(vec![(ear, found)], now).await;
        }
        self.hear(ear);
        let input = Input::Join {
            connection,
            newcomer,
            options,
        };
        self.run(input, now).await;
    }

    /// Members whose connections were missing are still there.
    pub(crate) async fn found(&mut self, found: Vec<(Ear, Found)>, now: Timestamp) {
        // Whoever has been found and is said to be there once more is there.
        let new = found.into_iter().filter(|(ear, _)| match ear {
            Ear::Here(_) => true,
            Ear::There(_, far) => self.abroad.known(far).is_none(),
        });
        let new: Vec<_> = new.collect();
        let found = new.into_iter().map(|(ear, found)| {
            if let Ear::Here(outlet) = &ear {
                outlet.rehome(self.hall.log());
            }
            self.hear(ear);
            found
        });
        let found = found.collect();
        self.run(Input::Found(found), now).await;
    }

    fn hear(&mut self, ear: Ear) {
        match ear {
            Ear::Here(outlet) => self.hall.insert(outlet),
            Ear::There(connection, far) => self.abroad.insert(connection, far),
        }
    }

    /// The connections on a node that is gone.
    pub(crate) fn of_node(&self, node: &NodeId) -> Vec<Connection> {
        self.abroad.of_node(node)
    }

    /// Whether there may be other nodes.
    pub(crate) fn is_shared(&self) -> bool {
        self.keep.is_shared()
    }

    /// The nodes that have members of it, if others may have since this was asked.
    pub(crate) fn changed_nodes(&mut self) -> Option<Vec<NodeId>> {
        self.abroad.changed_nodes()
    }

    /// The number here of a connection on another node.
    pub(crate) fn known(&self, far: &Far) -> Option<Connection> {
        self.abroad.known(far)
    }

    /// The publications after a number, if all of them are still there.
    pub(crate) fn replay(&self, after: u64) -> Option<Vec<Arc<[u8]>>> {
        self.abroad.replay(after)
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            epoch: self.machine.table().identity.epoch.clone(),
            term: self.keep.term,
            published: self.abroad.published(),
            began: self.began,
        }
    }

    /// Handles one input: runs it, commits what it did, and tells everyone concerned.
    pub(crate) async fn run(&mut self, input: Input<G::Message>, now: Timestamp) {
        let comer = match &input {
            Input::Join { connection, .. } => Some(*connection),
            _ => None,
        };
        if let Input::Leave(connection, _) = &input {
            self.hall.remove(*connection);
            self.abroad.remove(*connection);
        }
        if self.machine.is_over() {
            return;
        }
        let mut effects = self.step(input, now).await;
        self.failures = std::mem::take(&mut effects.failures);
        let saved = self.save(&effects).await;
        if let Some(end) = self.machine.end() {
            self.machine.abandon(end);
        }
        match saved {
            Ok(()) => self.deliver(effects),
            Err(error) => {
                let room = &self.machine.table().identity.room;
                tracing::error!(%error, %room, "nothing of it is told; the room is given up");
                self.give_up(&error, comer);
            }
        }
    }

    /// Runs an input. What of a game runs outside of its handlers, as the `drop` of a timer, has no
    /// business to panic; if it does, the room ends all the same.
    async fn step(&mut self, input: Input<G::Message>, now: Timestamp) -> Effects {
        let stepping = AssertUnwindSafe(self.machine.step(input, now));
        match stepping.catch_unwind().await {
            Ok(effects) => effects,
            Err(payload) => {
                std::mem::forget(payload);
                let identity = &self.machine.table().identity;
                tracing::error!(room = %identity.room, "the game panicked where it must not");
                self.machine.abandon(End::Here);
                let last = self.machine.table().log.read().last();
                let close = Delivery::CloseAll(Close::Internal.into());
                Effects {
                    deliveries: vec![(last, close)],
                    ..Effects::default()
                }
            }
        }
    }

    /// Saves what an input has changed, and has other nodes told.
    async fn save(&mut self, effects: &Effects) -> Result<(), StoreError> {
        // What was never kept is gone for good.
        let end = self.machine.end().map(|end| match self.machine.is_kept() {
            true => end,
            false => End::ForGood,
        });
        let changes = match end {
            Some(_) => super::machine::Changes::default(),
            None => self.machine.changes(effects, self.keep.is_complete()),
        };
        let table = self.machine.table();
        let listen = !self.abroad.is_empty() || table.roster.has_missing();
        // That the room goes on here concerns those whose connections are missing.
        let goes_on = table.roster.has_missing() && self.abroad.published() == 0;
        let has_news = !changes.is_empty() || !effects.is_empty() || end.is_some() || goes_on;
        let publish = (self.keep.is_shared() && listen && has_news).then(|| {
            let grounds = Grounds {
                term: self.keep.term,
                commit: self.keep.number + u64::from(!changes.is_empty() || end.is_some()),
                epoch: &table.identity.epoch,
                now: table.now,
                last: table.last,
                untold: self.machine.untold(),
                is_released: end == Some(End::Here),
            };
            self.abroad.publication(effects, &grounds)
        });
        let mut changes = changes;
        if end == Some(End::Here) && !self.keep.is_complete() {
            changes.put.push(self.machine.complete_head());
        }
        let again = match &publish {
            None if self.keep.is_unheard(table.now) => self.abroad.last_published(),
            _ => None,
        };
        let save = Save {
            changes,
            end,
            publish: again.or_else(|| publish.clone()),
            now: table.now,
        };
        match self.keep.save(save).await {
            Err(StoreError::Behind) => {
                let room = &self.machine.table().identity.room;
                tracing::warn!(%room, "the store has lost what was saved of a room: all of it is saved once more");
                let cells = match end {
                    Some(End::ForGood) => Vec::new(),
                    // There is nothing left that could be saved.
                    Some(End::Here) if self.machine.is_abandoned() => {
                        return Err(StoreError::Behind);
                    }
                    Some(End::Here) | None => self.machine.all_cells(effects),
                };
                self.keep.save_anew(cells, end, publish.clone()).await?;
            }
            saved => saved?,
        }
        if let Some(publication) = publish {
            self.abroad.publish(publication);
        }
        Ok(())
    }

    /// The state has moved on and could not be saved: nobody may learn of it, and nobody can go
    /// on from it.
    ///
    /// Whether it was saved, nobody knows: that a message was refused would be as wrong as that it was
    /// not. Its sender comes again, and is told.
    fn give_up(&mut self, error: &StoreError, comer: Option<Connection>) {
        self.machine.abandon(End::Here);
        let close = match error {
            StoreError::Lost => Close::Moved,
            StoreError::Unavailable(_) | StoreError::Behind => Close::TryLater,
        };
        if let Some(outlet) = comer.and_then(|comer| self.hall.get(comer)) {
            let after = self.hall.log().read().last();
            let words = "the room could not be saved";
            outlet.tell(after, frames::error(ErrorCode::Unavailable, words, None));
        }
        self.hall.close_all(close);
        self.has_orphans = !self.abroad.is_empty();
    }

    /// Whether it was given up though members on other nodes count on it; once.
    pub(crate) fn take_orphans(&mut self) -> bool {
        std::mem::take(&mut self.has_orphans)
    }

    /// Tells everyone on this node.
    fn deliver(&mut self, effects: Effects) {
        for (_, delivery) in &effects.deliveries {
            match delivery {
                Delivery::Close(connection, _) => self.abroad.remove(*connection),
                Delivery::CloseAll(_) => self.abroad.clear(),
                _ => {}
            }
        }
        let now = self.machine.table().now;
        self.hall.deliver(effects, now, self.machine.untold());
    }
}
