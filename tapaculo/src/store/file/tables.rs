//! What the file looks like, and one transaction on it.
//!
//! Three tables. `tapaculo` has the version of all this and how often the file was opened, `rooms` the
//! number of each room's last commit and how long it is kept, `cells` what was saved, by game, room and
//! name. Names are parts of a key, never pasted into one, so that none can reach into another's.

use super::{
    error::{FileStoreError, FileStoreErrorKind},
    glance::Glance,
};
use crate::{
    clock::Timestamp,
    ids::RoomId,
    store::{Cells, RoomKey, Saved},
};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition, TableError, WriteTransaction,
};
use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// What is written here: to be raised whenever an older version could not read it.
const VERSION: u64 = 1;

/// How much of the file is kept in memory.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Numbers of the file itself.
const FILE: TableDefinition<&str, u64> = TableDefinition::new("tapaculo");
/// In [`FILE`]: the [`VERSION`] by which it was written.
const KEY_VERSION: &str = "version";
/// In [`FILE`]: how often it was opened.
const KEY_OPENED: &str = "opened";

/// Game and room → number of the last commit, until when it is kept, for how long it is kept, both in
/// milliseconds.
const ROOMS: TableDefinition<(&str, &str), (u64, u64, u64)> = TableDefinition::new("rooms");

/// Game, room and name → what was saved.
const CELLS: TableDefinition<(&str, &str, &str), &[u8]> = TableDefinition::new("cells");

/// The file, open.
pub(super) struct Tables {
    database: Database,
    /// Which opening of the file this is, from 1; in this life of it nobody else writes.
    opening: u64,
}

/// What is known of a room besides its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The number of its last commit.
    pub(super) number: u64,
    /// When it may be forgotten, if nobody has it.
    pub(super) until: Timestamp,
    /// How long it is kept when nothing more is saved.
    pub(super) keep_for: Duration,
}

impl Tables {
    /// Opens a file, if it is a store and in order; otherwise it is left as it is.
    pub(super) fn open<B: StorageBackend>(
        file: impl Fn() -> Result<B, DatabaseError>,
    ) -> Result<Self, FileStoreError> {
        // What a file is opened by trusts it, and may panic if it was damaged.
        let opening = AssertUnwindSafe(|| {
            check(Glance::at(file()?).map_err(DatabaseError::from)?)?;
            Ok(open(file()?)?)
        });
        let opened = catch_unwind(opening).unwrap_or_else(|_| {
            let damaged = FileStoreErrorKind::Damaged;
            Err(FileStoreError::new(damaged))
        });
        let database = opened?;
        let opening = opened_before(&database)?;
        Ok(Self { database, opening })
    }

    /// How often the file was opened for work when this was opened.
    pub(super) fn opening(&self) -> u64 {
        self.opening
    }

    pub(super) fn begin(&self) -> Result<Change, redb::Error> {
        Ok(Change {
            // A sync for each transaction is the default. A second one would only help against whoever
            // knows the file, writes rooms and cuts the power at a moment of their choice.
            transaction: self.database.begin_write()?,
            is_dirty: false,
        })
    }

    /// Counts this opening, and forgets the rooms whose time is over.
    pub(super) fn take_up(&mut self, now: Timestamp) -> Result<(), redb::Error> {
        let mut change = self.begin()?;
        for (room, row) in change.rooms()? {
            if row.until <= now {
                change.forget(&room)?;
            }
        }
        let mut file = change.transaction.open_table(FILE)?;
        file.insert(KEY_VERSION, VERSION)?;
        file.insert(KEY_OPENED, self.opening + 1)?;
        drop(file);
        change.is_dirty = true;
        change.finish()?;
        self.opening += 1;
        Ok(())
    }
}

fn open(file: impl StorageBackend) -> Result<Database, redb::Error> {
    let mut builder = Builder::new();
    let database = builder
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(file);
    Ok(database?)
}

/// Reads all of a file: whose it is, and whether it is in order.
fn check(file: impl StorageBackend) -> Result<(), FileStoreError> {
    let mut database = open(file)?;
    opened_before(&database)?;
    // `false` if a crash has left something to mend, which is no damage.
    let _ = database.check_integrity().map_err(redb::Error::from)?;
    Ok(())
}

/// How often a file of ours was opened; zero if it is new.
fn opened_before(database: &Database) -> Result<u64, FileStoreError> {
    let read = || -> Result<Result<u64, FileStoreErrorKind>, redb::Error> {
        let reading = database.begin_read()?;
        let file = match reading.open_table(FILE) {
            Ok(file) => file,
            Err(TableError::TableDoesNotExist(_)) => {
                let is_new = reading.list_tables()?.next().is_none()
                    && reading.list_multimap_tables()?.next().is_none();
                return Ok(if is_new {
                    Ok(0)
                } else {
                    Err(FileStoreErrorKind::NotAStore)
                });
            }
            Err(error) => return Err(error.into()),
        };
        let read = |key| -> Result<Option<u64>, redb::Error> {
            Ok(file.get(key)?.map(|value| value.value()))
        };
        Ok(match read(KEY_VERSION)? {
            Some(VERSION) => Ok(read(KEY_OPENED)?.unwrap_or(0)),
            Some(_) => Err(FileStoreErrorKind::Version),
            None => Err(FileStoreErrorKind::NotAStore),
        })
    };
    read()?.map_err(FileStoreError::new)
}

/// What is changed in one step, and read in the course of it.
pub(super) struct Change {
    transaction: WriteTransaction,
    /// Whether there is anything to write.
    is_dirty: bool,
}

impl Change {
    pub(super) fn row(&self, room: &RoomKey) -> Result<Option<Row>, redb::Error> {
        let rooms = self.transaction.open_table(ROOMS)?;
        let row = rooms.get(key(room))?;
        Ok(row.map(|row| row.value().into()))
    }

    pub(super) fn set_row(&mut self, room: &RoomKey, row: Row) -> Result<(), redb::Error> {
        self.is_dirty = true;
        let mut rooms = self.transaction.open_table(ROOMS)?;
        rooms.insert(key(room), <(u64, u64, u64)>::from(row))?;
        Ok(())
    }

    /// A room as it was saved.
    pub(super) fn read(&self, room: &RoomKey) -> Result<Option<Saved>, redb::Error> {
        let Some(row) = self.row(room)? else {
            return Ok(None);
        };
        let cells = self.transaction.open_table(CELLS)?;
        let mut saved = Cells::new();
        let next = next(room);
        for cell in cells.range(cells_of(room, &next))? {
            let (key, value) = cell?;
            saved.insert(key.value().2.to_owned(), value.value().to_owned());
        }
        Ok(Some(Saved {
            cells: saved,
            number: row.number,
            doubtful: false,
        }))
    }

    pub(super) fn put(
        &mut self,
        room: &RoomKey,
        cells: &[(String, Vec<u8>)],
    ) -> Result<(), redb::Error> {
        self.is_dirty = true;
        let mut table = self.transaction.open_table(CELLS)?;
        for (name, value) in cells {
            table.insert(
                (&*room.game, room.room.as_str(), name.as_str()),
                value.as_slice(),
            )?;
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, room: &RoomKey, cells: &[String]) -> Result<(), redb::Error> {
        self.is_dirty = true;
        let mut table = self.transaction.open_table(CELLS)?;
        for name in cells {
            table.remove((&*room.game, room.room.as_str(), name.as_str()))?;
        }
        Ok(())
    }

    pub(super) fn clear(&mut self, room: &RoomKey) -> Result<(), redb::Error> {
        self.is_dirty = true;
        let mut cells = self.transaction.open_table(CELLS)?;
        let next = next(room);
        cells.retain_in(cells_of(room, &next), |_, _| false)?;
        Ok(())
    }

    /// A room, and all that was saved of it.
    pub(super) fn forget(&mut self, room: &RoomKey) -> Result<(), redb::Error> {
        self.clear(room)?;
        let mut rooms = self.transaction.open_table(ROOMS)?;
        rooms.remove(key(room))?;
        Ok(())
    }

    /// All rooms in the file.
    pub(super) fn rooms(&self) -> Result<Vec<(RoomKey, Row)>, redb::Error> {
        let rooms = self.transaction.open_table(ROOMS)?;
        let all = rooms.iter()?;
        all.map(|room| {
            let (key, row) = room?;
            let (game, room) = key.value();
            let room = RoomId::new(room)
                .map_err(|why| redb::Error::Corrupted(format!("the name of a room {why}")))?;
            let game = game.into();
            Ok((RoomKey { game, room }, row.value().into()))
        })
        .collect()
    }

    /// Ready once it is on the disk, if there was anything to write.
    pub(super) fn finish(self) -> Result<(), redb::Error> {
        if self.is_dirty {
            self.transaction.commit()?;
        } else {
            self.transaction.abort()?;
        }
        Ok(())
    }
}

fn key(room: &RoomKey) -> (&str, &str) {
    (&room.game, room.room.as_str())
}

/// The least name that comes after a room's, with nothing between.
fn next(room: &RoomKey) -> String {
    format!("{}\0", room.room)
}

type CellKey<'a> = (&'a str, &'a str, &'a str);

fn cells_of<'a>(room: &'a RoomKey, next: &'a str) -> Range<CellKey<'a>> {
    let (game, room) = key(room);
    (game, room, "")..(game, next, "")
}

impl From<(u64, u64, u64)> for Row {
    fn from((number, until, keep_for): (u64, u64, u64)) -> Self {
        Self {
            number,
            until: Timestamp::from_millis(until),
            keep_for: Duration::from_millis(keep_for),
        }
    }
}

impl From<Row> for (u64, u64, u64) {
    fn from(row: Row) -> Self {
        let keep_for = u64::try_from(row.keep_for.as_millis()).unwrap_or(u64::MAX);
        (row.number, row.until.as_millis(), keep_for)
    }
}
