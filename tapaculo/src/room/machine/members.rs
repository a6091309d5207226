//! Who comes and who goes: places given, held, taken over and given up.

use super::{Call, Delivery, Departure, Effects, Fatal, Machine, contain};
use crate::{
    game::{
        Connection, Game, Identity, Newcomer, Options, Place, Refusal, SeatError, Table, TakenOver,
    },
    ids::{Role, UserId},
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
            return self.come_back(connection, taken, &newcomer, effects).await;
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
        let place = self.room.table.roster.by_connection(connection);
        if let Some(player) = place.and_then(|place| place.member.player()) {
            if let Err(failed) = self.call(Call::Join(&player), effects).await {
                // Nobody has heard of it: the announcement has not left the room.
                effects.deliveries.truncate(untold);
                self.room.table.roster.remove(connection);
                if let Some(place) = given_up {
                    let frame = presence(self.table(), &place, Moved::Left);
                    self.say(effects, Delivery::TellMembers { but: None, frame });
                }
                self.turn_away(connection, &failed.refusal, effects);
                return failed.or_go_on();
            }
            let table = &self.room.table;
            if table.roster.is_full(&table.identity.settings) {
                self.report(Call::Full, effects).await?;
            }
        }
        let Err(failed) = self.greet(connection, None, effects) else {
            return Ok(());
        };
        self.turn_away(connection, &failed.refusal, effects);
        failed.or_go_on()?;
        match self.room.table.roster.remove(connection) {
            Some(place) => self.given_up(&place, effects).await,
            None => Ok(()),
        }
    }

    /// Whether somebody who watches has come anew to play, and there is a seat.
    fn may_sit_down(&self, newcomer: &Newcomer, connection: Connection) -> bool {
        let Table {
            roster, identity, ..
        } = self.table();
        let place = roster.by_user(&newcomer.user);
        let watches = place.is_some_and(|place| {
            let is_older = place.connection.is_none_or(|other| other < connection);
            is_older && place.member.role() == Role::Spectator
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
        match contain(creating, &*self.alarm, settings.handler_timeout).await {
            Ok(Ok(game)) => {
                self.game = Some(game);
                Ok(true)
            }
            Ok(Err(refusal)) => {
                self.turn_away(connection, &refusal, effects);
                self.abandon();
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
    async fn come_back(
        &mut self,
        connection: Connection,
        taken: TakenOver,
        newcomer: &Newcomer,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let Newcomer { user, position, .. } = newcomer;
        match taken {
            TakenOver::Not => {
                self.say(effects, Delivery::Close(connection, Close::Replaced.into()));
                return Ok(());
            }
            TakenOver::From(old) => {
                self.say(effects, Delivery::Close(old, Close::Replaced.into()));
            }
            TakenOver::Held => {
                self.announce(user, Moved::Reconnected, effects);
                let place = self.room.table.roster.by_connection(connection);
                if let Some(player) = place.and_then(|place| place.member.player()) {
                    self.report(Call::Reconnect(&player), effects).await?;
                }
            }
        }
        let greeted = self.greet(connection, position.as_ref(), effects);
        greeted.or_else(|failed| {
            self.turn_away(connection, &failed.refusal, effects);
            failed.or_go_on()
        })
    }

    pub(super) async fn leave(
        &mut self,
        connection: Connection,
        departure: Departure,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let Table {
            roster,
            identity,
            now,
            ..
        } = &mut self.room.table;
        let reconnect = identity.settings.reconnect;
        if departure == Departure::GaveUp || reconnect.is_zero() {
            let Some(place) = roster.remove(connection) else {
                return Ok(()); // a newer connection has the place
            };
            return self.given_up(&place, effects).await;
        }
        let Some(place) = roster.hold(connection, *now + reconnect) else {
            return Ok(());
        };
        let (user, player) = (place.member.user().clone(), place.member.player());
        self.announce(&user, Moved::Disconnected, effects);
        if let Some(player) = player {
            self.report(Call::Disconnect(&player), effects).await?;
        }
        Ok(())
    }

    /// A place is nobody's any more.
    pub(super) async fn given_up(
        &mut self,
        place: &Place,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let frame = presence(self.table(), place, Moved::Left);
        self.say(effects, Delivery::TellMembers { but: None, frame });
        if let Some(player) = place.member.player() {
            self.report(Call::Leave(&player), effects).await?;
        }
        if self.room.table.roster.is_empty() {
            self.report(Call::Empty, effects).await?;
        }
        Ok(())
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
    fn turn_away(&self, connection: Connection, refusal: &Refusal, effects: &mut Effects) {
        let close = match refusal {
            Refusal::Internal(_) => Close::Internal,
            Refusal::Rejected(_) | Refusal::Spectator => Close::Refused,
        };
        let (code, words) = self.in_words(refusal);
        let error = frames::error(code, words, None);
        self.say(effects, Delivery::Tell(connection, error));
        self.say(effects, Delivery::Close(connection, close.into()));
    }
}

pub(super) fn presence(table: &Table, place: &Place, event: Moved) -> Encoded {
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
