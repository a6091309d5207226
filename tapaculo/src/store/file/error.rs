//! Why a file can't be used as a store.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
};

/// Why a file can't be used as a store.
#[derive(Debug)]
pub struct FileStoreError {
    kind: FileStoreErrorKind,
    path: PathBuf,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with the file of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileStoreErrorKind {
    /// Another store has it open, in this process or in another.
    InUse,
    /// It is something else than a store.
    NotAStore,
    /// It was written by a version of this library that keeps its rooms otherwise.
    Version,
    /// It was a store, and is not as it was written.
    Damaged,
    /// It can't be read, written or made; the source says why.
    Io,
}

impl FileStoreErrorKind {
    fn words(self) -> &'static str {
        match self {
            Self::InUse => "is in use: one process at a time may have it, and once",
            Self::NotAStore => "is not a store: give another path",
            Self::Version => "is a store of another version of this library",
            Self::Damaged => "is damaged: restore a copy of it, or give another path to begin anew",
            Self::Io => "can't be used",
        }
    }
}

impl FileStoreError {
    pub(super) fn new(kind: FileStoreErrorKind) -> Self {
        Self {
            kind,
            path: PathBuf::new(),
            source: None,
        }
    }

    pub(super) fn because(
        kind: FileStoreErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(kind)
        }
    }

    /// Says which file it is about.
    pub(super) fn of(mut self, path: &Path) -> Self {
        self.path = path.to_owned();
        self
    }

    /// All that is known of it, in one line.
    pub(super) fn in_full(&self) -> String {
        match &self.source {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }

    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> FileStoreErrorKind {
        self.kind
    }
}

impl fmt::Display for FileStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.as_os_str().is_empty() {
            return write!(f, "the file {}", self.kind.words());
        }
        write!(
            f,
            "the file `{}` {}",
            self.path.display(),
            self.kind.words()
        )
    }
}

impl Error for FileStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<io::Error> for FileStoreError {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::InvalidData => FileStoreErrorKind::NotAStore,
            io::ErrorKind::UnexpectedEof => FileStoreErrorKind::Damaged,
            _ => FileStoreErrorKind::Io,
        };
        Self::because(kind, error)
    }
}

impl From<redb::Error> for FileStoreError {
    fn from(error: redb::Error) -> Self {
        use redb::Error as Redb;
        match error {
            Redb::DatabaseAlreadyOpen | Redb::LockProtocolMismatch => {
                Self::new(FileStoreErrorKind::InUse)
            }
            Redb::UpgradeRequired(_) => Self::because(FileStoreErrorKind::Version, error),
            Redb::Io(error) => error.into(),
            Redb::Corrupted(_) | Redb::RepairAborted => {
                Self::because(FileStoreErrorKind::Damaged, error)
            }
            // A table of ours that has other types than ours.
            Redb::TableTypeMismatch { .. }
            | Redb::TableIsMultimap(_)
            | Redb::TypeDefinitionChanged { .. } => {
                Self::because(FileStoreErrorKind::NotAStore, error)
            }
            _ => Self::because(FileStoreErrorKind::Io, error),
        }
    }
}

impl From<redb::DatabaseError> for FileStoreError {
    fn from(error: redb::DatabaseError) -> Self {
        redb::Error::from(error).into()
    }
}
