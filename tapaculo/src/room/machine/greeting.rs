//! What somebody who comes is told first: where it is, what it sees, and what it has missed.

use super::{Delivery, Effects, Failed, Fatal, Machine, contain_now, members::avatar};
use crate::{
    game::{Connection, Game, Place, Refusal},
    log::{Entry, Missed},
    metrics,
    protocol::{Encoded, MemberInfo, Position, Seq, Welcome, frames},
};

/// The version of the protocol that `welcome` names.
const PROTOCOL: u32 = 1;

/// A member's connection that is to be let in.
pub(super) struct Greeting {
    pub(super) connection: Connection,
    /// How far it has come, if it was here before.
    pub(super) position: Option<Position>,
    /// The last event before it came: those after it are of its own join.
    pub(super) since: Seq,
    /// Whether its place is as new, and goes if there is no letting it in.
    pub(super) is_new: bool,
}

impl<G: Game> Machine<G> {
    /// Lets a connection in; one that can't be greeted is turned away.
    pub(super) fn let_in(
        &mut self,
        greeting: Greeting,
        effects: &mut Effects,
    ) -> Result<(), Fatal> {
        let Greeting {
            connection, is_new, ..
        } = greeting;
        let Err(failed) = self.greet(greeting, effects) else {
            return Ok(());
        };
        self.turn_away(connection, &failed.refusal, effects);
        failed.or_go_on()?;
        if is_new && let Some(place) = self.room.table.roster.remove(connection) {
            self.given_up(&place, effects);
        }
        Ok(())
    }

    /// Lets a member's connection in: brings it up to date from its position, if that is still
    /// known, and otherwise as a newcomer.
    fn greet(&self, greeting: Greeting, effects: &mut Effects) -> Result<(), Failed> {
        let Greeting {
            connection,
            position,
            since,
            ..
        } = greeting;
        let table = &self.room.table;
        let Some(place) = table.roster.by_connection(connection) else {
            return Ok(());
        };
        let is_back = position.is_some();
        let missed = position.and_then(|position| self.missed(place, &position, effects));
        if is_back {
            metrics::caught_up(missed.is_some());
        }
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
            greeting.extend(self.history(place, since, effects));
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
        self.saved.is_some() || contain_now(|| backup().is_some()).unwrap_or(false)
    }

    /// The events a newcomer is told: the kept ones, then those of its own join.
    fn history(&self, place: &Place, since: Seq, effects: &Effects) -> Vec<Encoded> {
        let table = &self.room.table;
        let log = table.log.read();
        // More than the log holds may have been said while a hook ran beside the room: of what it
        // has let go, the history is told.
        let since = since.max(log.start());
        let said_since = log.after(since).into_iter().flatten();
        let own: Vec<_> = said_since.chain(&effects.events).collect();
        let new = own.iter().filter(|entry| entry.is_public()).count();
        let room_for = table.identity.settings.history.saturating_sub(new);
        let kept: Vec<_> = log.history().filter(|entry| entry.seq <= since).collect();
        let skip = kept.len().saturating_sub(room_for);
        kept.into_iter()
            .skip(skip)
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
            session: place.member.session().as_str(),
            role: place.member.role(),
            seat: place.member.seat(),
            epoch: &table.identity.epoch,
            resumed,
            acked: self.answers.highest(user, place.member.session()),
            expires_in_ms: place.expires.map(|at| at.since(table.now).as_millis()),
            members: members.collect(),
        })
    }
}

/// Whether an event is for a member, and not to be forgotten by this very input.
fn is_told(place: &Place, entry: &Entry, effects: &Effects) -> bool {
    entry.is_for(place.member.user()) && !effects.redacted.contains(&entry.seq)
}
