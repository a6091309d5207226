//! What is left to do of an input: the calls into the game that it brings, and what comes after each.
//!
//! Most games finish all of it at once. A handler of closures goes on beside the room, which others
//! may speak to meanwhile; the agenda waits for it, and no other input begins before.

use super::{
    super::contain::Failure, Call, Called, Delivery, Effects, End, Failed, Fatal, Machine,
    greeting::Greeting,
};
use crate::{
    game::{Answer, Connection, Game, Member, Place, Refusal, Reply},
    ids::UserId,
    metrics::{Begun, Handler},
    protocol::{Ack, Close, Encoded, Goodbye, Moved, Seq, frames},
    room::Ticket,
};
use std::sync::Arc;

/// One thing to be done.
pub(super) enum Step<G: Game> {
    /// The game is called, and then that is done with what comes of it.
    Call(Call<G>, Then),
    /// A connection is let in.
    Greet(Greeting),
    /// Somebody has gone: was it the last one?
    LookRound,
    /// A member is sent away.
    Kick(UserId, Arc<str>),
    /// Everyone is sent away.
    Close(Arc<str>),
}

/// What a call is made for.
pub(super) enum Then {
    /// The sender of a message is answered.
    Answer(Asked),
    /// A player who asked for a seat keeps it, or is refused.
    Admit(Candidate),
    /// Nobody asked.
    Nothing,
}

/// A message that is to be answered.
pub(super) struct Asked {
    pub(super) connection: Connection,
    pub(super) member: Member,
    pub(super) ticket: Option<Ticket>,
}

/// A player on a seat that the game may still refuse.
pub(super) struct Candidate {
    pub(super) greeting: Greeting,
    /// How many deliveries there were before the others were to be told.
    pub(super) untold: usize,
    /// The place from which it watched until now.
    pub(super) given_up: Option<Place>,
}

/// A call whose rest runs beside the room.
pub(super) struct Waiting {
    name: &'static str,
    then: Then,
    handler: Handler,
    begun: Begun,
}

impl Waiting {
    /// What was said after that is for a newcomer's greeting.
    pub(super) fn untold(&self) -> Option<Seq> {
        match &self.then {
            Then::Admit(candidate) => Some(candidate.greeting.since),
            Then::Answer(_) | Then::Nothing => None,
        }
    }
}

impl<G: Game> Machine<G> {
    /// Does what is on the agenda, up to a call that does not come to its end here.
    pub(super) async fn work(&mut self, effects: &mut Effects) -> Result<(), Fatal> {
        while self.waiting.is_none()
            && let Some(step) = self.agenda.pop_front()
        {
            match step {
                Step::Call(call, then) => {
                    let (name, handler, begun) = (call.name(), call.handler(), Begun::now());
                    let called = self.call(call, effects).await;
                    if !matches!(called, Ok(Called::Goes(_))) {
                        self.meter.handled(handler, begun);
                    }
                    match called {
                        Ok(Called::Goes(rest)) => {
                            self.rest = Some(rest);
                            self.waiting = Some(Waiting {
                                name,
                                then,
                                handler,
                                begun,
                            });
                        }
                        Ok(Called::Done(reply)) => self.conclude(name, then, Ok(reply), effects)?,
                        Err(failed) => self.conclude(name, then, Err(failed), effects)?,
                    }
                }
                Step::Greet(greeting) => self.let_in(greeting, effects)?,
                Step::LookRound => {
                    if self.room.table.roster.is_empty() {
                        self.next(Step::Call(Call::Empty, Then::Nothing));
                    }
                }
                Step::Kick(user, words) => self.kick(&user, words, effects),
                Step::Close(words) => {
                    let goodbye = Goodbye::new(Close::RoomClosed, words);
                    self.say(effects, Delivery::CloseAll(goodbye));
                    self.abandon(End::ForGood);
                }
            }
        }
        Ok(())
    }

    /// Puts a step before all others.
    pub(super) fn next(&mut self, step: Step<G>) {
        self.agenda.push_front(step);
    }

    /// What was left of a call is over.
    pub(super) fn resume(
        &mut self,
        outcome: Result<Answer, Failure>,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let Some(waiting) = self.waiting.take() else {
            return Ok(());
        };
        let Waiting {
            name,
            then,
            handler,
            begun,
        } = waiting;
        self.meter.handled(handler, begun);
        let answer = outcome.unwrap_or_else(|failure| {
            let why = format!("{name} {failure}");
            Err(Refusal::Internal(why))
        });
        // It ran beside the state of the room, which is as it was.
        let result = answer.map_err(|refusal| Failed {
            refusal,
            fatal: false,
        });
        match (then, result) {
            // The others were told long ago.
            (Then::Admit(candidate), Err(failed)) => {
                self.report(name, &failed, effects);
                self.conclude(name, Then::Admit(candidate), Ok(None), effects)
            }
            (then, result) => self.conclude(name, then, result, effects),
        }
    }

    fn conclude(
        &mut self,
        name: &'static str,
        then: Then,
        result: Result<Option<Reply>, Failed>,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        match then {
            Then::Answer(asked) => self.report_to_sender(asked, result, effects),
            Then::Admit(candidate) => self.admit(candidate, result, effects),
            Then::Nothing => match result {
                Ok(_) => Ok(()),
                Err(failed) => {
                    self.report(name, &failed, effects);
                    failed.or_go_on()
                }
            },
        }
    }

    /// What a handler's sender is told of it, where that is asked for, or was refused.
    fn report_to_sender(
        &mut self,
        asked: Asked,
        result: Result<Option<Reply>, Failed>,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let id = asked.ticket.map(|ticket| ticket.id);
        match result {
            Ok(reply) => {
                if let Some(ack) = id {
                    let answer = frames::ack(&Ack {
                        ack,
                        seq: self.room.table.last,
                        reply: reply.as_deref(),
                    });
                    self.answer(&asked, answer, effects);
                }
                Ok(())
            }
            Err(failed) => {
                let (code, words) = self.in_words(&failed.refusal);
                self.answer(&asked, frames::error(code, words, id), effects);
                failed.or_go_on()
            }
        }
    }

    /// Answers a message, and remembers the answer.
    pub(super) fn answer(&mut self, asked: &Asked, answer: Encoded, effects: &mut Effects) {
        if let Some(ticket) = asked.ticket {
            let whose = (asked.member.user(), asked.member.session());
            let kept = (ticket, answer.clone());
            self.answers.keep(whose, kept, &self.room.table.roster);
        }
        self.say(effects, Delivery::Tell(asked.connection, answer));
    }

    /// Lets a player keep the seat that it has been given, unless the game refused.
    fn admit(
        &mut self,
        candidate: Candidate,
        result: Result<Option<Reply>, Failed>,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let Candidate {
            greeting,
            untold,
            given_up,
        } = candidate;
        let Err(failed) = result else {
            self.next(Step::Greet(greeting));
            let table = &self.room.table;
            if table.roster.is_full(&table.identity.settings) {
                self.next(Step::Call(Call::Full, Then::Nothing));
            }
            return Ok(());
        };
        // Nobody has heard of it: the announcement has not left the room.
        effects.deliveries.truncate(untold);
        self.room.table.roster.remove(greeting.connection);
        if let Some(place) = given_up {
            self.announce_of(&place, Moved::Left, effects);
        }
        self.turn_away(greeting.connection, &failed.refusal, effects);
        failed.or_go_on()
    }

    /// Takes note of a hook that failed, with nobody to tell it to.
    fn report(&self, hook: &'static str, failed: &Failed, effects: &mut Effects) {
        let (room, why) = (&self.table().identity.room, failed.refusal.why());
        match failed.refusal {
            Refusal::Internal(_) => tracing::error!(%room, hook, why, "a hook failed"),
            _ => tracing::warn!(%room, hook, why, "a hook refused"),
        }
        effects.failures.push(format!("{hook}: {why}"));
    }

    fn kick(&mut self, user: &UserId, words: Arc<str>, effects: &mut Effects) {
        let Some(place) = self.room.table.roster.remove_user(user) else {
            return;
        };
        if let Some(connection) = place.connection {
            let goodbye = Goodbye::new(Close::Kicked, words);
            self.say(effects, Delivery::Close(connection, goodbye));
        }
        self.given_up(&place, effects);
    }
}

impl Failed {
    /// Whether the room can go on, as a result.
    pub(super) fn or_go_on(self) -> Result<(), Fatal> {
        if self.fatal { Err(Fatal) } else { Ok(()) }
    }
}
