//! The core: one input and its time become effects; it calls the game and decides who is told
//! what.

use super::effects::{Delivery, Effects};
use crate::{
    clock::Timestamp,
    game::{
        Connection, Game, Hooked, Identity, Newcomer, Options, Place, Player, Refusal, Room,
        SeatError, Table,
    },
    ids::Role,
    log::{Entry, SharedLog},
    protocol::{Ack, Author, Close, Encoded, ErrorCode, Moved, Presence, Welcome, frames},
};
use futures_util::FutureExt;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The version of the protocol that `welcome` names.
const PROTOCOL: u32 = 1;

/// What can happen to a room.
pub(crate) enum Input<M> {
    /// A connection asks for a place.
    Join {
        connection: Connection,
        newcomer: Newcomer,
        options: Options,
    },
    /// A member's connection sent a message of the game.
    Message {
        connection: Connection,
        id: Option<u64>,
        message: M,
    },
    /// A connection is gone.
    Leave(Connection),
    /// The moment that [`Machine::deadline`] named has come.
    Due,
    /// Everyone is to be sent away.
    Close(Close),
}

/// A room: the state of the game, who is there, and what was said.
pub(crate) struct Machine<G> {
    /// `None` until the first join makes it.
    game: Option<G>,
    room: Room<G>,
    /// Read here for newcomers; written when what it is to get is committed.
    log: SharedLog,
    /// Since when nobody is here.
    empty_since: Option<Timestamp>,
    /// Nothing can happen here any more.
    over: bool,
}

/// The game panicked: its state can't be trusted.
struct Panicked;

impl<G: Game> Machine<G> {
    pub(crate) fn new(identity: Identity, seed: [u8; 32], now: Timestamp) -> Self {
        Self {
            game: None,
            log: SharedLog::new(identity.settings.history),
            room: Room::new(Table::new(identity, seed, now)),
            empty_since: Some(now),
            over: false,
        }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.room.table
    }

    pub(super) fn log(&self) -> &SharedLog {
        &self.log
    }

    pub(crate) fn game(&self) -> Option<&G> {
        self.game.as_ref()
    }

    pub(crate) fn game_mut(&mut self) -> Option<&mut G> {
        self.game.as_mut()
    }

    /// Whether the room is gone for good.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Gives the room up: what it holds can't be told to anyone.
    pub(super) fn abandon(&mut self) {
        self.over = true;
        let game = self.game.take();
        // A game that can't even be dropped is gone all the same.
        if catch_unwind(AssertUnwindSafe(|| drop(game))).is_err() {
            tracing::error!(room = %self.table().identity.room, "dropping the game panicked");
        }
    }

    /// When the room wants an [`Input::Due`], if nothing happens before.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let empty_since = self.empty_since.filter(|_| !self.over)?;
        Some(empty_since + self.table().identity.settings.empty_timeout)
    }

    /// Handles one input.
    pub(super) async fn step(&mut self, input: Input<G::Message>, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        if self.over {
            return effects;
        }
        self.room.table.now = now;
        let outcome = match input {
            Input::Join {
                connection,
                newcomer,
                options,
            } => {
                self.join(connection, newcomer, &options, &mut effects)
                    .await
            }
            Input::Message {
                connection,
                id,
                message,
            } => self.message(connection, id, message, &mut effects).await,
            Input::Leave(connection) => self.leave(connection, &mut effects).await,
            Input::Due => {
                if self.deadline().is_some_and(|deadline| deadline <= now) {
                    self.abandon();
                }
                Ok(())
            }
            Input::Close(close) => {
                self.say(&mut effects, Delivery::CloseAll(close));
                self.abandon();
                Ok(())
            }
        };
        if outcome.is_err() {
            self.say(&mut effects, Delivery::CloseAll(Close::Internal));
            self.abandon();
        }
        self.empty_since = match (self.room.table.roster.is_empty(), self.empty_since) {
            (false, _) => None,
            (true, since) => since.or(Some(now)),
        };
        effects
    }

    async fn join(
        &mut self,
        connection: Connection,
        newcomer: Newcomer,
        options: &Options,
        effects: &mut Effects,
    ) -> Result<(), Panicked> {
        if self.game.is_none() {
            match self.create(options).await {
                Ok(Ok(game)) => self.game = Some(game),
                Ok(Err(refusal)) => {
                    self.turn_away(connection, &refusal, effects);
                    self.abandon();
                    return Ok(());
                }
                Err(Panicked) => {
                    self.refuse(connection, &panicked("create"), None, effects);
                    self.say(effects, Delivery::Close(connection, Close::Internal));
                    return Err(Panicked);
                }
            }
        }
        let table = &mut self.room.table;
        let place = table.roster.by_user(&newcomer.user);
        let plays = place.is_some_and(|place| place.member.role() == Role::Player);
        if plays && newcomer.role == Role::Spectator {
            let words = "you play in this room, and this token is only for watching".to_owned();
            self.turn_away(connection, &Refusal::Rejected(words), effects);
            return Ok(());
        }
        let user = newcomer.user.clone();
        let session = newcomer.session.clone();
        if let Some(old) = table.roster.replace(&user, connection, session) {
            self.say(effects, Delivery::Close(old, Close::Replaced));
            return self.greet(connection, effects);
        }
        let settings = table.identity.settings;
        match table.roster.admit(newcomer, connection, &settings) {
            Ok(_) => {}
            Err(SeatError::Full) => {
                let error = frames::error(ErrorCode::RoomFull, "no seat is free", None);
                self.say(effects, Delivery::Tell(connection, error));
                self.say(effects, Delivery::Close(connection, Close::Refused));
                return Ok(());
            }
            Err(SeatError::NoSpectators) => {
                let words = "this game has no spectators".to_owned();
                self.turn_away(connection, &Refusal::Rejected(words), effects);
                return Ok(());
            }
        }
        self.announce(connection, Moved::Joined, effects);
        let place = self.room.table.roster.by_connection(connection);
        if let Some(player) = place.and_then(|place| place.member.player()) {
            match self.hook(Hook::Join(&player), effects).await {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => {
                    // Nobody has heard of it: the announcement has not left the room.
                    effects.deliveries.clear();
                    self.room.table.roster.remove(connection);
                    self.turn_away(connection, &refusal, effects);
                    return Ok(());
                }
                Err(Panicked) => {
                    self.refuse(connection, &panicked("on_join"), None, effects);
                    self.say(effects, Delivery::Close(connection, Close::Internal));
                    return Err(Panicked);
                }
            }
            if self.room.table.roster.is_full(&settings) {
                self.report(Hook::Full, effects).await?;
            }
        }
        self.greet(connection, effects)
    }

    async fn message(
        &mut self,
        connection: Connection,
        id: Option<u64>,
        message: G::Message,
        effects: &mut Effects,
    ) -> Result<(), Panicked> {
        let (Some(game), Some(place)) = (
            self.game.as_mut(),
            self.room.table.roster.by_connection(connection),
        ) else {
            return Ok(()); // it was replaced, or sent away, while the message waited
        };
        let member = place.member.clone();
        self.room.table.begin(Author::User(member.user().clone()));
        let handled = contain(game.dispatch(&mut self.room, &member, message)).await;
        let answer = match handled {
            Ok(answer) => self.settle(answer, effects),
            Err(Panicked) => {
                self.room.table.discard();
                self.refuse(connection, &panicked("a handler"), id, effects);
                return Err(Panicked);
            }
        };
        match (answer, id) {
            (Ok(reply), Some(ack)) => {
                let frame = frames::ack(&Ack {
                    ack,
                    seq: self.room.table.last,
                    reply: reply.as_deref(),
                });
                self.say(effects, Delivery::Tell(connection, frame));
            }
            (Ok(_), None) => {}
            (Err(refusal), id) => self.refuse(connection, &refusal, id, effects),
        }
        Ok(())
    }

    async fn leave(
        &mut self,
        connection: Connection,
        effects: &mut Effects,
    ) -> Result<(), Panicked> {
        let Some(place) = self.room.table.roster.remove(connection) else {
            return Ok(()); // a newer connection has the place
        };
        let frame = presence(&place, Moved::Left);
        self.say(effects, Delivery::TellOthers(connection, frame));
        if let Some(player) = place.member.player() {
            self.report(Hook::Leave(&player), effects).await?;
        }
        if self.room.table.roster.is_empty() {
            self.report(Hook::Empty, effects).await?;
        }
        Ok(())
    }

    async fn create(&mut self, options: &Options) -> Result<Result<G, Refusal>, Panicked> {
        contain(G::create(&self.room.table.identity.room, options)).await
    }

    /// Runs a hook: what it says is settled if it succeeds.
    async fn hook(&mut self, hook: Hook<'_>, effects: &mut Effects) -> Result<Hooked, Panicked> {
        let Some(game) = self.game.as_mut() else {
            return Ok(Ok(()));
        };
        let room = &mut self.room;
        room.table.begin(Author::Server);
        let hooked = match hook {
            Hook::Join(player) => contain(game.on_join(room, player)).await,
            Hook::Full => contain(game.on_full(room)).await,
            Hook::Leave(player) => contain(game.on_leave(room, player)).await,
            Hook::Empty => contain(game.on_empty(room)).await,
        };
        if hooked.is_err() {
            self.room.table.discard();
        }
        Ok(self.settle(hooked?, effects))
    }

    /// Runs a hook that has nobody to refuse: its error is logged.
    async fn report(&mut self, hook: Hook<'_>, effects: &mut Effects) -> Result<(), Panicked> {
        let name = hook.name();
        if let Err(refusal) = self.hook(hook, effects).await? {
            tracing::warn!(room = %self.table().identity.room, hook = name, ?refusal, "a hook failed");
        }
        Ok(())
    }

    /// What a handler said becomes the room's if it returned `Ok`, and is dropped otherwise.
    fn settle<T>(
        &mut self,
        outcome: Result<T, Refusal>,
        effects: &mut Effects,
    ) -> Result<T, Refusal> {
        let value = outcome.inspect_err(|_| self.room.table.discard())?;
        effects.events.extend(self.room.table.settle()?);
        Ok(value)
    }

    /// Tells a newcomer where it is, what it sees and what it must know.
    fn greet(&mut self, connection: Connection, effects: &mut Effects) -> Result<(), Panicked> {
        let table = &self.room.table;
        let (Some(game), Some(place)) =
            (self.game.as_ref(), table.roster.by_connection(connection))
        else {
            return Ok(());
        };
        let mut greeting = vec![welcome(table, place)];
        let view = catch_unwind(AssertUnwindSafe(|| game.view(&place.member)));
        match view.map_err(|_| Panicked)? {
            Some(Ok(view)) => greeting.push(frames::state(&view, table.last)),
            Some(Err(refusal)) => {
                tracing::error!(room = %table.identity.room, ?refusal, "the view failed");
                return Err(Panicked);
            }
            None => {}
        }
        greeting.extend(self.known(place, &effects.events));
        greeting.push(frames::synced(table.last));
        self.say(
            effects,
            Delivery::Enter {
                connection,
                greeting,
            },
        );
        Ok(())
    }

    /// The events a newcomer is told: the kept ones, then those of its own join.
    fn known(&self, place: &Place, own: &[Arc<Entry>]) -> Vec<Encoded> {
        let log = self.log.read();
        let new = own.iter().filter(|entry| entry.is_public()).count();
        let room_for = self.table().identity.settings.history.saturating_sub(new);
        let kept = log.history();
        let skip = kept.len().saturating_sub(room_for);
        kept.skip(skip)
            .chain(own)
            .filter(|entry| entry.is_for(place.member.user()))
            .map(|entry| entry.frame.clone())
            .collect()
    }

    fn announce(&self, connection: Connection, moved: Moved, effects: &mut Effects) {
        if let Some(place) = self.table().roster.by_connection(connection) {
            let frame = presence(place, moved);
            self.say(effects, Delivery::TellOthers(connection, frame));
        }
    }

    /// Answers a message with a refusal.
    fn refuse(
        &self,
        connection: Connection,
        refusal: &Refusal,
        id: Option<u64>,
        effects: &mut Effects,
    ) {
        let (code, words) = match refusal {
            Refusal::Rejected(words) => (ErrorCode::Rejected, words.as_str()),
            Refusal::Spectator => (ErrorCode::Spectator, "spectators may not send this"),
            Refusal::Internal(why) => {
                tracing::error!(room = %self.table().identity.room, why, "the game failed");
                (ErrorCode::Internal, "the game failed")
            }
        };
        let error = frames::error(code, words, id);
        self.say(effects, Delivery::Tell(connection, error));
    }

    /// Refuses a newcomer.
    fn turn_away(&self, connection: Connection, refusal: &Refusal, effects: &mut Effects) {
        let close = match refusal {
            Refusal::Internal(_) => Close::Internal,
            Refusal::Rejected(_) | Refusal::Spectator => Close::Refused,
        };
        self.refuse(connection, refusal, None, effects);
        self.say(effects, Delivery::Close(connection, close));
    }

    /// Adds a delivery, after the events so far.
    fn say(&self, effects: &mut Effects, delivery: Delivery) {
        effects.deliveries.push((self.room.table.last, delivery));
    }
}

/// A hook that may run more than once.
#[derive(Clone, Copy)]
enum Hook<'a> {
    Join(&'a Player),
    Full,
    Leave(&'a Player),
    Empty,
}

impl Hook<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Join(_) => "on_join",
            Self::Full => "on_full",
            Self::Leave(_) => "on_leave",
            Self::Empty => "on_empty",
        }
    }
}

/// Runs game code; a panic ends it and goes no further.
async fn contain<T>(code: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(code)
        .catch_unwind()
        .await
        .map_err(|_| Panicked)
}

fn panicked(what: &str) -> Refusal {
    Refusal::Internal(format!("{what} panicked"))
}

fn presence(place: &Place, event: Moved) -> Encoded {
    frames::presence(&Presence {
        event,
        user: place.member.user(),
        seat: place.member.seat(),
        role: place.member.role(),
        name: place.member.name(),
    })
}

fn welcome(table: &Table, place: &Place) -> Encoded {
    frames::welcome(&Welcome {
        protocol: PROTOCOL,
        game: table.identity.game,
        room: table.identity.room.as_str(),
        user: place.member.user(),
        session: place.session.as_str(),
        role: place.member.role(),
        seat: place.member.seat(),
        epoch: &table.identity.epoch,
        resumed: false,
        acked: 0,
        members: table.roster.places().map(Place::info).collect(),
    })
}
