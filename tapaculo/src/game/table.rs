//! What a handler may touch of its room, without the game's types: who is there, the time, and
//! what it has said and done so far.

use super::{
    Census, Connection, Metadata, Newcomer, Occupancy, PastEvent, Refusal, Rest, Roster, SeatError,
    Settings, TakenOver,
    handle::Posts,
    timers::{AnyTimer, TimerId, Timers},
};
use crate::{
    clock::Timestamp,
    ids::{RoomId, UserId},
    log::{Audience, Entry, SharedLog},
    protocol::{Author, Encoded, Seq, frames},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::value::RawValue;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// Where a room is and what it may use: its identity, set once.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) game: &'static str,
    pub(crate) room: RoomId,
    /// A word that changes whenever the room's numbers start anew.
    pub(crate) epoch: String,
    pub(crate) settings: Settings,
    /// Tells this life of the room in this process from others.
    pub(crate) opened: u64,
}

/// The room as its handlers see it.
///
/// What a handler says and does is *staged*, and becomes part of the room when the handler is
/// settled: all of it if it returned `Ok`, none of it otherwise.
pub(crate) struct Table {
    pub(crate) identity: Identity,
    pub(crate) roster: Roster,
    pub(crate) created: Timestamp,
    pub(crate) now: Timestamp,
    /// What the next handler's randomness begins with: a failed one's is drawn again.
    seed: [u8; 32],
    /// The randomness of the handler in hand, if it has asked for any.
    rng: Option<StdRng>,
    /// Read here; written when what it is to get is committed.
    pub(crate) log: SharedLog,
    /// The last number given to a settled event.
    pub(crate) last: Seq,
    pub(crate) timers: Timers,
    pub(crate) posts: Arc<Posts>,
    metadata: HashMap<UserId, Arc<Metadata>>,
    /// Of whom something else is known since somebody asked.
    learned: BTreeSet<UserId>,
    /// Who caused what is being staged.
    author: Author,
    staged: Staged,
}

/// What a handler has said and done, until it is settled.
#[derive(Default)]
struct Staged {
    events: Vec<Entry>,
    asides: Vec<(Seq, Aside)>,
    timers: Vec<(TimerId, Timestamp, AnyTimer)>,
    cancelled: Vec<TimerId>,
    /// `None` for what is to be forgotten.
    metadata: HashMap<UserId, Option<Arc<Metadata>>>,
    /// In a mutex, which is never locked, for the reason that timers are.
    rest: Option<Mutex<Rest>>,
    /// The first thing that could not be encoded: it fails the handler that said it.
    error: Option<Refusal>,
}

/// What a handler did besides saying something that has a number.
#[derive(Debug)]
pub(crate) enum Aside {
    /// Say this to everyone who has an ear for it just now.
    Volatile(Encoded),
    /// Forget an event.
    Redact(Seq),
    /// Send a member away.
    Kick(UserId, Arc<str>),
    /// Send everyone away.
    Close(Arc<str>),
}

/// What a handler that succeeded leaves to be done: events, and what comes after the event with
/// that number.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) events: Vec<Arc<Entry>>,
    pub(crate) asides: Vec<(Seq, Aside)>,
    /// The members of whom something else is to be shown.
    pub(crate) changed: Vec<UserId>,
    /// What is left of the handler.
    pub(crate) rest: Option<Rest>,
}

impl Table {
    pub(crate) fn new(
        identity: Identity,
        seed: [u8; 32],
        now: Timestamp,
        posts: Arc<Posts>,
    ) -> Self {
        Self {
            log: SharedLog::new(identity.settings.history),
            identity,
            roster: Roster::default(),
            created: now,
            now,
            seed,
            rng: None,
            last: Seq::default(),
            timers: Timers::default(),
            posts,
            metadata: HashMap::new(),
            learned: BTreeSet::new(),
            author: Author::Server,
            staged: Staged::default(),
        }
    }

    /// Gives a newcomer a place, under the name that the room knows it by.
    pub(crate) fn admit(
        &mut self,
        newcomer: Newcomer,
        connection: Connection,
    ) -> Result<(), SeatError> {
        let user = newcomer.user.clone();
        let settings = self.identity.settings;
        self.roster
            .admit(newcomer, connection, self.last, &settings)?;
        self.name(&user);
        Ok(())
    }

    /// Gives a user who comes back its place, if it has one.
    pub(crate) fn take_over(
        &mut self,
        newcomer: &Newcomer,
        connection: Connection,
    ) -> Option<TakenOver> {
        let taken = self.roster.take_over(newcomer, connection)?;
        self.name(&newcomer.user);
        Some(taken)
    }

    fn name(&mut self, user: &UserId) {
        let known = self.metadata.get(user);
        let name = known.and_then(|known| known.name.as_deref());
        let name = name.filter(|name| !name.is_empty());
        self.roster.rename(user, name);
    }

    /// A handler is about to run on behalf of somebody.
    pub(crate) fn begin(&mut self, author: Author) {
        self.discard();
        self.author = author;
    }

    /// The randomness of the handler in hand.
    pub(crate) fn rng(&mut self) -> &mut StdRng {
        self.rng.get_or_insert_with(|| StdRng::from_seed(self.seed))
    }

    /// Stages an event; it has its number at once, since nobody else can stage one meanwhile.
    pub(crate) fn stage(&mut self, audience: Audience, data: Result<Box<RawValue>, Refusal>) {
        let Some(data) = self.encoded(data) else {
            return;
        };
        let seq = self.last_staged().next();
        let frame = frames::event(seq, &self.author, &data);
        self.staged.events.push(Entry {
            seq,
            at: self.now,
            author: self.author.clone(),
            audience,
            frame,
        });
    }

    pub(crate) fn stage_volatile(&mut self, data: Result<Box<RawValue>, Refusal>) {
        if let Some(data) = self.encoded(data) {
            let frame = frames::volatile(&self.author, &data);
            self.stage_aside(Aside::Volatile(frame));
        }
    }

    pub(crate) fn stage_aside(&mut self, aside: Aside) {
        let after = self.last_staged();
        self.staged.asides.push((after, aside));
    }

    /// Fails the handler in hand.
    pub(crate) fn fail(&mut self, refusal: Refusal) {
        self.staged.error.get_or_insert(refusal);
    }

    fn encoded(&mut self, data: Result<Box<RawValue>, Refusal>) -> Option<Box<RawValue>> {
        data.map_err(|refusal| self.fail(refusal)).ok()
    }

    /// The number of the last event, staged ones included.
    pub(crate) fn last_staged(&self) -> Seq {
        let staged = self.staged.events.last();
        staged.map_or(self.last, |entry| entry.seq)
    }

    pub(crate) fn stage_timer(&mut self, at: Timestamp, timer: AnyTimer) -> TimerId {
        let id = self.timers.next_id();
        self.staged.timers.push((id, at, timer));
        id
    }

    pub(crate) fn stage_cancel(&mut self, id: TimerId) {
        self.staged.cancelled.push(id);
    }

    /// `None` has it forgotten.
    pub(crate) fn stage_metadata(&mut self, user: UserId, metadata: Option<Metadata>) {
        self.staged.metadata.insert(user, metadata.map(Arc::new));
    }

    /// Has the handler go on beside the room once it has returned.
    pub(crate) fn go_on(&mut self, rest: Rest) {
        self.staged.rest = Some(Mutex::new(rest));
    }

    /// How full the room is.
    pub(crate) fn occupancy(&self) -> Occupancy {
        let settings = &self.identity.settings;
        let players = self.roster.seated();
        Occupancy {
            players,
            spectators: self.roster.len() - players,
            seats: settings.seats.map(|seats| seats as usize),
            is_full: self.roster.is_full(settings),
            created: self.created,
        }
    }

    /// Who is there.
    pub(crate) fn census(&self) -> Census {
        let places = self.roster.places();
        let members = places.map(|place| (place.member.clone(), place.connection.is_some()));
        Census {
            occupancy: self.occupancy(),
            members: members.collect(),
        }
    }

    /// The newest events of the history, oldest first.
    pub(crate) fn history(&self, most: usize) -> Vec<PastEvent> {
        let log = self.log.read();
        let kept = log.history();
        let skip = kept.len().saturating_sub(most);
        kept.skip(skip)
            .filter_map(|entry| PastEvent::of(entry))
            .collect()
    }

    /// What is known of a user, as the handler in hand has left it.
    pub(crate) fn metadata(&self, user: &UserId) -> Option<&Metadata> {
        match self.staged.metadata.get(user) {
            Some(staged) => staged.as_deref(),
            None => self.metadata.get(user).map(|known| &**known),
        }
    }

    /// Takes note of what is known of a user; answers whether something else is to be shown for a
    /// member.
    fn learn(&mut self, user: &UserId, metadata: Option<Arc<Metadata>>) -> bool {
        let shown = |known: &Metadata| (known.name.clone(), known.avatar.clone());
        let now = metadata.as_deref().map(shown).unwrap_or_default();
        let before = match metadata {
            Some(metadata) => self.metadata.insert(user.clone(), metadata),
            None => self.metadata.remove(user),
        };
        self.learned.insert(user.clone());
        self.name(user);
        let before = before.as_deref().map(shown).unwrap_or_default();
        before != now && self.roster.by_user(user).is_some()
    }

    /// The users of whom something else is known since this was asked, and what.
    pub(crate) fn take_learned(&mut self) -> Vec<(UserId, Option<Arc<Metadata>>)> {
        let users = std::mem::take(&mut self.learned).into_iter();
        let known = &self.metadata;
        users
            .map(|user| {
                let known = known.get(&user).cloned();
                (user, known)
            })
            .collect()
    }

    /// All that is known of anybody.
    pub(crate) fn all_metadata(&self) -> &HashMap<UserId, Arc<Metadata>> {
        &self.metadata
    }

    /// Takes note of what was known of a user in another life of the room.
    pub(crate) fn know(&mut self, user: UserId, metadata: Metadata) {
        self.metadata.insert(user, Arc::new(metadata));
    }

    pub(crate) fn seed(&self) -> [u8; 32] {
        self.seed
    }

    pub(crate) fn reseed(&mut self, seed: [u8; 32]) {
        self.seed = seed;
    }

    /// The handler succeeded: what it said and did is the room's.
    pub(crate) fn settle(&mut self) -> Result<Settled, Refusal> {
        let mut staged = std::mem::take(&mut self.staged);
        if let Some(refusal) = staged.error.take() {
            return Err(refusal);
        }
        if let Some(entry) = staged.events.last() {
            self.last = entry.seq;
        }
        if let Some(mut rng) = self.rng.take() {
            rng.fill_bytes(&mut self.seed);
        }
        for (id, at, timer) in staged.timers {
            self.timers.set(id, at, timer);
        }
        for id in staged.cancelled {
            self.timers.cancel(id);
        }
        let mut changed = Vec::new();
        for (user, metadata) in staged.metadata {
            if self.learn(&user, metadata) {
                changed.push(user);
            }
        }
        let rest = staged.rest.take();
        Ok(Settled {
            changed,
            rest: rest.map(|rest| rest.into_inner().unwrap_or_else(PoisonError::into_inner)),
            events: staged.events.into_iter().map(Arc::new).collect(),
            asides: staged.asides,
        })
    }

    /// The handler failed: it has said and done nothing.
    pub(crate) fn discard(&mut self) {
        self.staged = Staged::default();
        self.rng = None;
    }
}
