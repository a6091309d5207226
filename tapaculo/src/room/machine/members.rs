//! Who comes and who goes: places given, held, taken over and given up.

use super::{
    Call, Delivery, Departure, Effects, End, Fatal, Found, Machine, Step, Then, agenda::Candidate,
    contain, greeting::Greeting,
};
use crate::{
    game::{
        Connection, Game, Identity, Newcomer, Options, Place, Refusal, SeatError, Table, TakenOver,
    },
    ids::{Role, UserId},
    metrics::{Begun, Handler},
    protocol::{Close, Encoded, ErrorCode, Moved, Presence, frames},
};

impl<G: Game> Machine<G> {
    pub(super) async fn join(
        &mut self,
        connection: Connection,
        newcomer: Newcomer,
        options: &Options,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        if self.game.is_none() && !self.create(connection, options, effects).await? {
            return Ok(());
        }
        let table = &mut self.room.table;
        let place = table.roster.by_user(&newcomer.user);
        let plays = place.is_some_and(|place| place.member.role() == Role::Player);
        if plays && newcomer.role == Role::Spectator {
            let words = "you play in this room, and this token is only for watching".to_owned();
            self.turn_away(connection, &Refusal::Rejected(words), effects);
            return Ok(());
        }
        // A place to watch from is given up for a seat; that it has one is all that others are told.
        let given_up = match self.may_sit_down(&newcomer, connection) {
            true => self.room.table.roster.remove_user(&newcomer.user),
            false => None,
        };
        if let Some(old) = given_up.as_ref().and_then(|place| place.connection) {
            self.say(effects, Delivery::Close(old, Close::Replaced.into()));
        }
        let table = &mut self.room.table;
        if let Some(taken) = table.take_over(&newcomer, connection) {
            self.come_back(connection, taken, newcomer, effects);
            return Ok(());
        }
        let user = newcomer.user.clone();
        match table.admit(newcomer, connection) {
            Ok(()) => {}
            Err(SeatError::Full) => {
                let error = frames::error(ErrorCode::RoomFull, "no seat is free", None);
                self.say(effects, Delivery::Tell(connection, error));
                self.say(effects, Delivery::Close(connection, Close::Refused.into()));
                return Ok(());
            }
            Err(SeatError::NoSpectators) => {
                let words = "this game has no spectators".to_owned();
                self.turn_away(connection, &Refusal::Rejected(words), effects);
                return Ok(());
            }
        }
        let untold = effects.deliveries.len();
        self.announce(&user, Moved::Joined, effects);
        let greeting = Greeting {
            connection,
            position: None,
            since: self.room.table.last,
            is_new: true,
        };
        let place = self.room.table.roster.by_connection(connection);
        self.next(match place.and_then(|place| place.member.player()) {
            Some(player) => {
                let candidate = Candidate {
                    greeting,
                    untold,
                    given_up,
                };
                Step::Call(Call::Join(player), Then::Admit(candidate))
            }
            None => Step::Greet(greeting),
        });
        Ok(())
    }

    /// Whether somebody who watches has come anew to play, and there is a seat.
    fn may_sit_down(&self, newcomer: &Newcomer, connection: Connection) -> bool {
        let Table {
            roster, identity, ..
        } = self.table();
        let place = roster.by_user(&newcomer.user);
        let watches = place.is_some_and(|place| {
            let is_newer = place.is_newer(newcomer.came, connection);
            !is_newer && place.member.role() == Role::Spectator
        });
        let comes_anew = newcomer.role == Role::Player && newcomer.position.is_none();
        watches && comes_anew && roster.has_free_seat(&identity.settings)
    }

    /// Makes the game; answers whether there is one.
    async fn create(
        &mut self,
        connection: Connection,
        options: &Options,
        effects: &mut Effects,
    ) -> Result<bool, Fatal> {
        let Identity { room, settings, .. } = &self.room.table.identity;
        let creating = G::create(room, options);
        let begun = Begun::now();
        let created = contain(creating, &*self.alarm, settings.handler_timeout).await;
        self.meter.handled(Handler::Hook, begun);
        match created {
            Ok(Ok(game)) => match self.save(&game) {
                Ok(saved) => {
                    self.saved = saved;
                    self.game = Some(game);
                    Ok(true)
                }
                Err(refusal) => {
                    self.turn_away(connection, &refusal, effects);
                    Err(Fatal)
                }
            },
            Ok(Err(refusal)) => {
                self.turn_away(connection, &refusal, effects);
                self.abandon(End::ForGood);
                Ok(false)
            }
            Err(failure) => {
                let refusal = Refusal::Internal(format!("create {failure}"));
                self.turn_away(connection, &refusal, effects);
                Err(Fatal)
            }
        }
    }

    /// A member is back, on a new connection.
    fn come_back(
        &mut self,
        connection: Connection,
        taken: TakenOver,
        newcomer: Newcomer,
        effects: &mut Effects,
    ) {
        let Newcomer { user, position, .. } = newcomer;
        if taken == TakenOver::Not {
            let place = self.room.table.roster.by_user(&user);
            let close = match place.and_then(|place| place.connection) {
                Some(_) => Close::Replaced,
                // It may be that one's clock that is wrong: if it is not found, this one may come again.
                None => Close::Moved,
            };
            self.say(effects, Delivery::Close(connection, close.into()));
            return;
        }
        self.next(Step::Greet(Greeting {
            connection,
            position,
            since: self.room.table.last,
            is_new: false,
        }));
        if let TakenOver::From(old) = taken {
            self.say(effects, Delivery::Close(old, Close::Replaced.into()));
            return;
        }
        self.announce(&user, Moved::Reconnected, effects);
        let place = self.room.table.roster.by_connection(connection);
        if let Some(player) = place.and_then(|place| place.member.player()) {
            self.next(Step::Call(Call::Reconnect(player), Then::Nothing));
        }
    }

    pub(super) fn leave(
        &mut self,
        connection: Connection,
        departure: Departure,
        effects: &mut Effects,
    ) {
        let Table {
            roster,
            identity,
            now,
            ..
        } = &mut self.room.table;
        let reconnect = identity.settings.reconnect;
        if departure == Departure::GaveUp || reconnect.is_zero() {
            // A newer connection may have the place.
            if let Some(place) = roster.remove(connection) {
                self.given_up(&place, effects);
            }
            return;
        }
        let Some(place) = roster.hold(connection, *now + reconnect) else {
            return;
        };
        let (user, player) = (place.member.user().clone(), place.member.player());
        self.announce(&user, Moved::Disconnected, effects);
        if let Some(player) = player {
            self.next(Step::Call(Call::Disconnect(player), Then::Nothing));
        }
    }

    /// Connections that were missing live: their members never noticed anything.
    pub(super) fn found(&mut self, found: Vec<Found>, effects: &mut Effects) {
        for Found {
            user,
            session,
            came,
            connection,
        } in found
        {
            let roster = &mut self.room.table.roster;
            if !roster.found(&user, &session, came, connection) {
                // A newer one has the place, or it was given up.
                let close = match roster.by_user(&user) {
                    Some(place) if place.connection.is_some() || place.came_after(came) => {
                        Close::Replaced
                    }
                    _ => Close::Moved,
                };
                self.say(effects, Delivery::Close(connection, close.into()));
            }
        }
    }

    /// Nobody has found a member's connection: it is lost.
    pub(super) fn mourn(&mut self, user: &UserId, effects: &mut Effects) {
        if self.room.table.roster.mourn(user, Connection::GONE) {
            self.leave(Connection::GONE, Departure::Dropped, effects);
        }
    }

    /// A place is nobody's any more.
    pub(super) fn given_up(&mut self, place: &Place, effects: &mut Effects) {
        self.announce_of(place, Moved::Left, effects);
        self.next(Step::LookRound);
        if let Some(player) = place.member.player() {
            self.next(Step::Call(Call::Leave(player), Then::Nothing));
        }
    }

    /// Tells everyone what has happened to a member that is none any more.
    pub(super) fn announce_of(&self, place: &Place, moved: Moved, effects: &mut Effects) {
        let frame = presence(self.table(), place, moved);
        self.say(effects, Delivery::TellMembers { but: None, frame });
    }

    /// Tells the others what has happened to a member.
    pub(super) fn announce(&self, user: &UserId, moved: Moved, effects: &mut Effects) {
        let table = self.table();
        if let Some(place) = table.roster.by_user(user) {
            let frame = presence(table, place, moved);
            let but = place.connection.filter(|_| moved != Moved::Changed);
            self.say(effects, Delivery::TellMembers { but, frame });
        }
    }

    /// Refuses a newcomer.
    pub(super) fn turn_away(
        &self,
        connection: Connection,
        refusal: &Refusal,
        effects: &mut Effects,
    ) {
        let close = match refusal {
            Refusal::Internal(_) => Close::Internal,
            Refusal::Rejected(_) | Refusal::Spectator | Refusal::BadMessage(_) => Close::Refused,
        };
        let (code, words) = self.in_words(refusal);
        let error = frames::error(code, words, None);
        self.say(effects, Delivery::Tell(connection, error));
        self.say(effects, Delivery::Close(connection, close.into()));
    }
}

fn presence(table: &Table, place: &Place, event: Moved) -> Encoded {
    let user = place.member.user();
    frames::presence(&Presence {
        event,
        user,
        seat: place.member.seat(),
        role: place.member.role(),
        name: place.member.name(),
        avatar: avatar(table, user),
    })
}

/// The picture that the game has set for a user.
pub(super) fn avatar<'a>(table: &'a Table, user: &UserId) -> Option<&'a str> {
    table.metadata(user)?.avatar.as_deref()
}
