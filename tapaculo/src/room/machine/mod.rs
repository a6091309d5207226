//! The core: one input and its time become effects; it calls the game and decides who is told
//! what.

mod calls;
mod greeting;
mod members;
mod time;

use self::{
    calls::{Call, Failed},
    time::Ticks,
};
use super::{
    answers::{Answers, Known, Ticket},
    contain::{Alarm, contain, contain_now},
    effects::{Delivery, Effects},
};
use crate::{
    clock::Timestamp,
    game::{
        Aside, Connection, Game, Identity, Newcomer, Options, Post, Posts, Refusal, Room, Settled,
        Table,
    },
    ids::UserId,
    protocol::{Ack, Author, Close, ErrorCode, Goodbye, Moved, frames},
};
use std::{collections::VecDeque, sync::Arc};

/// What can happen to a room.
pub(crate) enum Input<M> {
    /// A connection asks for a place.
    Join {
        connection: Connection,
        newcomer: Newcomer,
        options: Options,
    },
    /// A member's connection sent a message to the game.
    Message {
        connection: Connection,
        /// Of a message that is to be answered.
        ticket: Option<Ticket>,
        message: Result<M, Unfit>,
    },
    /// A connection is gone.
    Leave(Connection, Departure),
    /// The moment that [`Machine::deadline`] named has come.
    Due,
    /// Code outside the room asks something of it.
    Post(Post),
    /// Everyone is to be sent away.
    Close(Close),
}

/// Why a message can't be given to the game.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) code: ErrorCode,
    pub(crate) words: String,
}

/// How a connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It said goodbye: its member gives up the place.
    GaveUp,
    /// It is gone; its member may come back.
    Dropped,
}

/// A room: the state of the game, who is there, and what was said.
pub(crate) struct Machine<G> {
    /// `None` until the first join makes it.
    game: Option<G>,
    room: Room<G>,
    answers: Answers,
    alarm: Arc<dyn Alarm>,
    /// While somebody is connected to a game that ticks.
    ticks: Option<Ticks>,
    /// Since when nobody is here.
    empty_since: Option<Timestamp>,
    /// Whom handlers have sent away, which happens once they are answered.
    kicked: VecDeque<(UserId, Arc<str>)>,
    /// Whether a handler has closed the room, and its words.
    closing: Option<Arc<str>>,
    /// Nothing can happen here any more.
    over: bool,
}

/// The game failed in a way that it can't go on from.
struct Fatal;

impl<G: Game> Machine<G> {
    pub(crate) fn new(
        identity: Identity,
        seed: [u8; 32],
        now: Timestamp,
        posts: Arc<Posts>,
        alarm: Arc<dyn Alarm>,
    ) -> Self {
        Self {
            game: None,
            room: Room::new(Table::new(identity, seed, now, posts)),
            answers: Answers::default(),
            alarm,
            ticks: None,
            empty_since: Some(now),
            kicked: VecDeque::new(),
            closing: None,
            over: false,
        }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.room.table
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
        let table = &mut self.room.table;
        // A game that can't even be dropped is gone all the same. Each part by itself: a second
        // panic while a first one unwinds would end the process.
        let mut dropped = contain_now(|| table.discard());
        while let Some(timer) = table.timers.pop() {
            dropped = dropped.and(contain_now(|| drop(timer)));
        }
        while let Some(post) = table.posts.close() {
            dropped = dropped.and(contain_now(|| drop(post)));
        }
        let game = self.game.take();
        dropped = dropped.and(contain_now(|| drop(game)));
        if let Err(failure) = dropped {
            tracing::error!(room = %self.table().identity.room, "dropping the game {failure}");
        }
    }

    /// Handles one input.
    pub(super) async fn step(&mut self, input: Input<G::Message>, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        if self.over {
            return effects;
        }
        self.room.table.now = now;
        let mut outcome = self.handle(input, &mut effects).await;
        if outcome.is_ok() {
            outcome = self.follow_up(&mut effects).await;
        }
        if outcome.is_err() {
            self.say(&mut effects, Delivery::CloseAll(Close::Internal.into()));
            self.abandon();
        }
        self.keep_time(now);
        effects
    }

    async fn handle(
        &mut self,
        input: Input<G::Message>,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        match input {
            Input::Join {
                connection,
                newcomer,
                options,
            } => self.join(connection, newcomer, &options, effects).await,
            Input::Message {
                connection,
                ticket,
                message,
            } => self.message(connection, ticket, message, effects).await,
            Input::Leave(connection, departure) => self.leave(connection, departure, effects).await,
            Input::Due => self.due(effects).await,
            Input::Post(post) => self.post(post, effects).await,
            Input::Close(close) => {
                self.say(effects, Delivery::CloseAll(close.into()));
                self.abandon();
                Ok(())
            }
        }
    }

    /// Does what handlers have asked for that comes after their answer.
    async fn follow_up(&mut self, effects: &mut Effects) -> Result<(), Fatal> {
        while let Some((user, words)) = self.kicked.pop_front() {
            let Some(place) = self.room.table.roster.remove_user(&user) else {
                continue;
            };
            if let Some(connection) = place.connection {
                let goodbye = Goodbye::new(Close::Kicked, words);
                self.say(effects, Delivery::Close(connection, goodbye));
            }
            self.given_up(&place, effects).await?;
        }
        if let Some(words) = self.closing.take() {
            let goodbye = Goodbye::new(Close::RoomClosed, words);
            self.say(effects, Delivery::CloseAll(goodbye));
            self.abandon();
        }
        Ok(())
    }

    async fn message(
        &mut self,
        connection: Connection,
        ticket: Option<Ticket>,
        message: Result<G::Message, Unfit>,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let Some(place) = self.room.table.roster.by_connection(connection) else {
            return Ok(()); // it was replaced, or sent away, while the message waited
        };
        let (member, session) = (place.member.clone(), place.session.clone());
        let id = ticket.map(|ticket| ticket.id);
        let refusal = |code, words| frames::error(code, words, id);
        if let Some(ticket) = ticket {
            let answer = match self.answers.look_up(member.user(), &session, ticket) {
                Known::New => None,
                Known::Answered(answer) => Some(answer),
                Known::Conflict => {
                    let words = "this id was used for another message: use a higher one";
                    Some(refusal(ErrorCode::Conflict, words))
                }
                Known::Stale => {
                    let words = "this id is too old: its answer is not kept any more";
                    Some(refusal(ErrorCode::StaleId, words))
                }
            };
            if let Some(answer) = answer {
                self.say(effects, Delivery::Tell(connection, answer));
                return Ok(());
            }
        }
        let (answer, outcome) = match message {
            Err(unfit) => (Some(refusal(unfit.code, &unfit.words)), Ok(())),
            Ok(message) => match self.call(Call::Message(&member, message), effects).await {
                Ok(reply) => {
                    let ack = id.map(|ack| Ack {
                        ack,
                        seq: self.room.table.last,
                        reply: reply.as_deref(),
                    });
                    (ack.as_ref().map(frames::ack), Ok(()))
                }
                Err(failed) => {
                    let (code, words) = self.in_words(&failed.refusal);
                    (Some(refusal(code, words)), failed.or_go_on())
                }
            },
        };
        if let Some(answer) = answer {
            if let Some(ticket) = ticket {
                let whose = (member.user(), &session);
                let kept = (ticket, answer.clone());
                self.answers.keep(whose, kept, &self.room.table.roster);
            }
            self.say(effects, Delivery::Tell(connection, answer));
        }
        outcome
    }

    async fn post(&mut self, post: Post, effects: &mut Effects) -> Result<(), Fatal> {
        match post {
            Post::Say(audience, data) => {
                let table = &mut self.room.table;
                table.begin(Author::Server);
                table.stage(audience, Ok(data));
                if let Ok(settled) = table.settle() {
                    self.accept(settled, effects);
                }
            }
            Post::Fire(timer) => self.fire(timer, effects).await?,
            Post::Kick(user, words) => self.kicked.push_back((user, words)),
            Post::Close(words) => self.closing = Some(words),
        }
        Ok(())
    }

    /// Takes over what a handler that succeeded has said and asked for.
    fn accept(&mut self, settled: Settled, effects: &mut Effects) {
        effects.events.extend(settled.events);
        for user in settled.changed {
            self.announce(&user, Moved::Changed, effects);
        }
        for (after, aside) in settled.asides {
            match aside {
                Aside::Volatile(frame) => {
                    let delivery = Delivery::Volatile(frame);
                    effects.deliveries.push((after, delivery));
                }
                Aside::Redact(seq) => {
                    effects.redacted.push(seq);
                    let frame = frames::redacted(seq);
                    let delivery = Delivery::TellMembers { but: None, frame };
                    effects.deliveries.push((after, delivery));
                }
                Aside::Kick(user, words) => self.kicked.push_back((user, words)),
                Aside::Close(words) => self.closing = Some(words),
            }
        }
    }

    /// What a refusal is for the one who is refused.
    fn in_words<'a>(&self, refusal: &'a Refusal) -> (ErrorCode, &'a str) {
        match refusal {
            Refusal::Rejected(words) => (ErrorCode::Rejected, words.as_str()),
            Refusal::Spectator => (ErrorCode::Spectator, refusal.why()),
            Refusal::Internal(why) => {
                tracing::error!(room = %self.table().identity.room, why, "the game failed");
                (ErrorCode::Internal, "the game failed")
            }
        }
    }

    /// Adds a delivery, after the events so far.
    fn say(&self, effects: &mut Effects, delivery: Delivery) {
        effects.deliveries.push((self.room.table.last, delivery));
    }
}

impl Failed {
    /// Whether the room can go on, as a result.
    fn or_go_on(self) -> Result<(), Fatal> {
        if self.fatal { Err(Fatal) } else { Ok(()) }
    }
}
