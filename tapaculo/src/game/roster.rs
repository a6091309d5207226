//! Who is in the room: members in order of arrival, players on their seats.

use super::{Refusal, Settings};
use crate::{
    ids::{Role, Seat, SessionId, UserId},
    protocol::MemberInfo,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Anyone in the room. Cheap to clone; serialized as `{user, name, seat}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Member {
    user: UserId,
    name: Option<Arc<str>>,
    seat: Option<Seat>,
}

impl Member {
    /// The user, as the token names it.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The name to show, where the token has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The seat; `None` for a spectator.
    #[must_use]
    pub fn seat(&self) -> Option<Seat> {
        self.seat
    }

    /// Whether it plays or watches.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.seat {
            Some(_) => Role::Player,
            None => Role::Spectator,
        }
    }

    /// The member as a player, if it has a seat.
    #[must_use]
    pub fn player(&self) -> Option<Player> {
        Some(Player {
            user: self.user.clone(),
            name: self.name.clone(),
            seat: self.seat?,
        })
    }

    /// The member as a player, or the refusal that a spectator gets.
    ///
    /// # Errors
    /// [`Refusal::Spectator`] for a spectator.
    #[doc(hidden)]
    pub fn seated(&self) -> Result<Player, Refusal> {
        self.player().ok_or(Refusal::Spectator)
    }
}

/// A member with a seat. Cheap to clone; serialized as `{user, name, seat}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Player {
    user: UserId,
    name: Option<Arc<str>>,
    seat: Seat,
}

impl Player {
    /// The user, as the token names it.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The name to show, where the token has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The seat.
    #[must_use]
    pub fn seat(&self) -> Seat {
        self.seat
    }
}

impl From<Player> for Member {
    fn from(player: Player) -> Self {
        Self {
            user: player.user,
            name: player.name,
            seat: Some(player.seat),
        }
    }
}

/// One connection of one member; never reused within a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Connection(pub(crate) u64);

/// Who asks for a place.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) user: UserId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) session: SessionId,
    /// What the token asks for; a player without a free seat watches where that is allowed.
    pub(crate) role: Role,
}

/// A member and what only the room knows of it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) member: Member,
    pub(crate) session: SessionId,
    pub(crate) connection: Connection,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatError {
    Full,
    NoSpectators,
}

/// The members of a room.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// By the order of arrival.
    places: BTreeMap<u64, Place>,
    arrivals: HashMap<UserId, u64>,
    connections: HashMap<Connection, u64>,
    seats: BTreeMap<Seat, u64>,
    next_arrival: u64,
}

impl Roster {
    /// Gives a newcomer the lowest free seat, or a place to watch from.
    pub(crate) fn admit(
        &mut self,
        newcomer: Newcomer,
        connection: Connection,
        settings: &Settings,
    ) -> Result<&Place, SeatError> {
        let seat = match newcomer.role {
            Role::Player => self.free_seat(settings.seats),
            Role::Spectator => None,
        };
        if seat.is_none() && !settings.spectators {
            return Err(match newcomer.role {
                Role::Player => SeatError::Full,
                Role::Spectator => SeatError::NoSpectators,
            });
        }
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        self.arrivals.insert(newcomer.user.clone(), arrival);
        self.connections.insert(connection, arrival);
        if let Some(seat) = seat {
            self.seats.insert(seat, arrival);
        }
        let place = Place {
            member: Member {
                user: newcomer.user,
                name: newcomer.name,
                seat,
            },
            session: newcomer.session,
            connection,
        };
        Ok(self.places.entry(arrival).or_insert(place))
    }

    fn free_seat(&self, seats: Option<u32>) -> Option<Seat> {
        let free = (0..)
            .zip(self.seats.keys())
            .find_map(|(number, taken)| (taken.index() != number as usize).then_some(number))
            .or_else(|| u32::try_from(self.seats.len()).ok())?;
        (seats.is_none_or(|seats| free < seats)).then_some(Seat::new(free))
    }

    /// Gives a member's place to a newer connection of the same user; answers with the old one.
    pub(crate) fn replace(
        &mut self,
        user: &UserId,
        connection: Connection,
        session: SessionId,
    ) -> Option<Connection> {
        let arrival = *self.arrivals.get(user)?;
        let place = self.places.get_mut(&arrival)?;
        let old = std::mem::replace(&mut place.connection, connection);
        place.session = session;
        self.connections.remove(&old);
        self.connections.insert(connection, arrival);
        Some(old)
    }

    /// Takes a connection's member out, if it still holds the place.
    pub(crate) fn remove(&mut self, connection: Connection) -> Option<Place> {
        let arrival = self.connections.remove(&connection)?;
        let place = self.places.remove(&arrival)?;
        self.arrivals.remove(&place.member.user);
        if let Some(seat) = place.member.seat {
            self.seats.remove(&seat);
        }
        Some(place)
    }

    pub(crate) fn by_connection(&self, connection: Connection) -> Option<&Place> {
        self.places.get(self.connections.get(&connection)?)
    }

    pub(crate) fn by_user(&self, user: &UserId) -> Option<&Place> {
        self.places.get(self.arrivals.get(user)?)
    }

    /// Everyone, in order of arrival.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.values()
    }

    /// The players, in order of their seats.
    pub(crate) fn players(&self) -> impl Iterator<Item = Player> + '_ {
        self.seats
            .values()
            .filter_map(|arrival| self.places.get(arrival)?.member.player())
    }

    pub(crate) fn player(&self, seat: Seat) -> Option<Player> {
        self.places.get(self.seats.get(&seat)?)?.member.player()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the last seat is taken.
    pub(crate) fn is_full(&self, settings: &Settings) -> bool {
        settings
            .seats
            .is_some_and(|seats| self.seats.len() >= seats as usize)
    }
}

impl Place {
    pub(crate) fn info(&self) -> MemberInfo<'_> {
        MemberInfo {
            user: &self.member.user,
            seat: self.member.seat,
            role: self.member.role(),
            connected: true,
            name: self.member.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomer(user: &str, role: Role) -> Newcomer {
        Newcomer {
            user: UserId::new(user).unwrap(),
            name: None,
            session: SessionId::new("s").unwrap(),
            role,
        }
    }

    fn sit(
        roster: &mut Roster,
        user: &str,
        connection: u64,
        settings: &Settings,
    ) -> Result<Option<Seat>, SeatError> {
        roster
            .admit(
                newcomer(user, Role::Player),
                Connection(connection),
                settings,
            )
            .map(|place| place.member.seat())
    }

    #[test]
    fn seats_count_from_0_and_a_freed_one_is_the_next_newcomers() {
        let settings = Settings::new().players(3);
        let mut roster = Roster::default();
        for (number, user) in (0..).zip(["a", "b", "c"]) {
            assert_eq!(
                sit(&mut roster, user, u64::from(number), &settings),
                Ok(Some(Seat::new(number)))
            );
        }
        assert!(roster.is_full(&settings));
        assert_eq!(sit(&mut roster, "d", 3, &settings), Err(SeatError::Full));
        roster.remove(Connection(1));
        assert_eq!(sit(&mut roster, "d", 4, &settings), Ok(Some(Seat::new(1))));
        let seated: Vec<_> = roster.players().map(|p| p.user().to_string()).collect();
        assert_eq!(seated, ["a", "d", "c"]);
        let arrived: Vec<_> = roster.places().map(|p| p.member.user.to_string()).collect();
        assert_eq!(arrived, ["a", "c", "d"]);
    }

    #[test]
    fn those_without_a_seat_watch_where_that_is_allowed() {
        let settings = Settings::new().players(1).spectators();
        let mut roster = Roster::default();
        assert_eq!(sit(&mut roster, "a", 0, &settings), Ok(Some(Seat::new(0))));
        assert_eq!(sit(&mut roster, "b", 1, &settings), Ok(None));
        let refused = roster
            .admit(
                newcomer("c", Role::Spectator),
                Connection(2),
                &Settings::new(),
            )
            .err();
        assert_eq!(refused, Some(SeatError::NoSpectators));
    }

    #[test]
    fn an_old_connection_that_goes_does_not_take_the_newer_one_with_it() {
        let settings = Settings::new();
        let mut roster = Roster::default();
        sit(&mut roster, "a", 0, &settings).unwrap();
        let user = UserId::new("a").unwrap();
        let session = SessionId::new("t").unwrap();
        assert_eq!(
            roster.replace(&user, Connection(1), session),
            Some(Connection(0))
        );
        assert!(roster.remove(Connection(0)).is_none());
        assert!(roster.by_user(&user).is_some());
        assert!(roster.remove(Connection(1)).is_some());
        assert!(roster.is_empty());
    }
}
