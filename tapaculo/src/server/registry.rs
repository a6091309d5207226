//! Which room a connection goes to: rooms are made by the first who joins and forgotten when they
//! are over.

mod opening;

pub(super) use self::opening::{AnyGame, Served};

use super::{arrival, deadlines::Deadlines};
use crate::{
    clock::{Clock, Timestamp},
    cluster::{Cluster, Host, Replica},
    game::{Connection, Identity},
    ids::RoomId,
    protocol::{Close, ErrorCode, frames},
    room::{Call, Door, Ear, Keeper, NoRoom, Visitor},
    store::{Claim, RoomKey, Store, StoreError},
};
use futures_util::{StreamExt, future::BoxFuture, stream};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::OnceCell, time::sleep};

/// How long after a room was given up, though others count on it, it is opened again; and how often
/// that is tried: for as long as an hour.
const REOPEN_AFTER: Duration = Duration::from_secs(1);
const MOST_REOPENINGS: u32 = 3600;

/// How many rooms are closed at once: most have something saved, all on one connection.
const CLOSING: usize = 10_000;

/// The rooms of a server.
pub(super) struct Registry {
    me: Weak<Self>,
    games: HashMap<&'static str, Arc<dyn AnyGame>>,
    rooms: Mutex<Rooms>,
    next_opening: AtomicU64,
    max_rooms: usize,
    clock: Clock,
    store: Arc<dyn Store>,
    /// The other nodes, if there may be some.
    cluster: OnceCell<Arc<Cluster>>,
    deadlines: Deadlines,
}

#[derive(Default)]
struct Rooms {
    open: HashMap<(&'static str, RoomId), Arc<Open>>,
    /// No room is to be opened any more.
    closed: bool,
}

/// A room that is open, or about to be.
struct Open {
    /// Tells this room from a later one of the same name.
    number: u64,
    door: OnceCell<Arc<dyn Door>>,
}

impl Registry {
    pub(super) fn new(
        games: Vec<Arc<dyn AnyGame>>,
        max_rooms: Option<usize>,
        clock: Clock,
        store: Arc<dyn Store>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            games: games.into_iter().map(|game| (game.name(), game)).collect(),
            rooms: Mutex::default(),
            next_opening: AtomicU64::new(0),
            max_rooms: max_rooms.unwrap_or(usize::MAX),
            clock,
            store,
            cluster: OnceCell::new(),
            deadlines: Deadlines::new(clock),
        })
    }

    /// Whether its rooms outlive the process.
    pub(super) fn outlives(&self) -> bool {
        self.store.keeps()
    }

    /// This server is one node of many.
    pub(super) fn join_cluster(&self, cluster: Arc<Cluster>) {
        let _ = self.cluster.set(cluster);
    }

    /// The other nodes, if there may be some.
    pub(super) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.get()
    }

    /// How long the members of a room that is gone on with may say that they are still there.
    fn grace(&self) -> Duration {
        self.cluster()
            .map_or(Duration::ZERO, |cluster| cluster.timing().lease)
    }

    /// The name of a game, if it is served.
    pub(super) fn game(&self, name: &str) -> Option<&'static str> {
        self.games.get(name).map(|game| game.name())
    }

    /// The names of all games, for words.
    pub(super) fn games(&self) -> String {
        let mut names: Vec<_> = self.games.keys().map(|name| format!("`{name}`")).collect();
        names.sort_unstable();
        names.join(", ")
    }

    /// Brings a visitor to its room, which is made if it is not there; `None` if there is no
    /// getting in any more, which the visitor is told.
    pub(super) async fn enter(
        self: Arc<Self>,
        game: &'static str,
        room: RoomId,
        visitor: Visitor,
    ) -> Option<Arc<dyn Door>> {
        let Ear::Here(outlet) = &visitor.ear else {
            return None;
        };
        let outlet = Arc::clone(outlet);
        let (no_room, close) = match self.admit(game, &room, visitor).await {
            Ok(door) => return Some(door),
            Err(NoRoom::Ending) => {
                outlet.dismiss(Close::Restarting);
                return None;
            }
            Err(no_room) => (no_room, Close::TryLater),
        };
        let error = frames::error(ErrorCode::Unavailable, &no_room.to_string(), None);
        outlet.answer(error);
        outlet.dismiss(close);
        None
    }

    /// Brings a visitor to its room.
    ///
    /// # Errors
    /// If there is no getting in.
    async fn admit(
        &self,
        game: &'static str,
        room: &RoomId,
        mut visitor: Visitor,
    ) -> Result<Arc<dyn Door>, NoRoom> {
        loop {
            let door = self.find(game, room).await?;
            match Arc::clone(&door).join(visitor).await {
                Ok(()) => return Ok(door),
                // It was over before its lock was free: the next one will be a new room.
                Err(back) => {
                    self.forget_door(game, room, &door);
                    visitor = back;
                }
            }
        }
    }

    /// The room of this name, which is opened if it is not.
    async fn find(&self, game: &'static str, room: &RoomId) -> Result<Arc<dyn Door>, NoRoom> {
        let open = self.open(game, room)?;
        let opened = open
            .door
            .get_or_try_init(|| self.claim(game, room, open.number));
        match opened.await {
            // The end has begun while it was opened, and has not seen it.
            Ok(door) if self.rooms().closed => {
                Arc::clone(door).close(Close::Restarting).await;
                Err(NoRoom::Ending)
            }
            Ok(door) => Ok(Arc::clone(door)),
            Err(no_room) => {
                self.forget_opening(game, room, open.number);
                Err(no_room)
            }
        }
    }

    fn open(&self, game: &'static str, room: &RoomId) -> Result<Arc<Open>, NoRoom> {
        let mut rooms = self.rooms();
        if rooms.closed {
            return Err(NoRoom::Ending);
        }
        let is_full = rooms.open.len() >= self.max_rooms;
        match rooms.open.entry((game, room.clone())) {
            Entry::Occupied(open) => Ok(Arc::clone(open.get())),
            Entry::Vacant(_) if is_full => Err(NoRoom::TooMany),
            Entry::Vacant(vacant) => {
                let open = vacant.insert(Arc::new(Open {
                    number: self.next_opening(),
                    door: OnceCell::new(),
                }));
                Ok(Arc::clone(open))
            }
        }
    }

    fn next_opening(&self) -> u64 {
        self.next_opening.fetch_add(1, Ordering::Relaxed)
    }

    /// Goes on with the rooms that were saved here and that nobody has.
    pub(super) async fn go_on(&self) -> Result<(), StoreError> {
        let left = self.store.left().await?;
        if !left.is_empty() {
            tracing::info!(rooms = left.len(), "going on with what was saved");
        }
        for RoomKey { game, room } in left {
            let Some(game) = self.game(&game) else {
                tracing::warn!(%game, %room, "a room was saved of a game that is not served");
                continue;
            };
            if let Err(no_room) = self.find(game, &room).await {
                tracing::warn!(game, %room, %no_room, "a room that was saved does not go on");
            }
        }
        Ok(())
    }

    /// A room, if there is one of this name.
    pub(super) fn door(&self, game: &str, room: &RoomId) -> Option<Arc<dyn Door>> {
        let key = (self.game(game)?, room.clone());
        let rooms = self.rooms();
        rooms.open.get(&key)?.door.get().cloned()
    }

    /// All rooms there are, in any order.
    pub(super) fn doors(&self) -> Vec<(&'static str, RoomId, Arc<dyn Door>)> {
        let rooms = self.rooms();
        let open = rooms.open.iter();
        open.filter_map(|((game, room), open)| {
            let door = Arc::clone(open.door.get()?);
            Some((*game, room.clone(), door))
        })
        .collect()
    }

    /// Forgets a room that is over, if its end has not done so.
    fn forget_door(&self, game: &'static str, room: &RoomId, door: &Arc<dyn Door>) {
        let mut rooms = self.rooms();
        let key = (game, room.clone());
        let open = rooms.open.get(&key).and_then(|open| open.door.get());
        if open.is_some_and(|open| Arc::ptr_eq(open, door)) {
            rooms.open.remove(&key);
        }
    }

    /// Forgets a room that could not be opened.
    fn forget_opening(&self, game: &'static str, room: &RoomId, number: u64) {
        let mut rooms = self.rooms();
        let key = (game, room.clone());
        let open = rooms.open.get(&key);
        if open.is_some_and(|open| open.number == number && !open.door.initialized()) {
            rooms.open.remove(&key);
        }
    }

    /// Opens no more rooms and closes all there are, each after its message in hand.
    pub(super) async fn close_all(&self, close: Close) {
        self.rooms().closed = true;
        self.give_up_all(close).await;
    }

    /// Closes all rooms there are, each after its message in hand.
    async fn give_up_all(&self, close: Close) {
        let doors = stream::iter(self.doors());
        let closing = doors.for_each_concurrent(CLOSING, |(_, _, door)| async move {
            // Each by itself: one that panics is no reason to leave the others open.
            let _ = tokio::spawn(door.close(close)).await;
        });
        closing.await;
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms
            .lock()
            .expect("nothing panics while it holds the registry's lock")
    }
}

impl Host for Registry {
    fn game(&self, name: &str) -> Option<&'static str> {
        self.game(name)
    }

    fn door(&self, game: &str, room: &RoomId) -> Option<Arc<dyn Door>> {
        self.door(game, room)
    }

    fn doors(&self) -> Vec<(&'static str, RoomId, Arc<dyn Door>)> {
        self.doors()
    }

    fn find<'a>(
        &'a self,
        game: &'static str,
        room: &'a RoomId,
    ) -> BoxFuture<'a, Result<Arc<dyn Door>, NoRoom>> {
        Box::pin(self.find(game, room))
    }

    fn admit<'a>(
        &'a self,
        game: &'static str,
        room: &'a RoomId,
        visitor: Visitor,
    ) -> BoxFuture<'a, Result<Arc<dyn Door>, NoRoom>> {
        Box::pin(self.admit(game, room, visitor))
    }

    fn take_over<'a>(
        &'a self,
        game: &'static str,
        key: &'a RoomKey,
        claim: Claim,
        replica: &'a Replica,
    ) -> BoxFuture<'a, Result<(), NoRoom>> {
        Box::pin(self.take_over(game, key, claim, replica))
    }

    fn forget_door(&self, game: &'static str, room: &RoomId, door: &Arc<dyn Door>) {
        self.forget_door(game, room, door);
    }

    fn give_up_all(&self, close: Close) -> BoxFuture<'_, ()> {
        Box::pin(self.give_up_all(close))
    }

    fn next_connection(&self) -> Connection {
        arrival::next()
    }

    fn next_found(&self) -> Connection {
        arrival::next_found()
    }
}

impl Keeper for Registry {
    fn forget(&self, room: &Identity) {
        let mut rooms = self.rooms();
        let key = (room.game, room.room.clone());
        if rooms
            .open
            .get(&key)
            .is_some_and(|open| open.number == room.opened)
        {
            rooms.open.remove(&key);
        }
        // What a rush of rooms took is given back, but not at each room's end.
        if rooms.open.capacity() > 64 && rooms.open.len() < rooms.open.capacity() / 8 {
            rooms.open.shrink_to_fit();
        }
    }

    fn go_on(&self, room: &Identity) {
        let (me, game, room) = (self.me.clone(), room.game, room.room.clone());
        tokio::spawn(async move {
            for _ in 0..MOST_REOPENINGS {
                sleep(REOPEN_AFTER).await;
                let Some(registry) = me.upgrade() else {
                    return;
                };
                match registry.find(game, &room).await {
                    Ok(door) => {
                        // Another node goes on with it: nobody here wants to hear of it.
                        if let Some(replica) = door.replica() {
                            replica.leave_if_empty();
                        }
                        return;
                    }
                    Err(NoRoom::Ending | NoRoom::Unreadable) => return,
                    Err(NoRoom::Unavailable(_) | NoRoom::TooMany) => {}
                }
            }
        });
    }

    fn call_at(&self, at: Timestamp, room: Weak<dyn Door>) -> Call {
        self.deadlines.call_at(at, room)
    }

    fn call_off(&self, call: Call) {
        self.deadlines.call_off(call);
    }
}

#[cfg(test)]
mod tests;
