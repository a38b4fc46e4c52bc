//! `SqliteStore`: the store, as `Revocations` calls it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sealed_session::revocation::{
    Appended, Batch, Mark, Position, RevocationStore, StoreError, Target,
};
use tokio::time::{Instant, sleep};

use crate::error::{Failure, OpenError, OpenErrorKind};
use crate::file::File;
use crate::marks::{self, Look};
use crate::worker::Worker;

/// How often a read that waits looks into the file.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Marks in a SQLite file. Clones share its two connections: one reads, one writes, each on a thread of its
/// own.
///
/// ```
/// use sealed_session_sqlite::SqliteStore;
///
/// # let directory = std::env::temp_dir().join(format!("sealed-session-store-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("revocations.db");
/// // let path = "/var/lib/shop/revocations.db";
/// let store = SqliteStore::open(path)?;
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An ending is confirmed when it is synced to the disk. After an error the file is opened again.
#[derive(Clone)]
pub struct SqliteStore {
    path: Arc<Path>,
    pub(crate) reader: Worker,
    pub(crate) writer: Worker,
}

impl SqliteStore {
    /// Opens the file, and creates it with mode 0600 if it is not there. All of it is checked for damage, so
    /// this blocks for as long as it takes to read the file.
    ///
    /// ```
    /// # use sealed_session_sqlite::{OpenError, SqliteStore};
    /// fn open() -> Result<SqliteStore, OpenError> {
    ///     SqliteStore::open("/var/lib/shop/revocations.db")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenErrorKind`] says what is wrong with the file. Nothing in it is changed then.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let unavailable = |error| OpenError::caused_by(path, OpenErrorKind::Unavailable, error);
        // The working directory may change, and SQLite has names of its own, such as `:memory:`.
        let path: Arc<Path> = std::path::absolute(path).map_err(unavailable)?.into();
        let file = File::open(&path, true)?;
        let writer = Worker::start(path.clone(), file).map_err(unavailable)?;
        let file = File::open(&path, false)?;
        let reader = Worker::start(path.clone(), file).map_err(unavailable)?;
        Ok(Self { path, reader, writer })
    }
}

impl RevocationStore for SqliteStore {
    async fn append(
        &self,
        targets: &[Target],
        until: u64,
        lowest: u64,
    ) -> Result<Appended, StoreError> {
        let targets = targets.to_vec();
        let append = move |file: &mut File, _| marks::append(file, &targets, until, lowest);
        let number = self.writer.run(append).await?;
        Ok(Appended { number, confirmed: true })
    }

    async fn publish(&self, marks: &[Mark]) -> Result<(), StoreError> {
        let marks = marks.to_vec();
        self.writer.run(move |file, _| marks::publish(file, &marks)).await
    }

    async fn read(&self, after: Option<&Position>, wait: Duration) -> Result<Batch, StoreError> {
        let begun = Instant::now();
        let mut after = after.cloned();
        let mut seen = None;
        loop {
            let place = after.clone();
            let work = move |file: &mut File, opened| look(file, opened, place.as_ref(), seen);
            let (now_seen, found) = self.reader.run(work).await?;
            seen = Some(now_seen);
            let left = wait.saturating_sub(begun.elapsed());
            if let Some(batch) = found {
                if !batch.marks.is_empty() || !batch.complete || left.is_zero() {
                    return Ok(batch);
                }
                after = Some(batch.position);
            } else if let (true, Some(position)) = (left.is_zero(), &after) {
                return Ok(Batch { marks: Vec::new(), position: position.clone(), complete: true });
            }
            sleep(LOOK_EVERY.min(left)).await;
        }
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        self.writer.run(|file, _| marks::heartbeat(file)).await
    }
}

/// When a reader looked into the file: how often it had been opened by then, and its version.
type Seen = (u32, i32);

/// Looks for marks, unless nothing was written since a look that found all there were.
fn look(
    file: &mut File,
    opened: u32,
    after: Option<&Position>,
    seen: Option<Seen>,
) -> Result<(Seen, Option<Batch>), Failure> {
    // Before the look, so that what is written meanwhile shows at the next.
    let now_seen = (opened, marks::data_version(file)?);
    if seen == Some(now_seen) {
        return Ok((now_seen, None));
    }
    let after = match after {
        Some(position) => sequence(position, &file.name).ok_or(Failure::Position)?,
        None => 0,
    };
    let Look { marks, sequence, complete } = marks::read(file, after)?;
    let position = Position::new(format!("{}-{sequence}", file.name));
    Ok((now_seen, Some(Batch { marks, position, complete })))
}

/// The place in the sequence that a position names, if it is one of this file.
fn sequence(position: &Position, name: &str) -> Option<i64> {
    let (file, sequence) = position.as_str().rsplit_once('-')?;
    let sequence = sequence.parse().ok()?;
    (file == name && sequence >= 0).then_some(sequence)
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}
