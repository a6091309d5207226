//! Rooms in one file: a server that restarts goes on with its games.
//!
//! One thread has the file. It gathers what waits into one transaction, so that one sync of the disk
//! serves many rooms, and answers when that is done.

mod error;
mod glance;
mod rooms;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

pub use self::error::{FileStoreError, FileStoreErrorKind};

use self::{
    rooms::Save,
    tables::Tables,
    writer::{Job, Writer},
};
use super::{
    Claimed, Commit, NodeId, RoomKey, Store, StoreError,
    storage::{Keeper, Storage, sealed::Sealed},
};
use futures_util::future::BoxFuture;
use redb::{DatabaseError, StorageBackend, backends::FileBackend};
use std::{
    fmt,
    fs::OpenOptions,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;

/// Keeps the rooms of a server in one file, so that a server that restarts, or was killed, goes on
/// with its games: those that are kept, `#[tapaculo::game(persist)]`.
///
/// ```no_run
/// use tapaculo::{FileStore, JwtAuth, Server};
///
/// # async fn serve() -> anyhow::Result<()> {
/// Server::new()
///     .with_auth(JwtAuth::new(std::env::var("TAPACULO_SECRET")?))
///     .with_store(FileStore::open("games.redb")?)
///     // .with_game::<Chess>()
///     .listen("0.0.0.0:8080")
///     .await
/// # }
/// ```
///
/// What a handler did is on the disk before anybody is told of it. Rooms that wait at the same time
/// share one sync of the disk: the more there is to do, the fewer it takes for each.
///
/// The file is for one process at a time, and for no network drive: those lock and sync as they like.
/// To copy it, stop the server first. If the disk is full or fails, the rooms that are kept are closed
/// with `1013`, whoever comes back is told `unavailable`, and they go on when it works again.
///
/// Needs the feature `file-store`.
pub struct FileStore {
    path: PathBuf,
    /// Where the writer gets its work from; `None` once the store is being dropped, which ends it.
    jobs: Option<mpsc::Sender<Job>>,
    /// `None` once it has ended.
    writer: Option<JoinHandle<()>>,
    /// What was told after it was copied is not in it.
    is_backup: bool,
}

impl FileStore {
    /// Opens a store, or makes one where there is no file, or an empty one.
    ///
    /// All of the file is read and checked, so that what is damaged is noticed here: that takes about
    /// a second for each gigabyte. Rooms whose time is over are forgotten.
    ///
    /// # Errors
    /// If it can't be read and written, another process has it, it is damaged, or it is no store of
    /// this version. Such a file is left as it is.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileStoreError> {
        let path = path.as_ref().to_owned();
        let file = path.clone();
        Self::begin(path, move || {
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false);
            FileBackend::new(options.open(&file)?)
        })
    }

    /// Opens a copy that was put back: players may know what has happened in its rooms since. Each room
    /// begins a new `epoch`, so that nobody goes on from a position that the copy has not got; otherwise
    /// as [`open`](Self::open), which is right from the next start on.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_backup(path: impl AsRef<Path>) -> Result<Self, FileStoreError> {
        let mut store = Self::open(path)?;
        store.is_backup = true;
        Ok(store)
    }

    /// Works with what `file` opens, which it does again after a failure.
    fn begin<B: StorageBackend>(
        path: PathBuf,
        file: impl Fn() -> Result<B, DatabaseError> + Send + 'static,
    ) -> Result<Self, FileStoreError> {
        let open = Box::new(move || Tables::open(&file));
        let writer = Writer::new(open).map_err(|error| error.of(&path))?;
        let (jobs, work) = mpsc::channel();
        let writer = thread::Builder::new()
            .name("tapaculo-store".to_owned())
            .spawn(move || writer.run(&work))
            .map_err(|error| FileStoreError::from(error).of(&path))?;
        Ok(Self {
            path,
            jobs: Some(jobs),
            writer: Some(writer),
            is_backup: false,
        })
    }

    /// Has the writer do something, and waits for its answer.
    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job,
    ) -> Result<T, StoreError> {
        let (sender, answer) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // If nobody takes it, the sender in it is dropped, which is an answer.
            let _ = jobs.send(job(sender));
        }
        let ended = || StoreError::Unavailable("the store's thread has ended".to_owned());
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Store for FileStore {
    fn keeps(&self) -> bool {
        true
    }

    fn claim<'a>(
        &'a self,
        room: &'a RoomKey,
        _from: Option<&'a NodeId>,
    ) -> BoxFuture<'a, Result<Claimed, StoreError>> {
        let room = room.clone();
        Box::pin(async {
            let mut claim = self.ask(|answer| Job::Claim(room, answer)).await?;
            if let Some(saved) = &mut claim.saved {
                saved.doubtful = self.is_backup;
            }
            Ok(Claimed::Ours(claim))
        })
    }

    fn commit<'a>(&'a self, commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        let save = Save::from(commit);
        Box::pin(self.ask(|answer| Job::Save(save, answer)))
    }

    fn left(&self) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>> {
        Box::pin(self.ask(Job::Left))
    }
}

impl Sealed for FileStore {
    fn keeper(self) -> Keeper {
        Keeper(Arc::new(self))
    }
}

impl Storage for FileStore {}

impl Drop for FileStore {
    /// Waits until all that was asked for is done and the file is closed.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "the store's thread panicked");
        }
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
