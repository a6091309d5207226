//! The core: one input and its time become effects; it calls the game and decides who is told
//! what.

mod agenda;
mod calls;
mod greeting;
mod members;
mod record;
mod time;

pub(crate) use self::record::{Changes, Unreadable, past};

use self::{
    agenda::{Asked, Step, Then, Waiting},
    calls::{Call, Called, Failed},
    record::SavedGame,
    time::Ticks,
};
use super::{
    answers::{Answers, Known, Ticket},
    contain::{Alarm, Failure, contain, contain_now},
    effects::{Delivery, Effects},
};
use crate::{
    clock::Timestamp,
    game::{
        Answer, Aside, Connection, Game, Identity, Newcomer, Options, Post, Posts, Refusal, Rest,
        Room, Settled, Table,
    },
    ids::{SessionId, UserId},
    log::Entry,
    metrics::{GameMeter, OpenRoom},
    protocol::{Author, Close, ErrorCode, Moved, Seq, frames},
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
    /// What was left of a call is over: the one input, besides posts, that may come while the room
    /// waits for it.
    Returned(Result<Answer, Failure>),
    /// Everyone is to be sent away.
    Close(Close),
    /// Of members whose connections are missing, these live.
    Found(Vec<Found>),
    /// The missing connection of a member is taken for lost.
    Mourn(UserId),
}

/// A member's connection that has been found again after the room was gone on with elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    /// When it came in: the newest of a session is the one that has the place.
    pub(crate) came: Timestamp,
    pub(crate) connection: Connection,
}

/// How a room has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// For good: what was kept of it goes, too.
    ForGood,
    /// Here: what is kept of it can be gone on with.
    Here,
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
pub(crate) struct Machine<G: Game> {
    /// `None` until the first join makes it.
    game: Option<G>,
    room: Room<G>,
    answers: Answers,
    alarm: Arc<dyn Alarm>,
    meter: GameMeter,
    /// Counts it among the rooms that there are.
    counted: Option<OpenRoom>,
    /// While somebody is connected to a game that ticks.
    ticks: Option<Ticks>,
    /// Since when nobody is here.
    empty_since: Option<Timestamp>,
    /// What is left to do of the input in hand.
    agenda: VecDeque<Step<G>>,
    /// The call that the agenda waits for.
    waiting: Option<Waiting>,
    /// What is left of that call, until somebody takes it to run it.
    rest: Option<Rest>,
    /// The state after the last call that succeeded, as it is saved; where the game saves it.
    saved: Option<SavedGame>,
    /// What is changed is to be kept outside.
    is_kept: bool,
    /// Until when missing connections may be found.
    missing_until: Option<Timestamp>,
    /// Nothing can happen here any more.
    end: Option<End>,
    /// Nothing of it is left; one that has ended is still whole until it is saved.
    is_abandoned: bool,
}

/// The game failed in a way that it can't go on from.
struct Fatal;

impl<G: Game> Machine<G> {
    /// A room that nobody is in yet. A game that is not given is made by the first who joins.
    pub(crate) fn new(
        identity: Identity,
        game: Option<G>,
        seed: [u8; 32],
        now: Timestamp,
        posts: Arc<Posts>,
        alarm: Arc<dyn Alarm>,
        is_kept: bool,
    ) -> Self {
        let meter = GameMeter::of(identity.game);
        let counted = GameMeter::of(identity.game).room();
        let table = Table::new(identity, seed, now, posts);
        let mut answers = Answers::default();
        if is_kept {
            table.log.track();
            answers.track();
        }
        Self {
            counted: Some(counted),
            meter,
            game,
            room: Room::new(table),
            answers,
            alarm,
            ticks: None,
            empty_since: Some(now),
            agenda: VecDeque::new(),
            waiting: None,
            rest: None,
            saved: None,
            is_kept,
            missing_until: None,
            end: None,
            is_abandoned: false,
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
        self.end.is_some()
    }

    /// Whether what is changed is kept outside.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// How it has come to its end, if it has.
    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether what is left of a call runs beside the room.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// From where on nothing said may be forgotten: somebody is being let in who has yet to be told.
    pub(crate) fn untold(&self) -> Option<Seq> {
        self.waiting.as_ref().and_then(Waiting::untold)
    }

    /// Lets go of all that the room holds: it is over, and nothing more of it is told or saved.
    pub(super) fn abandon(&mut self, end: End) {
        self.end.get_or_insert(end);
        if std::mem::replace(&mut self.is_abandoned, true) {
            return;
        }
        self.counted = None;
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
        self.waiting = None;
        while let Some(step) = self.agenda.pop_front() {
            dropped = dropped.and(contain_now(|| drop(step)));
        }
        let (rest, game) = (self.rest.take(), self.game.take());
        dropped = dropped.and(contain_now(|| drop(rest)));
        dropped = dropped.and(contain_now(|| drop(game)));
        if let Err(failure) = dropped {
            tracing::error!(room = %self.table().identity.room, "dropping the game {failure}");
        }
    }

    /// Handles one input.
    pub(super) async fn step(&mut self, input: Input<G::Message>, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        if self.is_over() {
            return effects;
        }
        // Another node's clock may have been ahead of this one's.
        let now = now.max(self.room.table.now);
        self.room.table.now = now;
        let mut outcome = self.handle(input, &mut effects).await;
        if outcome.is_ok() && !self.is_over() {
            outcome = self.work(&mut effects).await;
        }
        if outcome.is_err() {
            self.say(&mut effects, Delivery::CloseAll(Close::Internal.into()));
            self.abandon(End::ForGood);
        }
        self.keep_time(now);
        effects
    }

    /// What is left of the call in hand, to be run beside the room; its outcome is the next input.
    pub(crate) fn take_rest(&mut self) -> Option<Rest> {
        self.rest.take()
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
            } => return self.join(connection, newcomer, &options, effects).await,
            Input::Message {
                connection,
                ticket,
                message,
            } => return self.message(connection, ticket, message, effects),
            Input::Leave(connection, departure) => self.leave(connection, departure, effects),
            Input::Due => self.due(effects),
            Input::Post(post) => self.post(post, effects),
            Input::Returned(outcome) => return self.resume(outcome, effects),
            Input::Close(close) => {
                self.say(effects, Delivery::CloseAll(close.into()));
                // It is let go once it is saved: the store may have to be told all of it.
                self.end = Some(End::Here);
            }
            Input::Found(found) => self.found(found, effects),
            Input::Mourn(user) => self.mourn(&user, effects),
        }
        Ok(())
    }

    fn message(
        &mut self,
        connection: Connection,
        ticket: Option<Ticket>,
        message: Result<G::Message, Unfit>,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let Some(place) = self.room.table.roster.by_connection(connection) else {
            return Ok(()); // it was replaced, or sent away, while the message waited
        };
        let member = place.member.clone();
        if let Some(ticket) = ticket {
            let answer = match self
                .answers
                .look_up(member.user(), member.session(), ticket)
            {
                Known::New => None,
                Known::Answered(answer) => Some(answer),
                Known::Conflict => {
                    let words = "this id was used for another message: use a higher one";
                    Some(frames::error(ErrorCode::Conflict, words, Some(ticket.id)))
                }
                Known::Stale => {
                    let words = "this id is too old: its answer is not kept any more";
                    Some(frames::error(ErrorCode::StaleId, words, Some(ticket.id)))
                }
            };
            if let Some(answer) = answer {
                self.say(effects, Delivery::Tell(connection, answer));
                return Ok(());
            }
        }
        let asked = Asked {
            connection,
            member: member.clone(),
            ticket,
        };
        match message {
            Ok(message) => {
                self.next(Step::Call(
                    Call::Message(member, message),
                    Then::Answer(asked),
                ));
            }
            Err(Unfit { code, words }) => {
                let id = ticket.map(|ticket| ticket.id);
                self.answer(&asked, frames::error(code, &words, id), effects);
            }
        }
        Ok(())
    }

    fn post(&mut self, post: Post, effects: &mut Effects) {
        match post {
            Post::Say(author, audience, data) => {
                let table = &mut self.room.table;
                table.begin(author);
                table.stage(audience, Ok(data));
                self.accept_post(effects);
            }
            Post::Volatile(author, data) => {
                let table = &mut self.room.table;
                table.begin(author);
                table.stage_volatile(Ok(data));
                self.accept_post(effects);
            }
            Post::Describe(user, metadata) => {
                let table = &mut self.room.table;
                table.begin(Author::Server);
                table.stage_metadata(user, Some(metadata));
                self.accept_post(effects);
            }
            Post::Fire(timer) => self.fire(timer),
            Post::Kick(user, words) => self.agenda.push_back(Step::Kick(user, words)),
            Post::Close(words) => self.agenda.push_back(Step::Close(words)),
        }
    }

    fn accept_post(&mut self, effects: &mut Effects) {
        if let Ok(settled) = self.room.table.settle() {
            self.accept(settled, effects);
        }
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
                Aside::Kick(user, words) => {
                    self.agenda.push_back(Step::Kick(user, words));
                }
                Aside::Close(words) => self.agenda.push_back(Step::Close(words)),
            }
        }
    }

    /// What a refusal is for the one who is refused.
    fn in_words<'a>(&self, refusal: &'a Refusal) -> (ErrorCode, &'a str) {
        match refusal {
            Refusal::Rejected(words) => (ErrorCode::Rejected, words.as_str()),
            Refusal::Spectator => (ErrorCode::Spectator, refusal.why()),
            Refusal::BadMessage(words) => (ErrorCode::BadMessage, words.as_str()),
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
