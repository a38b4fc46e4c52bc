//! `OpenError`: why a file cannot be used; and `Failure`: why a call failed later.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// A file of revocations that cannot be used. Nothing in it was changed.
///
/// ```
/// use sealed_session_sqlite::{OpenErrorKind, SqliteStore};
///
/// let error = SqliteStore::open("/no/such/directory/revocations.db").unwrap_err();
/// assert_eq!(error.kind(), OpenErrorKind::Unavailable);
/// assert!(error.to_string().contains("/no/such/directory"));
/// ```
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    kind: OpenErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with the file.
///
/// ```
/// # use sealed_session_sqlite::{OpenErrorKind, SqliteStore};
/// match SqliteStore::open("/no/such/directory/revocations.db").map_err(|error| error.kind()) {
///     Err(OpenErrorKind::Unavailable) => println!("is the directory there?"),
///     Err(kind) => println!("{kind:?}"),
///     Ok(_) => println!("open"),
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenErrorKind {
    /// It is something else: not a database, or one of another program.
    Foreign,
    /// It is damaged.
    Corrupt,
    /// A newer version of this crate wrote it.
    #[non_exhaustive]
    Newer {
        /// The version of the file's format.
        version: i32,
    },
    /// It cannot be created, opened, read or written.
    Unavailable,
}

impl OpenError {
    pub(crate) fn new(path: &Path, kind: OpenErrorKind) -> Self {
        Self { path: path.to_owned(), kind, source: None }
    }

    pub(crate) fn caused_by(
        path: &Path,
        kind: OpenErrorKind,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { path: path.to_owned(), kind, source: Some(cause.into()) }
    }

    /// What is wrong with the file.
    ///
    /// ```
    /// # use sealed_session_sqlite::{OpenErrorKind, SqliteStore};
    /// let error = SqliteStore::open("/no/such/directory/revocations.db").unwrap_err();
    /// assert_eq!(error.kind(), OpenErrorKind::Unavailable);
    /// ```
    #[must_use]
    pub const fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// The file.
    ///
    /// ```
    /// # use sealed_session_sqlite::SqliteStore;
    /// let error = SqliteStore::open("/no/such/directory/revocations.db").unwrap_err();
    /// assert!(error.path().ends_with("revocations.db"));
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.kind {
            OpenErrorKind::Foreign => write!(
                f,
                "`{path}` is not a file of revocations; choose another path, or move that file away"
            ),
            OpenErrorKind::Corrupt => write!(
                f,
                "the file of revocations `{path}` is damaged; restore it from a backup, or stop the servers \
                 and move it away with its `-wal` and `-shm` files: then sessions that were ended can open \
                 again"
            ),
            OpenErrorKind::Newer { version } => write!(
                f,
                "the file of revocations `{path}` has version {version} and was written by a newer \
                 sealed-session-sqlite; update this program"
            ),
            OpenErrorKind::Unavailable => write!(
                f,
                "cannot open the file of revocations `{path}`; this process must be able to write to it and \
                 to its directory"
            ),
        }?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.source.as_ref()?)
    }
}

/// Why a call failed. The caller asks again.
#[derive(Debug)]
pub(crate) enum Failure {
    Sqlite(rusqlite::Error),
    Open(OpenError),
    /// The path leads to another file, or to none.
    Replaced,
    /// A position of another file.
    Position,
    /// A value that cannot be there.
    Nonsense(&'static str),
    /// A number that SQLite cannot keep.
    NumberTooHigh,
    /// The store was opened by the process that this one was forked from.
    Forked,
    /// The thread that has the connection is gone.
    ThreadEnded,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failure {
    /// Whether the connection is as good as before.
    pub(crate) fn leaves_the_connection(&self) -> bool {
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DiskFull)
            ),
            Self::Position | Self::NumberTooHigh => true,
            _ => false,
        }
    }

    /// With the file's name.
    pub(crate) fn of(self, path: &Path) -> StoreFailure {
        StoreFailure { path: path.to_owned(), failure: self }
    }
}

/// A failure and the file that it is about.
#[derive(Debug)]
pub(crate) struct StoreFailure {
    path: PathBuf,
    failure: Failure,
}

impl fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.failure {
            Failure::Open(error) => return error.fmt(f),
            Failure::Sqlite(error) => {
                return write!(f, "the file of revocations `{}`: {error}", self.path.display());
            }
            Failure::Replaced => "was deleted or replaced; it is opened again",
            Failure::Position => "is not the one that was read before; it is read again",
            Failure::Nonsense(what) => what,
            Failure::NumberTooHigh => "cannot keep a number above 2^63 - 1",
            Failure::Forked => "was opened before a fork; open it in each process",
            Failure::ThreadEnded => "has lost its thread",
        };
        write!(f, "the file of revocations `{}` {what}", self.path.display())
    }
}

impl Error for StoreFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            Failure::Sqlite(error) => Some(error),
            Failure::Open(error) => error.source(),
            _ => None,
        }
    }
}
