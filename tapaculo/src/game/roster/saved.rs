//! Places as they are saved, and what becomes of them when a room is gone on with elsewhere.

use super::{Connection, Member, Place, Roster};
use crate::{
    clock::Timestamp,
    ids::{Seat, SessionId, UserId},
    protocol::Seq,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A place as it is saved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedPlace {
    user: UserId,
    name: Option<Arc<str>>,
    own_name: Option<Arc<str>>,
    seat: Option<Seat>,
    session: SessionId,
    held_until: Option<Timestamp>,
    since: Seq,
    expires: Option<Timestamp>,
    came: Timestamp,
}

impl SavedPlace {
    fn of(place: &Place) -> Self {
        let member = &place.member;
        Self {
            user: member.user.clone(),
            name: member.name.clone(),
            own_name: place.own_name.clone(),
            seat: member.seat,
            session: member.session.clone(),
            held_until: place.held_until,
            since: place.since,
            expires: place.expires,
            came: place.came,
        }
    }
}

impl Roster {
    /// The places that have changed since this was asked, each as it is to be saved, if it is still
    /// somebody's.
    pub(crate) fn take_changed(&mut self) -> Vec<(u64, Option<SavedPlace>)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed
            .map(|arrival| (arrival, self.places.get(&arrival).map(SavedPlace::of)))
            .collect()
    }

    /// All of them, as they are to be saved.
    pub(crate) fn all_saved(&self) -> impl Iterator<Item = (u64, SavedPlace)> {
        let places = self.places.iter();
        places.map(|(arrival, place)| (*arrival, SavedPlace::of(place)))
    }

    /// How many have arrived, ever.
    pub(crate) fn arrivals(&self) -> u64 {
        self.next_arrival
    }

    /// Goes on numbering those who arrive.
    pub(crate) fn go_on_after(&mut self, arrivals: u64) {
        self.next_arrival = self.next_arrival.max(arrivals);
    }

    /// Puts a place back. If it is not held, its connection is *missing*: whoever has it has yet to
    /// say so.
    pub(crate) fn restore(&mut self, arrival: u64, saved: SavedPlace) {
        self.arrivals.insert(saved.user.clone(), arrival);
        if let Some(seat) = saved.seat {
            self.seats.insert(seat, arrival);
        }
        match saved.held_until {
            Some(until) => self.held.insert((until, arrival)),
            None => self.missing.insert(arrival),
        };
        let place = Place {
            member: Member {
                user: saved.user,
                name: saved.name,
                seat: saved.seat,
                session: saved.session,
            },
            own_name: saved.own_name,
            connection: None,
            held_until: saved.held_until,
            since: saved.since,
            expires: saved.expires,
            came: saved.came,
        };
        self.places.insert(arrival, place);
        self.go_on_after(arrival + 1);
    }

    /// Whether it is not known of somebody's connection whether it lives.
    pub(crate) fn has_missing(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Whether that is so of a user.
    pub(crate) fn is_missing(&self, user: &UserId) -> bool {
        let arrival = self.arrivals.get(user);
        arrival.is_some_and(|arrival| self.missing.contains(arrival))
    }

    /// Whose connection nobody has said anything of: the first of them.
    pub(crate) fn first_missing(&self) -> Option<UserId> {
        let place = self.places.get(self.missing.first()?)?;
        Some(place.member.user.clone())
    }

    /// The connection of a member lives: it is this one, which came then. Answers whether it is the
    /// one that was missing.
    pub(crate) fn found(
        &mut self,
        user: &UserId,
        session: &SessionId,
        came: Timestamp,
        connection: Connection,
    ) -> bool {
        let Some(arrival) = self.arrivals.get(user).copied() else {
            return false;
        };
        let Some(place) = self.places.get_mut(&arrival) else {
            return false;
        };
        let is_it = place.member.session == *session && place.came == came;
        if !is_it || !self.missing.remove(&arrival) {
            return false;
        }
        place.connection = Some(connection);
        self.connections.insert(connection, arrival);
        true
    }

    /// A missing connection is taken for lost: from now on it is one like any other, which can be
    /// lost like any other.
    pub(crate) fn mourn(&mut self, user: &UserId, connection: Connection) -> bool {
        let Some(arrival) = self.arrivals.get(user).copied() else {
            return false;
        };
        if !self.missing.remove(&arrival) {
            return false;
        }
        if let Some(place) = self.places.get_mut(&arrival) {
            place.connection = Some(connection);
            self.connections.insert(connection, arrival);
        }
        true
    }
}
