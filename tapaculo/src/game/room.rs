//! `Room<Self>`: what a handler reads of its room, and what it says to it.

use super::{Declared, Member, Player, Table, answer::encode};
use crate::{
    clock::Timestamp,
    ids::{Role, RoomId, Seat, UserId},
    log::Audience,
};
use rand::Rng;
use std::{fmt, marker::PhantomData};

/// The room that a handler, hook or validator runs in.
///
/// What is *said* through it is all or nothing: it goes out, in order, when the handler returns `Ok`
/// (or a value that is not a `Result`), and is dropped when it returns `Err` or panics. The struct
/// itself is not rolled back: check first, change afterwards.
pub struct Room<G> {
    pub(crate) table: Table,
    game: PhantomData<fn() -> G>,
}

impl<G> fmt::Debug for Room<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("game", &self.table.identity.game)
            .field("id", &self.table.identity.room)
            .finish_non_exhaustive()
    }
}

impl<G: Declared> Room<G> {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table,
            game: PhantomData,
        }
    }

    /// The room's name.
    #[must_use]
    pub fn id(&self) -> &RoomId {
        &self.table.identity.room
    }

    /// Who sits on a seat.
    #[must_use]
    pub fn player(&self, seat: Seat) -> Option<Player> {
        self.table.roster.player(seat)
    }

    /// The players, in order of their seats; the list is the caller's own, so that a loop over it
    /// may send.
    #[must_use]
    pub fn players(&self) -> Vec<Player> {
        self.table.roster.players().collect()
    }

    /// The member of a user, if it is in the room.
    #[must_use]
    pub fn member(&self, user: &UserId) -> Option<Member> {
        let place = self.table.roster.by_user(user)?;
        Some(place.member.clone())
    }

    /// Whether the last seat is taken; never without a number of `players`.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let table = &self.table;
        table.roster.is_full(&table.identity.settings)
    }

    /// Players and spectators, in order of arrival.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let places = self.table.roster.places();
        places.map(|place| place.member.clone()).collect()
    }

    /// Those who watch, in order of arrival.
    #[must_use]
    pub fn spectators(&self) -> Vec<Member> {
        let places = self.table.roster.places();
        let members = places.map(|place| &place.member);
        members
            .filter(|member| member.role() == Role::Spectator)
            .cloned()
            .collect()
    }

    /// The time at which the message or hook in hand began.
    ///
    /// It is the room's own: in a [`TestRoom`](crate::testing::TestRoom) it stands still until it
    /// is advanced.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.table.now
    }

    /// The room's own randomness: fit for shuffling cards, and the same for the same seed in a
    /// [`TestRoom`](crate::testing::TestRoom). With `use tapaculo::rand::RngExt;` it rolls dice,
    /// `room.rng().random_range(1..=6)`.
    pub fn rng(&mut self) -> &mut impl Rng {
        &mut self.table.rng
    }

    /// Tells every member. Kept in the history.
    pub fn broadcast(&mut self, event: G::Event) {
        self.say(Audience::All, &event);
    }

    /// Tells every member but one. Kept in the history if that one is the sender.
    pub fn broadcast_except(&mut self, user: &UserId, event: G::Event) {
        self.say(Audience::Except(user.clone()), &event);
    }

    /// Tells the members that the predicate picks among those who are here now. Never in the history.
    pub fn broadcast_to(&mut self, mut predicate: impl FnMut(&Member) -> bool, event: G::Event) {
        let members = self.table.roster.places().map(|place| &place.member);
        let mut picked: Vec<_> = members
            .filter(|member| predicate(member))
            .map(|member| member.user().clone())
            .collect();
        picked.sort_unstable();
        self.say(Audience::Among(picked.into()), &event);
    }

    /// Tells one member; nobody, if the user is not in the room. Never in the history.
    pub fn send_to(&mut self, user: &UserId, event: G::Event) {
        self.say(Audience::Only(user.clone()), &event);
    }

    fn say(&mut self, audience: Audience, event: &G::Event) {
        let data = encode(event);
        self.table.stage(audience, data);
    }
}
