//! The seam: an input's effects are saved, then appended to the log and the members' connections
//! woken; or none of it.

use super::{
    Alarm, Input, Machine, Outlet,
    effects::{Delivery, Effects},
};
use crate::{
    clock::Timestamp,
    game::{Connection, Game, Identity, Newcomer, Options, Posts, Rest},
    protocol::{Close, ErrorCode, frames},
    store::{Commit, Store},
};
use futures_util::FutureExt;
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

/// A room in use: the core, the store behind it, and the connections it speaks to.
///
/// Whoever has it may hand it one input at a time. Dropping the future of an input half-way would
/// drop what a handler has begun, so callers always let it finish.
pub(crate) struct Live<G: Game> {
    machine: Machine<G>,
    outlets: HashMap<Connection, Arc<Outlet>>,
    /// The hooks that failed in the last input.
    failures: Vec<String>,
    store: Arc<dyn Store>,
}

impl<G: Game> Live<G> {
    pub(crate) fn new(
        identity: Identity,
        game: Option<G>,
        seed: [u8; 32],
        now: Timestamp,
        posts: Arc<Posts>,
        alarm: Arc<dyn Alarm>,
        store: Arc<dyn Store>,
    ) -> Self {
        Self {
            machine: Machine::new(identity, game, seed, now, posts, alarm),
            outlets: HashMap::new(),
            failures: Vec::new(),
            store,
        }
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

    /// Asks for a place for a connection; the answer, a greeting or a goodbye, is in its outlet.
    pub(crate) async fn join(
        &mut self,
        outlet: Arc<Outlet>,
        newcomer: Newcomer,
        options: Options,
        now: Timestamp,
    ) {
        let connection = outlet.connection;
        self.outlets.insert(connection, outlet);
        let input = Input::Join {
            connection,
            newcomer,
            options,
        };
        self.run(input, now).await;
    }

    /// Handles one input: runs it, commits what it did, and tells everyone concerned.
    pub(crate) async fn run(&mut self, input: Input<G::Message>, now: Timestamp) {
        let (from, id) = match &input {
            Input::Join { connection, .. } => (Some(*connection), None),
            Input::Message {
                connection, ticket, ..
            } => (Some(*connection), ticket.map(|ticket| ticket.id)),
            Input::Leave(..)
            | Input::Due
            | Input::Post(_)
            | Input::Returned(_)
            | Input::Close(_) => (None, None),
        };
        if let Input::Leave(connection, _) = &input {
            self.outlets.remove(connection);
        }
        let mut effects = self.step(input, now).await;
        self.failures = std::mem::take(&mut effects.failures);
        let commit = Commit {
            room: &self.machine.table().identity,
            events: &effects.events,
        };
        match self.store.commit(commit).await {
            Ok(()) => self.deliver(effects),
            Err(error) => {
                tracing::error!(%error, "nothing of it is told; the room is given up");
                self.give_up(from, id);
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
                self.machine.abandon();
                let last = self.machine.table().log.read().last();
                let close = Delivery::CloseAll(Close::Internal.into());
                Effects {
                    deliveries: vec![(last, close)],
                    ..Effects::default()
                }
            }
        }
    }

    /// The state has moved on and could not be saved: nobody may learn of it, and nobody can go
    /// on from it.
    fn give_up(&mut self, from: Option<Connection>, id: Option<u64>) {
        self.machine.abandon();
        let after = self.machine.table().log.read().last();
        for (connection, outlet) in self.outlets.drain() {
            if from == Some(connection) {
                let words = "the room could not be saved";
                outlet.tell(after, frames::error(ErrorCode::Unavailable, words, id));
            }
            outlet.close(after, Close::TryLater.into());
            outlet.wake();
        }
    }

    /// Puts everything where its connection finds it, and wakes the connections.
    ///
    /// What is told carries the number of the event it comes after, so it is put in first: a
    /// connection that is awake anyway must not overtake it with a later event.
    fn deliver(&mut self, effects: Effects) {
        let log = self.machine.table().log.clone();
        let mut touched = Vec::new();
        for (after, delivery) in effects.deliveries {
            match delivery {
                Delivery::Enter {
                    connection,
                    greeting,
                } => {
                    if let Some(outlet) = self.outlets.get(&connection) {
                        outlet.enter(greeting, &log, after);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::Tell(connection, frame) => {
                    if let Some(outlet) = self.outlets.get(&connection) {
                        outlet.tell(after, frame);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::TellMembers { but, frame } => {
                    let others = self.outlets.values();
                    for outlet in others.filter(|outlet| but != Some(outlet.connection)) {
                        outlet.tell_member(after, &frame);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::Volatile(frame) => {
                    for outlet in self.outlets.values() {
                        outlet.tell_if_idle(after, &frame);
                        touched.push(Arc::clone(outlet));
                    }
                }
                Delivery::Close(connection, close) => {
                    if let Some(outlet) = self.outlets.remove(&connection) {
                        outlet.close(after, close);
                        touched.push(outlet);
                    }
                }
                Delivery::CloseAll(close) => {
                    for (_, outlet) in self.outlets.drain() {
                        outlet.close(after, close.clone());
                        touched.push(outlet);
                    }
                }
            }
        }
        let now = self.machine.table().now;
        let untold = self.machine.untold();
        log.append(&effects.events, &effects.redacted, now, untold);
        if !effects.events.is_empty() {
            for outlet in self.outlets.values() {
                outlet.notice(&effects.events, &effects.redacted);
            }
        }
        touched.iter().for_each(|outlet| outlet.wake());
    }
}
