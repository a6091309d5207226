//! Who is in the room: members in order of arrival, players on their seats.

mod saved;

use super::{Refusal, Settings};
use crate::{
    clock::Timestamp,
    ids::{Role, Seat, SessionId, UserId},
    protocol::{Position, Seq},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

/// Anyone in the room. Cheap to clone; serialized as `{user, name, seat}`.
///
/// ```
/// # use tapaculo::{prelude::*, testing::TestRoom};
/// # #[tapaculo::game(players = 1, spectators, event = String)]
/// # #[derive(Default)]
/// # struct Match;
/// # #[tapaculo::game]
/// # impl Match {
/// #[message(spectators)]
/// fn cheer(&mut self, room: &mut Room<Self>, member: &Member) {
///     let from = match member.seat() {
///         Some(seat) => format!("seat {seat}"),
///         None => "the audience".to_owned(),
///     };
///     room.broadcast(format!("{from} cheers"));
/// }
/// # }
/// # let mut room = TestRoom::<Match>::new();
/// # room.join("alice").unwrap();
/// # room.watch("bob").unwrap();
/// # for user in ["alice", "bob"] { room.send(user, serde_json::json!({"type": "Cheer"})).unwrap(); }
/// # assert_eq!(room.received("bob"), ["seat 0 cheers", "the audience cheers"]);
/// ```
///
/// Two are equal if user and seat are: a name may change.
#[derive(Clone, Debug, Serialize)]
pub struct Member {
    user: UserId,
    name: Option<Arc<str>>,
    seat: Option<Seat>,
    #[serde(skip)]
    session: SessionId,
}

impl Member {
    /// The user, as the token names it.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The name to show: the one that the game has set, or else the token's.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The seat; `None` for a spectator.
    #[must_use]
    pub fn seat(&self) -> Option<Seat> {
        self.seat
    }

    /// The login with which it is here, as the token names it.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
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
            session: self.session.clone(),
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
///
/// ```
/// # use tapaculo::{prelude::*, testing::TestRoom};
/// # #[tapaculo::game(players = 2)]
/// # #[derive(Default)]
/// # struct Score { points: [u32; 2] }
/// # #[tapaculo::game]
/// # impl Score {
/// #[message]
/// fn score(&mut self, player: &Player) -> String {
///     self.points[player.seat().index()] += 1;
///     player.name().unwrap_or(player.user().as_str()).to_owned()
/// }
/// # }
/// # let mut room = TestRoom::<Score>::new();
/// # room.join_named("user-1", "Alice").unwrap();
/// # let reply = room.send("user-1", serde_json::json!({"type": "Score"})).unwrap();
/// # assert_eq!(reply.unwrap(), "Alice");
/// ```
///
/// Two are equal if user and seat are: a name may change.
#[derive(Clone, Debug, Serialize)]
pub struct Player {
    user: UserId,
    name: Option<Arc<str>>,
    seat: Seat,
    #[serde(skip)]
    session: SessionId,
}

impl Player {
    /// The user, as the token names it.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The name to show: the one that the game has set, or else the token's.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The seat.
    #[must_use]
    pub fn seat(&self) -> Seat {
        self.seat
    }

    /// The login with which it is here, as the token names it.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.session
    }
}

macro_rules! equal_by_user_and_seat {
    ($type:ty) => {
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                (&self.user, self.seat) == (&other.user, other.seat)
            }
        }

        impl Eq for $type {}

        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                (&self.user, self.seat).hash(state);
            }
        }
    };
}

equal_by_user_and_seat!(Member);
equal_by_user_and_seat!(Player);

impl From<Player> for Member {
    fn from(player: Player) -> Self {
        Self {
            user: player.user,
            name: player.name,
            seat: Some(player.seat),
            session: player.session,
        }
    }
}

/// One connection of one member, numbered in the order in which they came in; never reused within a
/// process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Connection(pub(crate) u64);

impl Connection {
    /// No connection has this number: it stands for one that went with another node.
    pub(crate) const GONE: Self = Self(u64::MAX);
}

/// Who asks for a place.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) user: UserId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) session: SessionId,
    /// What the token asks for; a player without a free seat watches where that is allowed.
    pub(crate) role: Role,
    /// How far it has come, if it says that it was here before.
    pub(crate) position: Option<Position>,
    /// When its token expires, where it has one.
    pub(crate) expires: Option<Timestamp>,
    /// When its connection came in, by the clock of its node.
    pub(crate) came: Timestamp,
}

/// How much the clocks of two nodes may differ. Who has come to another node so much earlier than the
/// connection that has the place, and asks for it only now, was held up on the way.
const CLOCKS_DIFFER: Duration = Duration::from_secs(1);

/// A member and what only the room knows of it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) member: Member,
    /// The token's name, which is shown unless the game has set another.
    own_name: Option<Arc<str>>,
    /// `None` while the place is held for it.
    pub(crate) connection: Option<Connection>,
    /// Until when the place is held, without a connection.
    pub(crate) held_until: Option<Timestamp>,
    /// The last event before it came: what was said up to there was never for it.
    pub(crate) since: Seq,
    /// When the token of its connection expires, as far as it has told.
    pub(crate) expires: Option<Timestamp>,
    /// When its connection came in.
    came: Timestamp,
}

impl Place {
    /// Whether the connection that has it, be it missing, is newer than this one, which came then.
    pub(crate) fn is_newer(&self, came: Timestamp, connection: Connection) -> bool {
        let is_held = self.held_until.is_some();
        let has_newer = self.connection.is_some_and(|other| other > connection);
        has_newer || (!is_held && self.came_after(came))
    }

    /// Whether its last connection came later than so, by more than the clocks of two nodes differ.
    pub(crate) fn came_after(&self, came: Timestamp) -> bool {
        came + CLOCKS_DIFFER < self.came
    }
}

/// What became of a place that its user has come back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenOver {
    /// From an older connection, which is to go.
    From(Connection),
    /// It was held.
    Held,
    /// Not at all: a newer connection has it.
    Not,
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
    /// Those whose place is held, by when that ends.
    held: BTreeSet<(Timestamp, u64)>,
    seats: BTreeMap<Seat, u64>,
    next_arrival: u64,
    /// The places that were restored, and of whose connections nothing is known yet.
    missing: BTreeSet<u64>,
    /// The places that have changed since somebody asked.
    changed: BTreeSet<u64>,
}

impl Roster {
    /// Gives a newcomer the lowest free seat, or a place to watch from.
    pub(crate) fn admit(
        &mut self,
        newcomer: Newcomer,
        connection: Connection,
        since: Seq,
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
        self.changed.insert(arrival);
        self.arrivals.insert(newcomer.user.clone(), arrival);
        self.connections.insert(connection, arrival);
        if let Some(seat) = seat {
            self.seats.insert(seat, arrival);
        }
        let place = Place {
            member: Member {
                user: newcomer.user,
                name: newcomer.name.clone(),
                seat,
                session: newcomer.session,
            },
            own_name: newcomer.name,
            connection: Some(connection),
            held_until: None,
            since,
            expires: newcomer.expires,
            came: newcomer.came,
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

    /// Gives a member's place to a newer connection of the same user.
    pub(crate) fn take_over(
        &mut self,
        newcomer: &Newcomer,
        connection: Connection,
    ) -> Option<TakenOver> {
        let arrival = *self.arrivals.get(&newcomer.user)?;
        let place = self.places.get_mut(&arrival)?;
        if place.is_newer(newcomer.came, connection) {
            return Some(TakenOver::Not);
        }
        self.changed.insert(arrival);
        self.missing.remove(&arrival);
        place.member.session = newcomer.session.clone();
        place.own_name.clone_from(&newcomer.name);
        place.expires = newcomer.expires;
        place.came = newcomer.came;
        if let Some(until) = place.held_until.take() {
            self.held.remove(&(until, arrival));
        }
        let old = place.connection.replace(connection);
        self.connections.insert(connection, arrival);
        Some(match old {
            Some(old) => {
                self.connections.remove(&old);
                TakenOver::From(old)
            }
            None => TakenOver::Held,
        })
    }

    /// Holds the place of a connection that is gone, if it still has it.
    pub(crate) fn hold(&mut self, connection: Connection, until: Timestamp) -> Option<&Place> {
        let arrival = self.connections.remove(&connection)?;
        let place = self.places.get_mut(&arrival)?;
        place.connection = None;
        place.held_until = Some(until);
        self.held.insert((until, arrival));
        self.changed.insert(arrival);
        Some(place)
    }

    /// When the first place is held no longer.
    pub(crate) fn next_given_up(&self) -> Option<Timestamp> {
        self.held.first().map(|(until, _)| *until)
    }

    /// Takes the member out whose place was held for the shortest time.
    pub(crate) fn give_up(&mut self) -> Option<Place> {
        let (_, arrival) = self.held.pop_first()?;
        self.take_out(arrival)
    }

    /// Takes a connection's member out, if it still holds the place.
    pub(crate) fn remove(&mut self, connection: Connection) -> Option<Place> {
        let arrival = *self.connections.get(&connection)?;
        self.take_out(arrival)
    }

    /// Takes a user's member out.
    pub(crate) fn remove_user(&mut self, user: &UserId) -> Option<Place> {
        let arrival = *self.arrivals.get(user)?;
        self.take_out(arrival)
    }

    fn take_out(&mut self, arrival: u64) -> Option<Place> {
        let place = self.places.remove(&arrival)?;
        self.changed.insert(arrival);
        self.missing.remove(&arrival);
        self.arrivals.remove(&place.member.user);
        if let Some(connection) = place.connection {
            self.connections.remove(&connection);
        }
        if let Some(until) = place.held_until {
            self.held.remove(&(until, arrival));
        }
        if let Some(seat) = place.member.seat {
            self.seats.remove(&seat);
        }
        Some(place)
    }

    /// Has a member shown by the name that the game has set, or else by its own.
    pub(crate) fn rename(&mut self, user: &UserId, name: Option<&str>) {
        let Some(arrival) = self.arrivals.get(user) else {
            return;
        };
        if let Some(place) = self.places.get_mut(arrival) {
            place.member.name = name.map(Arc::from).or_else(|| place.own_name.clone());
            self.changed.insert(*arrival);
        }
    }

    /// The place of a user whose name may be none.
    pub(crate) fn by_name(&self, user: &str) -> Option<&Place> {
        self.places.get(self.arrivals.get(user)?)
    }

    /// Whether there is a seat for one more.
    pub(crate) fn has_free_seat(&self, settings: &Settings) -> bool {
        self.free_seat(settings.seats).is_some()
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

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// How many players there are.
    pub(crate) fn seated(&self) -> usize {
        self.seats.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether somebody is connected.
    pub(crate) fn is_awake(&self) -> bool {
        !self.connections.is_empty()
    }

    /// Whether the last seat is taken.
    pub(crate) fn is_full(&self, settings: &Settings) -> bool {
        settings
            .seats
            .is_some_and(|seats| self.seats.len() >= seats as usize)
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
            position: None,
            expires: None,
            came: Timestamp::default(),
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
                Seq::default(),
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
                Seq::default(),
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
        assert_eq!(
            roster.take_over(&newcomer("a", Role::Player), Connection(1)),
            Some(TakenOver::From(Connection(0)))
        );
        assert!(roster.remove(Connection(0)).is_none());
        assert!(roster.by_user(&user).is_some());
        assert!(roster.remove(Connection(1)).is_some());
        assert!(roster.is_empty());
    }

    #[test]
    fn whoever_was_held_up_on_the_way_does_not_take_the_place_of_who_came_after() {
        let settings = Settings::new();
        let mut roster = Roster::default();
        let at = |seconds: u64| Newcomer {
            came: Timestamp::from_millis(seconds * 1000),
            ..newcomer("a", Role::Player)
        };
        let admitted = roster.admit(at(10), Connection(0), Seq::default(), &settings);
        admitted.unwrap();
        assert_eq!(
            roster.take_over(&at(8), Connection(1)),
            Some(TakenOver::Not)
        );
        // The clocks of two nodes may differ.
        let taken = roster.take_over(&at(9), Connection(2));
        assert_eq!(taken, Some(TakenOver::From(Connection(0))));
        // Whose place is held has no connection that could be newer.
        roster.hold(Connection(2), Timestamp::from_millis(60_000));
        assert_eq!(
            roster.take_over(&at(1), Connection(3)),
            Some(TakenOver::Held)
        );
    }

    #[test]
    fn a_held_place_is_its_owners_until_it_is_given_up() {
        let settings = Settings::new().players(2);
        let mut roster = Roster::default();
        sit(&mut roster, "a", 0, &settings).unwrap();
        sit(&mut roster, "b", 1, &settings).unwrap();
        let at = Timestamp::from_millis;
        roster.hold(Connection(0), at(60)).unwrap();
        roster.hold(Connection(1), at(50)).unwrap();
        assert!(roster.hold(Connection(1), at(70)).is_none(), "it is gone");
        assert_eq!(roster.next_given_up(), Some(at(50)));
        assert!(!roster.is_awake());
        assert_eq!(sit(&mut roster, "c", 2, &settings), Err(SeatError::Full));

        let back = roster.take_over(&newcomer("b", Role::Player), Connection(3));
        assert_eq!(back, Some(TakenOver::Held));
        assert_eq!(roster.next_given_up(), Some(at(60)));
        let gone = roster.give_up().unwrap();
        assert_eq!(gone.member.user().as_str(), "a");
        assert!(roster.give_up().is_none());
        assert_eq!(sit(&mut roster, "c", 4, &settings), Ok(Some(Seat::new(0))));
    }
}
