//! The thread that has the file: what waits becomes one transaction.

use super::{
    error::FileStoreError,
    rooms::{Rooms, Save},
    tables::{Change, Tables},
};
use crate::{
    clock::{Clock, Timestamp},
    store::{Claim, RoomKey, StoreError},
};
use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How many jobs share a transaction at most: with more, the first would wait for long.
const BATCH: usize = 1024;

/// How long the file is left alone after a failure: each try opens it anew.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked for.
pub(super) enum Job {
    Claim(RoomKey, Answer<Claim>),
    Save(Save, Answer<()>),
    Left(Answer<Vec<RoomKey>>),
}

/// Tells whoever asked, once it is known what became of the transaction.
type Reply = Box<dyn FnOnce(Result<(), StoreError>)>;

fn reply<T: 'static>(answer: Answer<T>, result: Result<T, StoreError>) -> Reply {
    Box::new(move |done| {
        // Whoever asked may have stopped waiting.
        let _ = answer.send(done.and(result));
    })
}

impl Job {
    /// Does it, as a part of a transaction.
    fn run(
        self,
        rooms: &mut Rooms,
        change: &mut Change,
        now: Timestamp,
    ) -> Result<Reply, redb::Error> {
        Ok(match self {
            Self::Claim(room, answer) => reply(answer, Ok(rooms.claim(room, change, now)?)),
            Self::Save(save, answer) => reply(answer, rooms.save(save, change, now)?),
            Self::Left(answer) => reply(answer, Ok(rooms.left(change, now)?)),
        })
    }

    fn fail(self, why: StoreError) {
        match self {
            Self::Claim(_, answer) => reply(answer, Err(why))(Ok(())),
            Self::Save(_, answer) => reply(answer, Err(why))(Ok(())),
            Self::Left(answer) => reply(answer, Err(why))(Ok(())),
        }
    }
}

pub(super) type Open = Box<dyn Fn() -> Result<Tables, FileStoreError> + Send>;

/// Does what is asked of a store.
pub(super) struct Writer {
    open: Open,
    /// `None` after a failure, until it is opened again.
    tables: Option<Tables>,
    /// Not before then is it opened again.
    retry_at: Option<Instant>,
    rooms: Rooms,
    clock: Clock,
}

impl Writer {
    pub(super) fn new(open: Open) -> Result<Self, FileStoreError> {
        let mut writer = Self {
            open,
            tables: None,
            retry_at: None,
            rooms: Rooms::default(),
            clock: Clock::start(),
        };
        writer.open()?;
        Ok(writer)
    }

    /// Opens the file, for the first time or after a failure.
    fn open(&mut self) -> Result<(), FileStoreError> {
        let mut tables = (self.open)()?;
        // After a failure the file was nobody's for a moment. If somebody else had it then, it is no
        // longer what the rooms here go on from.
        if tables.opening() != self.rooms.opening() || tables.opening() == 0 {
            tables.take_up(self.clock.now())?;
            self.rooms = Rooms::new(tables.opening());
        }
        self.tables = Some(tables);
        Ok(())
    }

    /// Works until there is nobody left who could ask for anything.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match self.rooms.extend_at() {
                Some(at) => jobs.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match first {
                Ok(first) => self.work(iter::once(first).chain(jobs.try_iter().take(BATCH - 1))),
                Err(RecvTimeoutError::Timeout) => self.extend(|at| at <= Instant::now()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // Those who have rooms have them until now.
        self.extend(|_| true);
    }

    /// Does jobs in one transaction, and answers them.
    fn work(&mut self, mut jobs: impl Iterator<Item = Job>) {
        let mut replies = Vec::new();
        let done = self.transact(|rooms, change, now| {
            for job in &mut jobs {
                replies.push(job.run(rooms, change, now)?);
            }
            Ok(())
        });
        for reply in replies {
            reply(done.clone());
        }
        if let Err(error) = done {
            jobs.for_each(|job| job.fail(error.clone()));
        }
    }

    /// Keeps rooms for longer that are held though nothing is saved.
    fn extend(&mut self, is_due: impl Fn(Instant) -> bool) {
        // If it fails, that is logged, and tried again.
        let _ = self.transact(|rooms, change, now| rooms.extend(is_due, change, now));
    }

    /// Does something in one transaction.
    fn transact(
        &mut self,
        action: impl FnOnce(&mut Rooms, &mut Change, Timestamp) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        if self.retry_at.is_some_and(|at| at > Instant::now()) {
            return Err(unavailable("it has failed a moment ago"));
        }
        // It should not panic, whatever is in the file; if it does, that is one more way to fail.
        let done = catch_unwind(AssertUnwindSafe(|| -> Result<(), FileStoreError> {
            if self.tables.is_none() {
                self.open()?;
                tracing::info!("the store's file is open again");
            }
            let tables = self.tables.as_ref();
            let tables = tables.ok_or_else(|| FileStoreError::from(redb::Error::DatabaseClosed))?;
            let mut change = tables.begin()?;
            action(&mut self.rooms, &mut change, self.clock.now())?;
            change.finish()?;
            Ok(())
        }));
        let why = match done {
            Ok(Ok(())) => {
                self.rooms.settle();
                return Ok(());
            }
            Ok(Err(error)) => error.in_full(),
            Err(_) => "it panicked".to_owned(),
        };
        tracing::error!(why, "the store's file failed");
        self.rooms.undo();
        self.retry_at = Some(Instant::now() + PAUSE);
        // What is known of the file is in doubt: only to read it anew makes sure.
        let tables = self.tables.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(tables)));
        Err(unavailable(&why))
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}
