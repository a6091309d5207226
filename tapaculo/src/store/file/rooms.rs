//! Which rooms this process has, and whether what is to be saved of one may be.

use super::tables::{Change, Row};
use crate::{
    clock::Timestamp,
    store::{Claim, Commit, RoomKey, StoreError, Then},
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How many claims one opening of the file can have, in bits. The bits above are the opening's
/// number, so that terms grow without being written down.
const CLAIMS_BITS: u32 = 32;

/// How long the file is left in peace at least before rooms are kept for longer.
const LEAST_EXTENSION: Duration = Duration::from_secs(1);

/// A commit that outlives the future that asks for it.
pub(super) struct Save {
    room: RoomKey,
    term: u64,
    number: u64,
    anew: bool,
    put: Vec<(String, Vec<u8>)>,
    delete: Vec<String>,
    then: Then,
    keep_for: Duration,
}

impl From<Commit<'_>> for Save {
    fn from(commit: Commit<'_>) -> Self {
        // There are no other nodes to publish anything to.
        Self {
            room: commit.room.clone(),
            term: commit.term,
            number: commit.number,
            anew: commit.anew,
            put: commit.put,
            delete: commit.delete,
            then: commit.then,
            keep_for: commit.keep_for,
        }
    }
}

/// A room that this process runs.
#[derive(Clone, Copy)]
struct Held {
    term: u64,
    /// When it is to be kept for longer: never, if it is kept forever or nothing is.
    extend_at: Option<Instant>,
}

impl Held {
    /// Kept in the file for so long from now.
    fn new(term: u64, keep_for: Duration) -> Self {
        // Whoever is killed in between finds it kept for half of its time at least.
        let extend_in = (keep_for / 2).max(LEAST_EXTENSION);
        Self {
            term,
            extend_at: Instant::now().checked_add(extend_in),
        }
    }
}

/// The rooms that this process has, by its claims.
#[derive(Default)]
pub(super) struct Rooms {
    /// The opening of the file in which all of them were claimed.
    opening: u64,
    claims: u64,
    held: HashMap<RoomKey, Held>,
    /// What the transaction in hand makes of them: `None` for one that is let go.
    staged: HashMap<RoomKey, Option<Held>>,
    /// When the next of them is to be kept for longer, or earlier.
    extend_at: Option<Instant>,
}

impl Rooms {
    /// None yet, in an opening of the file.
    pub(super) fn new(opening: u64) -> Self {
        Self {
            opening,
            ..Self::default()
        }
    }

    /// In which opening of the file they were claimed.
    pub(super) fn opening(&self) -> u64 {
        self.opening
    }

    /// The transaction is on the disk.
    pub(super) fn settle(&mut self) {
        for (room, held) in self.staged.drain() {
            let at = held.and_then(|held| held.extend_at);
            self.extend_at = earlier(self.extend_at, at);
            match held {
                Some(held) => self.held.insert(room, held),
                None => self.held.remove(&room),
            };
        }
    }

    /// The transaction has failed.
    pub(super) fn undo(&mut self) {
        self.staged.clear();
        // Some may have been due.
        self.extend_at = Some(Instant::now() + LEAST_EXTENSION);
    }

    fn get(&self, room: &RoomKey) -> Option<Held> {
        let staged = self.staged.get(room).copied();
        staged.unwrap_or_else(|| self.held.get(room).copied())
    }

    /// A room is this process's from now on, whoever in it had it before.
    pub(super) fn claim(
        &mut self,
        room: RoomKey,
        change: &mut Change,
        now: Timestamp,
    ) -> Result<Claim, redb::Error> {
        let row = change.row(&room)?;
        let is_over = row.is_some_and(|row| row.until <= now) && self.get(&room).is_none();
        if is_over {
            change.forget(&room)?;
        }
        let saved = change.read(&room)?;
        self.claims += 1;
        let term = (self.opening << CLAIMS_BITS) + self.claims;
        let keep_for = row.map_or(Duration::MAX, |row| row.keep_for);
        let held = Held::new(term, keep_for);
        self.staged.insert(room, Some(held));
        Ok(Claim { term, saved })
    }

    /// Saves a commit, if it is the next one of whoever has the room.
    pub(super) fn save(
        &mut self,
        save: Save,
        change: &mut Change,
        now: Timestamp,
    ) -> Result<Result<(), StoreError>, redb::Error> {
        let Save { room, term, .. } = &save;
        if self.get(room).is_none_or(|held| held.term != *term) {
            return Ok(Err(StoreError::Lost));
        }
        let row = change.row(room)?;
        let last = row.map_or(0, |row| row.number);
        let is_next = last.checked_add(1) == Some(save.number);
        let is_repeat = row.is_some() && save.number == last;
        match save.then {
            // Its repeat finds nothing.
            Then::Remove if row.is_none() => {}
            Then::Remove if is_next => change.forget(room)?,
            Then::Keep | Then::Release if is_repeat => {}
            Then::Keep | Then::Release if is_next => {
                if save.anew {
                    change.clear(room)?;
                }
                change.delete(room, &save.delete)?;
                change.put(room, &save.put)?;
                let row = Row {
                    number: save.number,
                    until: now + save.keep_for,
                    keep_for: save.keep_for,
                };
                change.set_row(room, row)?;
            }
            Then::Keep | Then::Release | Then::Remove => return Ok(Err(StoreError::Behind)),
        }
        let held = match save.then {
            Then::Keep => Some(Held::new(*term, save.keep_for)),
            Then::Release | Then::Remove => None,
        };
        self.staged.insert(save.room, held);
        Ok(Ok(()))
    }

    /// The rooms in the file that nobody has.
    pub(super) fn left(
        &self,
        change: &Change,
        now: Timestamp,
    ) -> Result<Vec<RoomKey>, redb::Error> {
        let rooms = change.rooms()?.into_iter();
        let left = rooms.filter(|(room, row)| row.until > now && self.get(room).is_none());
        Ok(left.map(|(room, _)| room).collect())
    }

    /// When rooms are to be kept for longer, because they are still held though nothing was saved.
    pub(super) fn extend_at(&self) -> Option<Instant> {
        self.extend_at
    }

    /// Keeps rooms for longer: those that are to be so at certain moments.
    pub(super) fn extend(
        &mut self,
        is_due: impl Fn(Instant) -> bool,
        change: &mut Change,
        now: Timestamp,
    ) -> Result<(), redb::Error> {
        self.extend_at = None;
        for (room, held) in &self.held {
            let Some(at) = held.extend_at else {
                continue;
            };
            if is_due(at)
                && let Some(row) = change.row(room)?
            {
                let until = now + row.keep_for;
                change.set_row(room, Row { until, ..row })?;
                let held = Held::new(held.term, row.keep_for);
                self.staged.insert(room.clone(), Some(held));
            } else {
                self.extend_at = earlier(self.extend_at, Some(at));
            }
        }
        Ok(())
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}
