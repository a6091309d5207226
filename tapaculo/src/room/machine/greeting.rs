//! What somebody who comes is told first: where it is, what it sees, and what it has missed.

use super::{Delivery, Effects, Failed, Machine, contain_now, members::avatar};
use crate::{
    game::{Connection, Game, Place, Refusal},
    log::{Entry, Missed},
    protocol::{Encoded, MemberInfo, Position, Welcome, frames},
};

/// The version of the protocol that `welcome` names.
const PROTOCOL: u32 = 1;

impl<G: Game> Machine<G> {
    /// Lets a member's connection in: brings it up to date from its position, if that is still
    /// known, and otherwise as a newcomer.
    pub(super) fn greet(
        &mut self,
        connection: Connection,
        position: Option<&Position>,
        effects: &mut Effects,
    ) -> Result<(), Failed> {
        let table = &self.room.table;
        let Some(place) = table.roster.by_connection(connection) else {
            return Ok(());
        };
        let missed = position.and_then(|position| self.missed(place, position, effects));
        let mut greeting = vec![self.welcome(place, missed.is_some())];
        if let Some(missed) = missed {
            greeting.extend(missed);
        } else {
            match self.view(place) {
                Ok(view) => greeting.extend(view),
                Err(refusal) => {
                    let fatal = !self.can_go_back();
                    return Err(Failed { refusal, fatal });
                }
            }
            greeting.extend(self.history(place, effects));
        }
        greeting.push(frames::synced(table.last));
        let delivery = Delivery::Enter {
            connection,
            greeting,
        };
        self.say(effects, delivery);
        Ok(())
    }

    /// What a member has missed since a position, if that is known.
    fn missed(
        &self,
        place: &Place,
        position: &Position,
        effects: &Effects,
    ) -> Option<Vec<Encoded>> {
        let table = &self.room.table;
        if position.epoch != table.identity.epoch || position.seq < place.since {
            return None;
        }
        let log = table.log.read();
        let missed = log.missed_since(position.seq).ok()?.into_iter();
        let own = effects.events.iter().map(Missed::Event);
        let redacted = effects.redacted.iter().copied().map(Missed::Redacted);
        let frames = missed
            .chain(own)
            .chain(redacted)
            .filter_map(|missed| match missed {
                Missed::Event(entry) if is_told(place, entry, effects) => Some(entry.frame.clone()),
                Missed::Event(_) => None,
                Missed::Redacted(seq) => Some(frames::redacted(seq)),
            });
        Some(frames.collect())
    }

    /// The game's view for a member, if it has one.
    fn view(&self, place: &Place) -> Result<Option<Encoded>, Refusal> {
        let Some(game) = self.game.as_ref() else {
            return Ok(None);
        };
        match contain_now(|| game.view(&place.member)) {
            Ok(Some(Ok(view))) => Ok(Some(frames::state(&view, self.room.table.last))),
            Ok(Some(Err(refusal))) => Err(Refusal::Internal(refusal.why().to_owned())),
            Ok(None) => Ok(None),
            Err(failure) => Err(Refusal::Internal(format!("the view {failure}"))),
        }
    }

    fn can_go_back(&self) -> bool {
        let backup = || self.game.as_ref().and_then(G::backup);
        contain_now(|| backup().is_some()).unwrap_or(false)
    }

    /// The events a newcomer is told: the kept ones, then those of its own join.
    fn history(&self, place: &Place, effects: &Effects) -> Vec<Encoded> {
        let table = &self.room.table;
        let own = effects.events.iter();
        let new = own.clone().filter(|entry| entry.is_public()).count();
        let room_for = table.identity.settings.history.saturating_sub(new);
        let log = table.log.read();
        let kept = log.history();
        let skip = kept.len().saturating_sub(room_for);
        kept.skip(skip)
            .chain(own)
            .filter(|entry| is_told(place, entry, effects))
            .map(|entry| entry.frame.clone())
            .collect()
    }

    fn welcome(&self, place: &Place, resumed: bool) -> Encoded {
        let table = &self.room.table;
        let user = place.member.user();
        let members = table.roster.places().map(|place| MemberInfo {
            user: place.member.user(),
            seat: place.member.seat(),
            role: place.member.role(),
            connected: place.connection.is_some(),
            name: place.member.name(),
            avatar: avatar(table, place.member.user()),
        });
        frames::welcome(&Welcome {
            protocol: PROTOCOL,
            game: table.identity.game,
            room: table.identity.room.as_str(),
            user,
            session: place.session.as_str(),
            role: place.member.role(),
            seat: place.member.seat(),
            epoch: &table.identity.epoch,
            resumed,
            acked: self.answers.highest(user, &place.session),
            members: members.collect(),
        })
    }
}

/// Whether an event is for a member, and not to be forgotten by this very input.
fn is_told(place: &Place, entry: &Entry, effects: &Effects) -> bool {
    entry.is_for(place.member.user()) && !effects.redacted.contains(&entry.seq)
}
