//! How many connections and tokens one user and one address may have.

use super::{
    recent::{Rate, Recent, RecentOf},
    sharing::{Active, Shared},
};
use crate::{
    clock::{Clock, Timestamp},
    ids::{RoomId, UserId},
    pubsub::everywhere::Counted,
};
use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

/// How many connections and tokens one user and one address may have.
///
/// ```
/// use tapaculo::ConnectionLimits;
///
/// let limits = ConnectionLimits {
///     open_per_address: 1000, // a school
///     ..Default::default()
/// };
/// assert_eq!(limits.window_duration.as_secs(), 60);
/// ```
///
/// An address is an IPv4 address or an IPv6 network of 64 bits, which is what one customer gets.
/// Behind a proxy it is the proxy's, unless
/// [`with_trusted_proxies`](crate::Server::with_trusted_proxies) says whom to believe. What is too
/// much is refused with `429` and `Retry-After`.
///
/// A connection that takes over from another of the same user in the same room is not one more: who
/// comes back finds its own seat, even while nobody has noticed yet that the connection before is
/// dead.
///
/// On [many nodes](crate::docs::deployment) joins and tokens count together, wherever they are asked
/// for; rooms and open connections are those of each node.
///
/// The guide: [limits](crate::docs::limits).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In how many rooms one user may be at a time.
    pub rooms_per_user: usize,
    /// How many WebSockets one address may have at a time.
    pub open_per_address: usize,
    /// How many connections one address may have at a time that are no WebSockets yet, or never will
    /// be: pages that load, requests that are half sent. Further ones are closed without a word, but
    /// for those of a trusted proxy.
    pub requests_per_address: usize,
    /// How often one user may connect within any window.
    pub joins_per_user: usize,
    /// How often one address may try to connect within any window, whether or not it has a token.
    pub joins_per_address: usize,
    /// How often one address may ask for tokens within any window, at `POST /token`, as a guest or to
    /// log in, and at `POST /token/refresh`: that slows down guessing passwords, too.
    pub tokens_per_address: usize,
    /// How long the window is; it slides, so that the limits hold from any moment on.
    pub window_duration: Duration,
}

impl Default for ConnectionLimits {
    /// 8 rooms a user, 256 WebSockets and as many other connections an address; within a minute 30
    /// joins a user, 300 joins and 60 tokens an address: thirty pupils behind one address may each
    /// come back ten times a minute.
    fn default() -> Self {
        Self {
            rooms_per_user: 8,
            open_per_address: 256,
            requests_per_address: 256,
            joins_per_user: 30,
            joins_per_address: 300,
            tokens_per_address: 60,
            window_duration: Duration::from_secs(60),
        }
    }
}

/// Lets in who does not ask too often and is not here too often.
pub(crate) struct Gate {
    /// `None` where nobody counts.
    limits: Option<ConnectionLimits>,
    /// How long a dead connection may go unnoticed: when to come back if there are too many.
    unnoticed: Duration,
    clock: Clock,
    seen: Mutex<Seen>,
    /// Of whom the other nodes are to be told, if there are any.
    active: OnceLock<Active<Comer>>,
}

/// Somebody whose comings are counted.
#[derive(Clone, Debug)]
pub(crate) enum Comer {
    User(UserId),
    Address(Address),
    /// One that asks for tokens.
    Guest(Address),
}

/// Who has come lately, and who is here.
#[derive(Default)]
struct Seen {
    users: RecentOf<UserId>,
    addresses: RecentOf<Address>,
    guests: RecentOf<Address>,
    rooms_of_users: Open<UserId>,
    open_of_addresses: Open<Address>,
    requests: Counts<Address>,
}

/// What counts as one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address(IpAddr);

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Where a connection belongs: there, the newest one is the only one that counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) game: &'static str,
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
}

/// How many there are of each.
struct Counts<K>(HashMap<K, usize>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Counts<K> {
    fn add(&mut self, key: K) {
        *self.0.entry(key).or_default() += 1;
    }

    fn remove(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(key);
            }
        }
        give_back(&mut self.0);
    }
}

/// Gives back what a rush took.
fn give_back<K: Hash + Eq, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 64 && map.len() < map.capacity() / 8 {
        map.shrink_to_fit();
    }
}

/// The connections of each, by their places.
struct Open<K>(HashMap<K, Counts<Place>>);

impl<K> Default for Open<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Open<K> {
    fn has_room(&self, key: &K, place: &Place, most: usize) -> bool {
        let places = self.0.get(key);
        places.is_some_and(|places| places.0.contains_key(place))
            || places.map_or(0, |places| places.0.len()) < most
    }

    fn enter(&mut self, key: K, place: Place) {
        self.0.entry(key).or_default().add(place);
    }

    fn leave(&mut self, key: &K, place: &Place) {
        let Some(places) = self.0.get_mut(key) else {
            return;
        };
        places.remove(place);
        if places.0.is_empty() {
            self.0.remove(key);
        }
        give_back(&mut self.0);
    }
}

/// Somebody asks too often or is here too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) words: &'static str,
    pub(crate) retry_after: Duration,
}

/// A connection that may send requests, for as long as it is no WebSocket.
pub(crate) struct Accepted {
    gate: Arc<Gate>,
    /// `None` where nobody counts.
    address: Option<Address>,
}

/// A WebSocket that is let in, for as long as it lives.
pub(crate) struct Pass {
    gate: Arc<Gate>,
    place: Place,
    address: Option<Address>,
}

impl Gate {
    pub(crate) fn new(
        limits: Option<ConnectionLimits>,
        unnoticed: Duration,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits,
            unnoticed,
            clock,
            seen: Mutex::default(),
            active: OnceLock::new(),
        })
    }

    /// An address has connected; `None` if that is one too many.
    pub(crate) fn accept(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Accepted> {
        let address = address.map(Address::from);
        let counted = self.limits.as_ref().zip(address);
        if let Some((limits, address)) = counted {
            let mut seen = self.seen();
            let requests = seen.requests.0.get(&address).copied();
            if requests.unwrap_or(0) >= limits.requests_per_address {
                return None;
            }
            seen.requests.add(address);
        }
        Some(Accepted {
            gate: Arc::clone(self),
            address: counted.map(|(_, address)| address),
        })
    }

    /// An address asks for a WebSocket; one that is not known is not counted.
    pub(crate) fn arrive(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        let (Some(limits), Some(address)) = (&self.limits, address) else {
            return Ok(());
        };
        let rate = limits.rate(limits.joins_per_address);
        let now = self.clock.now();
        let address = Address::from(address);
        let mut seen = self.seen();
        let counted = seen.addresses.count(address, rate, now);
        let recent = counted.map_err(too_many("too many connections from this address"))?;
        self.tell_later(recent, now, || Comer::Address(address));
        Ok(())
    }

    /// An address asks for a token: a guest, or somebody who logs in.
    pub(crate) fn log_in(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        let (Some(limits), Some(address)) = (&self.limits, address) else {
            return Ok(());
        };
        let rate = limits.rate(limits.tokens_per_address);
        let now = self.clock.now();
        let address = Address::from(address);
        let mut seen = self.seen();
        let counted = seen.guests.count(address, rate, now);
        let recent = counted.map_err(too_many("too many logins from this address"))?;
        self.tell_later(recent, now, || Comer::Guest(address));
        Ok(())
    }

    /// A user, who has shown its token, asks for its place in a room.
    pub(crate) fn enter(
        self: &Arc<Self>,
        place: Place,
        address: Option<IpAddr>,
    ) -> Result<Option<Pass>, TooMany> {
        let Some(limits) = &self.limits else {
            return Ok(None);
        };
        let address = address.map(Address::from);
        let mut seen = self.seen();
        let refused = |words| {
            Err(TooMany {
                words,
                retry_after: self.unnoticed,
            })
        };
        let rooms = &seen.rooms_of_users;
        if !rooms.has_room(&place.user, &place, limits.rooms_per_user) {
            return refused("you are in too many rooms");
        }
        let open = &seen.open_of_addresses;
        let has_room = |address| open.has_room(&address, &place, limits.open_per_address);
        if !address.is_none_or(has_room) {
            return refused("too many connections from this address");
        }
        let rate = limits.rate(limits.joins_per_user);
        let now = self.clock.now();
        let counted = seen.users.count(place.user.clone(), rate, now);
        let recent = counted.map_err(too_many("you connect too often"))?;
        self.tell_later(recent, now, || Comer::User(place.user.clone()));
        seen.rooms_of_users.enter(place.user.clone(), place.clone());
        if let Some(address) = address {
            seen.open_of_addresses.enter(address, place.clone());
        }
        drop(seen);
        let gate = Arc::clone(self);
        Ok(Some(Pass {
            gate,
            place,
            address,
        }))
    }

    /// The other nodes are to be told of one more, if there are any.
    fn tell_later(&self, recent: &mut Recent, now: Timestamp, comer: impl FnOnce() -> Comer) {
        if let Some(active) = self.active.get()
            && recent.tell_later()
        {
            active.add(comer(), now);
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen
            .lock()
            .expect("nothing panics while it holds the gate's lock")
    }
}

impl Seen {
    fn recent(&mut self, comer: &Comer) -> Option<&mut Recent> {
        match comer {
            Comer::User(user) => self.users.get_mut(user),
            Comer::Address(address) => self.addresses.get_mut(address),
            Comer::Guest(address) => self.guests.get_mut(address),
        }
    }
}

impl Shared for Gate {
    const WHAT: Counted = Counted::Connections;

    type Who = Comer;

    fn clock(&self) -> Clock {
        self.clock
    }

    fn window(&self) -> Option<Duration> {
        self.limits.as_ref().map(|limits| limits.window_duration)
    }

    fn active(&self) -> &OnceLock<Active<Comer>> {
        &self.active
    }

    fn tell(&self, comer: &Comer) -> (String, u32) {
        let name = match comer {
            Comer::User(user) => format!("user {user}"),
            Comer::Address(Address(address)) => format!("address {address}"),
            Comer::Guest(Address(address)) => format!("guest {address}"),
        };
        let count = self.seen().recent(comer).map_or(0, Recent::tell);
        (name, count)
    }

    fn learn(&self, comer: &Comer, elsewhere: Vec<(Timestamp, u32)>) {
        if let Some(recent) = self.seen().recent(comer) {
            recent.learn(elsewhere);
        }
    }
}

impl ConnectionLimits {
    fn rate(&self, most: usize) -> Rate {
        Rate {
            most,
            window: self.window_duration,
        }
    }
}

fn too_many(words: &'static str) -> impl FnOnce(Duration) -> TooMany {
    move |retry_after| TooMany { words, retry_after }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        if let Some(address) = &self.address {
            self.gate.seen().requests.remove(address);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut seen = self.gate.seen();
        seen.rooms_of_users.leave(&self.place.user, &self.place);
        if let Some(address) = &self.address {
            seen.open_of_addresses.leave(address, &self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(limits: ConnectionLimits) -> Arc<Gate> {
        Gate::new(Some(limits), Duration::from_secs(35), Clock::start())
    }

    fn place(user: &str, room: &str) -> Place {
        Place {
            game: "chess",
            room: RoomId::new(room).unwrap(),
            user: UserId::new(user).unwrap(),
        }
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_address_and_ipv4_may_be_written_as_ipv6() {
        let address = |text| Address::from(ip(text).unwrap());
        assert_eq!(address("2001:db8:1:2::3"), address("2001:db8:1:2:ffff::4"));
        assert_ne!(address("2001:db8:1:2::3"), address("2001:db8:1:3::3"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }

    #[test]
    fn a_place_that_is_taken_over_is_not_one_more() {
        let gate = gate(ConnectionLimits {
            rooms_per_user: 2,
            open_per_address: 3,
            ..ConnectionLimits::default()
        });
        let enter = |user, room| gate.enter(place(user, room), ip("192.0.2.1"));
        let dead = enter("alice", "r").ok().flatten();
        let back = enter("alice", "r").ok().flatten();
        let other = enter("alice", "s").ok().flatten();
        assert!(dead.is_some() && back.is_some() && other.is_some());
        assert!(enter("alice", "t").is_err());
        let bob = enter("bob", "r").ok().flatten();
        assert!(bob.is_some());
        assert!(enter("carol", "r").is_err(), "the address is full");
        assert!(enter("alice", "r").is_ok(), "its own place");
        // The last of its connections gives up the place, and no other.
        drop(dead);
        assert!(enter("carol", "r").is_err());
        drop(back);
        assert!(enter("carol", "r").is_ok());
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let gate = gate(ConnectionLimits {
            window_duration: Duration::ZERO,
            ..ConnectionLimits::default()
        });
        for number in 0..10_000_u32 {
            let address = Some(IpAddr::V4(number.into()));
            assert!(gate.accept(address).is_some());
            gate.arrive(address).unwrap();
            gate.log_in(address).unwrap();
            let user = format!("user {number}");
            let pass = gate.enter(place(&user, "r"), address);
            assert!(pass.is_ok());
        }
        let seen = gate.seen();
        assert!(seen.rooms_of_users.0.is_empty() && seen.open_of_addresses.0.is_empty());
        assert!(seen.requests.0.is_empty());
        assert!(seen.rooms_of_users.0.capacity() <= 64);
    }
}
