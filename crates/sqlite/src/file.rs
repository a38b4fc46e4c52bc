//! `File`: a connection to a file of revocations. How the file is created, and what it must be to be used.
//!
//! Nothing here opens the file but SQLite: whoever closes a file of his own on it takes away the locks of all
//! connections that the process has.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{OpenError, OpenErrorKind};

/// "ssrv" in ASCII.
const APPLICATION_ID: i32 = 0x7373_7276;
/// The version of the tables.
pub(crate) const VERSION: i32 = 1;

/// How long a write waits for those of others. `Revocations` gives a store 5 seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);

/// How often to look again at a header that another process may be writing just now, and when.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What is in `sqlite_schema`, to the letter.
const TABLES: [(&str, &str); 6] = [
    (
        "marks",
        "CREATE TABLE marks (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    target BLOB NOT NULL,
    number INTEGER NOT NULL,
    until INTEGER NOT NULL,
    UNIQUE (kind, target),
    CHECK (kind = 1 AND length(target) = 8 OR kind = 2 AND length(target) = 16),
    CHECK (typeof(target) = 'blob'),
    CHECK (typeof(number) = 'integer' AND number >= 0),
    CHECK (typeof(until) = 'integer' AND until >= 0)
)",
    ),
    ("marks_until", "CREATE INDEX marks_until ON marks (until)"),
    (
        "meta",
        "CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL CHECK (typeof(id) = 'blob' AND length(id) = 16),
    last INTEGER NOT NULL CHECK (typeof(last) = 'integer' AND last >= 0),
    beat INTEGER NOT NULL
)",
    ),
    (
        "records",
        "CREATE TABLE records (
    list BLOB NOT NULL CHECK (typeof(list) = 'blob' AND length(list) = 16),
    id BLOB NOT NULL CHECK (typeof(id) = 'blob' AND length(id) = 16),
    created_at INTEGER NOT NULL CHECK (typeof(created_at) = 'integer'),
    expires_at INTEGER NOT NULL CHECK (typeof(expires_at) = 'integer'),
    last_seen INTEGER NOT NULL CHECK (typeof(last_seen) = 'integer'),
    details TEXT NOT NULL CHECK (typeof(details) = 'text'),
    PRIMARY KEY (list, id)
) WITHOUT ROWID",
    ),
    ("records_newest", "CREATE INDEX records_newest ON records (list, created_at, id)"),
    ("records_expiry", "CREATE INDEX records_expiry ON records (expires_at)"),
];

/// A connection to a file that is ours.
pub(crate) struct File {
    path: PathBuf,
    pub(crate) connection: Connection,
    identity: Identity,
    /// What positions begin with: they are of this file.
    pub(crate) name: String,
}

/// Which file the path leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl File {
    /// Opens the file, and creates it if it is not there. `check` looks for damage in all of it.
    pub(crate) fn open(path: &Path, check: bool) -> Result<Self, OpenError> {
        let unavailable =
            |error: io::Error| OpenError::caused_by(path, OpenErrorKind::Unavailable, error);
        let identity = match Identity::of(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path)?;
                Identity::of(path).map_err(unavailable)?
            }
            result => result.map_err(unavailable)?,
        };
        inspect(path)?;
        let sqlite = |error| sqlite_error(path, error);
        // The last connection to close brings the log into the file. One that refuses the file must not.
        let has_log = fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0);
        let connection = connect(path, !has_log).map_err(sqlite)?;
        let id = check_and_prepare(path, &connection, check)?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
            .map_err(sqlite)?;
        let name = id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let name = format!("{name}-{:x}", identity.1);
        let file = Self { path: path.to_owned(), connection, identity, name };
        if !file.is_there() {
            let replaced = io::Error::other("it was replaced while it was opened");
            return Err(unavailable(replaced));
        }
        Ok(file)
    }

    /// Whether the path still leads to the file that is open.
    pub(crate) fn is_there(&self) -> bool {
        Identity::of(&self.path).is_ok_and(|identity| identity == self.identity)
    }
}

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;

        let metadata = fs::metadata(path)?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }

    /// Elsewhere an open file cannot be deleted.
    #[cfg(not(unix))]
    fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|_| Self(0, 0))
    }
}

fn sqlite_error(path: &Path, error: rusqlite::Error) -> OpenError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpenErrorKind::Corrupt,
        _ => OpenErrorKind::Unavailable,
    };
    OpenError::caused_by(path, kind, error)
}

/// Judges the file by its header, without any change to it or to the files beside it.
fn inspect(path: &Path) -> Result<(), OpenError> {
    let mut result = inspect_once(path);
    for _ in 1..LOOKS {
        if result.is_ok() {
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
        result = inspect_once(path);
    }
    result
}

fn inspect_once(path: &Path) -> Result<(), OpenError> {
    let header = || -> rusqlite::Result<(i32, i32)> {
        // `immutable`: no lock, no log, no write.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable_uri(path), flags)?;
        // While another process brings its log into a file that grows, the header is ahead of the file's
        // length. That would be an error otherwise.
        connection.execute_batch("PRAGMA writable_schema = ON")?;
        Ok((pragma(&connection, "application_id")?, pragma(&connection, "user_version")?))
    };
    match header() {
        Ok((APPLICATION_ID, version)) => check_version(path, version),
        Ok(_) => Err(OpenError::new(path, OpenErrorKind::Foreign)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(OpenError::caused_by(path, OpenErrorKind::Foreign, error))
        }
        Err(error) => Err(sqlite_error(path, error)),
    }
}

fn check_version(path: &Path, version: i32) -> Result<(), OpenError> {
    match version {
        VERSION => Ok(()),
        version if version > VERSION => Err(OpenError::new(path, OpenErrorKind::Newer { version })),
        _ => Err(OpenError::caused_by(path, OpenErrorKind::Corrupt, "it has no version")),
    }
}

pub(crate) fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

/// `path` is absolute.
fn immutable_uri(path: &Path) -> String {
    let text = path.as_os_str().as_encoded_bytes();
    let mut uri = String::from("file:");
    if cfg!(windows) {
        uri.push('/');
    }
    for byte in text {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            b':' if cfg!(windows) => uri.push(':'),
            byte => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// `empties_log`: whether the log is brought into the file when this is the last connection to close.
fn connect(path: &Path, empties_log: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // First of all: what comes next can fail already, and that closes the connection.
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !empties_log),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    // The log is cut to 4 MiB when it begins anew.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 4194304",
    )?;
    Ok(connection)
}

/// Checks what the header does not say, makes sure that the file has a log, and returns its id.
fn check_and_prepare(
    path: &Path,
    connection: &Connection,
    check: bool,
) -> Result<[u8; 16], OpenError> {
    let sqlite = |error| sqlite_error(path, error);
    let corrupt = |cause: String| OpenError::caused_by(path, OpenErrorKind::Corrupt, cause);
    // The log may have a newer header.
    check_version(path, pragma(connection, "user_version").map_err(sqlite)?)?;
    if check {
        let found: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
        if found != "ok" {
            return Err(corrupt(found));
        }
    }
    for (name, wanted) in TABLES {
        let found: Option<String> = connection
            .query_row("SELECT max(sql) FROM sqlite_schema WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .map_err(sqlite)?;
        if found.as_deref() != Some(wanted) {
            return Err(corrupt(format!("`{name}` is not as it should be")));
        }
    }
    let id = match connection.query_row("SELECT id FROM meta WHERE one = 1", [], |row| row.get(0)) {
        Ok(id) => id,
        Err(error) if error.sqlite_error_code().is_some() => return Err(sqlite(error)),
        Err(error) => return Err(corrupt(error.to_string())),
    };
    if connection.is_readonly("main").map_err(sqlite)? {
        let cause = "it can only be read";
        return Err(OpenError::caused_by(path, OpenErrorKind::Unavailable, cause));
    }
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sqlite)?;
    if mode != "wal" {
        let cause = format!("its journal is `{mode}` and cannot be `wal`");
        return Err(OpenError::caused_by(path, OpenErrorKind::Unavailable, cause));
    }
    Ok(id)
}

/// Creates the file under another name and gives it its own when it is complete. If another process was
/// quicker, its file stays.
fn create(path: &Path) -> Result<(), OpenError> {
    let temporary = temporary(path);
    let filled =
        new_file(&temporary).map_err(Into::into).and_then(|()| fill(&temporary)).and_then(|()| {
            match fs::hard_link(&temporary, path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
                _ => Ok(()),
            }
        });
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let _ = fs::remove_file(with_suffix(&temporary, suffix));
    }
    filled.map_err(|cause| OpenError::caused_by(path, OpenErrorKind::Unavailable, cause))?;
    // The name is as durable as what is in the file. Not every system can do that to a directory.
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        fs::File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| OpenError::caused_by(path, OpenErrorKind::Unavailable, error))?;
    }
    Ok(())
}

/// A name beside the file that no other process has.
fn temporary(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);

    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let nanos =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    with_suffix(path, &format!(".new-{}-{count}-{nanos}", std::process::id()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn new_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn fill(path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut connection = connect(path, true)?;
    let transaction = connection.transaction()?;
    for (_, sql) in TABLES {
        transaction.execute_batch(sql)?;
    }
    transaction
        .execute("INSERT INTO meta (one, id, last, beat) VALUES (1, randomblob(16), 0, 0)", [])?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}"
    ))?;
    transaction.commit()?;
    connection.execute_batch("PRAGMA journal_mode = WAL")?;
    connection.close().map_err(|(_, error)| error.into())
}
