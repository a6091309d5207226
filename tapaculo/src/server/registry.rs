//! Which room a connection goes to: rooms are made by the first who joins and forgotten when they
//! are over.

use super::deadlines::Deadlines;
use crate::{
    auth::word,
    clock::{Clock, Timestamp},
    closures::{Closures, Handlers},
    game::{Game, Identity, Settings},
    ids::RoomId,
    protocol::{Close, ErrorCode, frames},
    room::{Call, Door, Keeper, LockedRoom, Visitor},
    store::{MemoryStore, Store},
};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, Weak},
};
use tokio::task::JoinSet;

/// The length of a room's epoch, a random word: a hundred bits.
const EPOCH_CHARACTERS: usize = 20;

/// A game that is served, whatever its types.
pub(super) trait AnyGame: Send + Sync {
    /// The game's name.
    fn name(&self) -> &'static str;

    /// Makes a room that nobody is in yet.
    fn open(&self, room: RoomId, registry: &Registry) -> (Identity, Arc<dyn Door>);
}

/// The game `G`, and what its rooms are like on this server.
pub(super) struct Served<G: Game> {
    settings: Settings,
    /// The game of a room, if there is one before somebody joins.
    begin: Begin<G>,
}

type Begin<G> = Box<dyn Fn(&Weak<LockedRoom<G>>) -> Option<G> + Send + Sync>;

impl<G: Game> Served<G> {
    /// A game as it is declared.
    pub(super) fn declared() -> Self {
        Self {
            settings: G::SETTINGS,
            begin: Box::new(|_| None),
        }
    }
}

impl Served<Closures> {
    /// Rooms of these closures.
    pub(super) fn closures(settings: Settings, handlers: Handlers) -> Self {
        let handlers = Arc::new(handlers);
        Self {
            settings,
            begin: Box::new(move |room| Some(Closures::new(Arc::clone(&handlers), room))),
        }
    }
}

impl<G: Game> AnyGame for Served<G> {
    fn name(&self) -> &'static str {
        G::NAME
    }

    fn open(&self, room: RoomId, registry: &Registry) -> (Identity, Arc<dyn Door>) {
        let identity = Identity {
            game: G::NAME,
            room,
            epoch: word(EPOCH_CHARACTERS),
            settings: self.settings,
        };
        let room = LockedRoom::<G>::new(
            identity.clone(),
            &self.begin,
            rand::random(),
            registry.clock,
            Arc::clone(&registry.store),
            registry.me.clone() as Weak<dyn Keeper>,
        );
        (identity, room)
    }
}

/// The rooms of a server.
pub(super) struct Registry {
    me: Weak<Self>,
    games: HashMap<&'static str, Arc<dyn AnyGame>>,
    rooms: Mutex<Rooms>,
    max_rooms: usize,
    clock: Clock,
    store: Arc<dyn Store>,
    deadlines: Deadlines,
}

#[derive(Default)]
struct Rooms {
    open: HashMap<(&'static str, RoomId), Open>,
    /// No room is to be opened any more.
    closed: bool,
}

/// Why there is no room to go to.
enum NoRoom {
    /// The server ends.
    Ending,
    /// It would be one more than the server takes.
    TooMany,
}

struct Open {
    /// Tells this room from a later one of the same name.
    epoch: String,
    door: Arc<dyn Door>,
}

impl Registry {
    pub(super) fn new(
        games: Vec<Arc<dyn AnyGame>>,
        max_rooms: Option<usize>,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            games: games.into_iter().map(|game| (game.name(), game)).collect(),
            rooms: Mutex::default(),
            max_rooms: max_rooms.unwrap_or(usize::MAX),
            clock,
            store: Arc::new(MemoryStore),
            deadlines: Deadlines::new(clock),
        })
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
        mut visitor: Visitor,
    ) -> Option<Arc<dyn Door>> {
        loop {
            let door = match self.open(game, &room) {
                Ok(door) => door,
                Err(NoRoom::Ending) => {
                    visitor.outlet.dismiss(Close::Restarting);
                    return None;
                }
                Err(NoRoom::TooMany) => {
                    let words = "the server has all the rooms it can take";
                    let error = frames::error(ErrorCode::Unavailable, words, None);
                    visitor.outlet.answer(error);
                    visitor.outlet.dismiss(Close::TryLater);
                    return None;
                }
            };
            match Arc::clone(&door).join(visitor).await {
                Ok(()) => return Some(door),
                // It was over before its lock was free: the next one will be a new room.
                Err(back) => {
                    self.forget_door(game, &room, &door);
                    visitor = back;
                }
            }
        }
    }

    fn open(&self, game: &'static str, room: &RoomId) -> Result<Arc<dyn Door>, NoRoom> {
        let mut rooms = self.rooms();
        if rooms.closed {
            return Err(NoRoom::Ending);
        }
        let is_full = rooms.open.len() >= self.max_rooms;
        match rooms.open.entry((game, room.clone())) {
            Entry::Occupied(open) => Ok(Arc::clone(&open.get().door)),
            Entry::Vacant(_) if is_full => Err(NoRoom::TooMany),
            Entry::Vacant(vacant) => {
                let served = self.games.get(game).ok_or(NoRoom::Ending)?;
                let (identity, door) = served.open(room.clone(), self);
                let epoch = identity.epoch;
                let open = vacant.insert(Open { epoch, door });
                Ok(Arc::clone(&open.door))
            }
        }
    }

    /// A room, if there is one of this name.
    pub(super) fn door(&self, game: &str, room: &RoomId) -> Option<Arc<dyn Door>> {
        let key = (self.game(game)?, room.clone());
        let rooms = self.rooms();
        Some(Arc::clone(&rooms.open.get(&key)?.door))
    }

    /// All rooms there are, in any order.
    pub(super) fn doors(&self) -> Vec<(&'static str, RoomId, Arc<dyn Door>)> {
        let rooms = self.rooms();
        let open = rooms.open.iter();
        open.map(|((game, room), open)| (*game, room.clone(), Arc::clone(&open.door)))
            .collect()
    }

    /// Forgets a room that is over, if its end has not done so.
    fn forget_door(&self, game: &'static str, room: &RoomId, door: &Arc<dyn Door>) {
        let mut rooms = self.rooms();
        let key = (game, room.clone());
        let open = rooms.open.get(&key);
        if open.is_some_and(|open| Arc::ptr_eq(&open.door, door)) {
            rooms.open.remove(&key);
        }
    }

    /// Opens no more rooms and closes all there are, each after its message in hand.
    pub(super) async fn close_all(&self, close: Close) {
        let doors: Vec<_> = {
            let mut rooms = self.rooms();
            rooms.closed = true;
            let open = rooms.open.values();
            open.map(|open| Arc::clone(&open.door)).collect()
        };
        let mut closing: JoinSet<()> = doors.into_iter().map(|door| door.close(close)).collect();
        while closing.join_next().await.is_some() {}
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms
            .lock()
            .expect("nothing panics while it holds the registry's lock")
    }
}

impl Keeper for Registry {
    fn forget(&self, room: &Identity) {
        let mut rooms = self.rooms();
        let key = (room.game, room.room.clone());
        if rooms
            .open
            .get(&key)
            .is_some_and(|open| open.epoch == room.epoch)
        {
            rooms.open.remove(&key);
        }
        // What a rush of rooms took is given back, but not at each room's end.
        if rooms.open.capacity() > 64 && rooms.open.len() < rooms.open.capacity() / 8 {
            rooms.open.shrink_to_fit();
        }
    }

    fn call_at(&self, at: Timestamp, room: Weak<dyn Door>) -> Call {
        self.deadlines.call_at(at, room)
    }

    fn call_off(&self, call: Call) {
        self.deadlines.call_off(call);
    }
}
