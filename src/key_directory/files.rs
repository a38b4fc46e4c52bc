//! `KeyFiles`: what a directory of keys holds at one moment. Servers and the tool `sealed-session` use it
//! alike. It decides nothing but which key is newer.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blake2::digest::consts::U4;
use blake2::{Blake2b, Digest as _};

use super::builder::STALE;
use super::in_force::{InForce, Waits};
use super::names;
use super::read::Source;
use crate::clock::{millis, unix_millis};
use crate::crypto::key::Key;
use crate::crypto::key_id::KeyId;
use crate::error::KeyError;

/// One key of a directory, and what its file says of it.
///
/// ```no_run
/// use sealed_session::KeyFiles;
///
/// for file in KeyFiles::read("keys")?.iter() {
///     println!("{} {}", file.name, file.id());
/// }
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The file.
    pub path: PathBuf,
    /// The file's name, without what a service manager puts before it.
    pub name: String,
    /// The time from which the key seals. The beginning of 1970 for a key without a date, in a file that
    /// holds several.
    pub seals_from: SystemTime,
    /// When the file last changed on this machine, in any way: its *ctime*, which a copy does not take over.
    /// `None` where the system has no such time.
    pub changed_at: Option<SystemTime>,
    /// Who may read and write the file. `None` where files have no mode.
    pub mode: Option<u32>,
    /// With its id, which is computed once.
    pub(super) key: Key,
    id: KeyId,
}

impl KeyFile {
    pub(super) fn new(
        path: PathBuf,
        name: String,
        seals_from: SystemTime,
        key: Key,
        changed_at: Option<SystemTime>,
        mode: Option<u32>,
    ) -> Self {
        let id = key.id();
        Self { path, name, seals_from, changed_at, mode, key, id }
    }

    /// The key itself.
    ///
    /// ```no_run
    /// # use sealed_session::{Key, KeyFiles};
    /// let keys: Vec<Key> = KeyFiles::read("keys")?.iter().map(|file| file.key().clone()).collect();
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The key's public name.
    ///
    /// ```no_run
    /// # use sealed_session::KeyFiles;
    /// let ids: Vec<_> = KeyFiles::read("keys")?.iter().map(|file| file.id()).collect();
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The name of the file of a key that seals from this time on, to the second. A time before 1970 or
    /// after 9999 counts as the nearest that a name can say.
    ///
    /// ```
    /// # use std::time::{Duration, UNIX_EPOCH};
    /// # use sealed_session::KeyFile;
    /// let noon = UNIX_EPOCH + Duration::from_secs(1_795_262_400);
    /// assert_eq!(KeyFile::name_at(noon), "2026-11-21T12-00-00Z.key");
    /// ```
    #[must_use]
    pub fn name_at(time: SystemTime) -> String {
        names::name_at(time)
    }

    /// The time that such a name says. `None` if it is not exactly such a name.
    ///
    /// ```
    /// # use sealed_session::KeyFile;
    /// let noon = KeyFile::time_of("2026-11-21T12-00-00Z.key");
    /// assert_eq!(noon.map(KeyFile::name_at).as_deref(), Some("2026-11-21T12-00-00Z.key"));
    /// assert_eq!(KeyFile::time_of("2026-02-30T12-00-00Z.key"), None);
    /// ```
    #[must_use]
    pub fn time_of(name: &str) -> Option<SystemTime> {
        names::time_of(name)
    }

    /// Whether it has a time from which it seals.
    pub(super) fn is_dated(&self) -> bool {
        self.seals_from > UNIX_EPOCH
    }

    /// From when it seals, in milliseconds since the Unix epoch.
    pub(super) fn from(&self) -> u64 {
        unix_millis(self.seals_from)
    }
}

/// What a directory of keys holds at one moment: its keys, and which of them are revoked.
///
/// ```no_run
/// use sealed_session::KeyFiles;
///
/// let files = KeyFiles::read("keys")?;
/// println!("{} keys, fingerprint {}", files.len(), files.fingerprint());
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[derive(Clone)]
pub struct KeyFiles {
    path: PathBuf,
    /// The newest first.
    keys: Vec<KeyFile>,
    revoked: Vec<KeyFile>,
    tombstones: BTreeSet<KeyId>,
    /// The mode of the directory.
    mode: Option<u32>,
}

impl KeyFiles {
    /// Reads a directory of keys, or a file that holds several. It is read strictly: anything in it that
    /// cannot be right is an error. An empty directory is none.
    ///
    /// If something is wrong, it is read once more a tenth of a second later, because somebody may just
    /// have changed it.
    ///
    /// ```no_run
    /// # use sealed_session::KeyFiles;
    /// let files = KeyFiles::read("keys")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Directory`](crate::KeyErrorKind::Directory) if it cannot be listed; an error of
    /// [`Key::from_file`] for a key that cannot be read or is not valid;
    /// [`KeyErrorKind::FileName`](crate::KeyErrorKind::FileName) for a key whose name says no possible time,
    /// and for a tombstone whose name is no key's id;
    /// [`KeyErrorKind::SameKey`](crate::KeyErrorKind::SameKey) if two files contain the same key. Each names
    /// the path.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Source::Path(path.as_ref().to_owned()).read_twice()
    }

    pub(super) fn new(
        path: PathBuf,
        keys: impl IntoIterator<Item = KeyFile>,
        tombstones: BTreeSet<KeyId>,
    ) -> Self {
        let is_revoked = |file: &KeyFile| tombstones.contains(&file.id);
        let (revoked, mut keys): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_revoked);
        // Stable, so that keys without dates keep their order.
        keys.sort_by_key(|file| Reverse(file.seals_from));
        Self { path, keys, revoked, tombstones, mode: None }
    }

    pub(super) fn with_mode(self, mode: Option<u32>) -> Self {
        Self { mode, ..self }
    }

    /// The mode of the directory if others than its owner can put files into it. (A mounted secret has the
    /// mode of a shared directory, and cannot be written.)
    pub(super) fn open_directory(&self) -> Option<u32> {
        self.mode.filter(|mode| mode & 0o022 != 0 && mode & 0o1000 == 0)
    }

    /// The keys that are not revoked, the newest first.
    ///
    /// ```no_run
    /// # use sealed_session::KeyFiles;
    /// let files = KeyFiles::read("keys")?;
    /// let newest = files.iter().next();
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &KeyFile> + ExactSizeIterator {
        self.keys.iter()
    }

    /// How many keys there are that are not revoked.
    ///
    /// ```no_run
    /// # use sealed_session::KeyFiles;
    /// let count = KeyFiles::read("keys")?.len();
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key that is not revoked.
    ///
    /// ```no_run
    /// # use sealed_session::KeyFiles;
    /// let is_empty = KeyFiles::read("keys")?.is_empty();
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The ids of revoked keys: those that have a tombstone, in ascending order.
    ///
    /// ```no_run
    /// # use sealed_session::{KeyFiles, KeyId};
    /// # fn example(leaked: KeyId) -> Result<(), sealed_session::KeyError> {
    /// let is_revoked = KeyFiles::read("keys")?.revoked().any(|id| id == leaked);
    /// # Ok(()) }
    /// ```
    pub fn revoked(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.tombstones.iter().copied()
    }

    /// The files of revoked keys that are still there. No server uses them.
    ///
    /// ```no_run
    /// # use sealed_session::KeyFiles;
    /// for file in KeyFiles::read("keys")?.revoked_files() {
    ///     println!("{} may be removed", file.path.display());
    /// }
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    pub fn revoked_files(&self) -> impl Iterator<Item = &KeyFile> {
        self.revoked.iter()
    }

    /// The key with which a server that starts at this time on this machine would seal, if it has the
    /// default [`stale`](crate::KeyDirectoryBuilder::stale). `None` if there are no keys.
    ///
    /// ```no_run
    /// # use std::time::{Duration, SystemTime, UNIX_EPOCH};
    /// # use sealed_session::KeyFiles;
    /// let files = KeyFiles::read("keys")?;
    /// let five_minutes = Duration::from_secs(5 * 60);
    /// let sealing = files.sealing_at(SystemTime::now(), five_minutes);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn sealing_at(&self, now: SystemTime, settle: Duration) -> Option<&KeyFile> {
        let (now, waits) =
            (unix_millis(now), Waits { settle: millis(settle), stale: millis(STALE) });
        let schedule = InForce::schedule_at_start(&self.keys, now, waits)?;
        self.keys.get(schedule.at(now))
    }

    /// 8 hex digits that are the same wherever the names of the keys, the keys and the tombstones are the
    /// same, to compare servers. It reveals nothing of the keys.
    ///
    /// ```no_run
    /// # use sealed_session::KeyFiles;
    /// println!("{}", KeyFiles::read("keys")?.fingerprint());
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Blake2b::<U4>::new();
        for file in &self.keys {
            hash.update(format!("{}\n{}\n", file.name, file.id));
        }
        for id in &self.tombstones {
            hash.update(format!("revoked\n{id}\n"));
        }
        format!("{:08x}", u32::from_be_bytes(hash.finalize().into()))
    }

    /// The same files, with what is revoked there revoked here as well.
    pub(super) fn with_tombstones_of(self, other: &Self) -> Self {
        if other.tombstones.is_subset(&self.tombstones) {
            return self;
        }
        let Self { path, keys, revoked, mut tombstones, mode } = self;
        tombstones.extend(&other.tombstones);
        Self::new(path, keys.into_iter().chain(revoked), tombstones).with_mode(mode)
    }

    pub(super) fn keys(&self) -> &[KeyFile] {
        &self.keys
    }

    pub(super) fn revoked_count(&self) -> usize {
        self.revoked.len()
    }

    pub(super) fn is_revoked(&self, id: KeyId) -> bool {
        self.tombstones.contains(&id)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for KeyFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFiles")
            .field("path", &self.path)
            .field("keys", &self.keys)
            .field("revoked", &self.tombstones)
            .finish_non_exhaustive()
    }
}
