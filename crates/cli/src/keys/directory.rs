//! The directory on the disk. Whatever moment the program is killed at, the directory is usable: a key
//! appears under its name complete or not at all, and no name of a key is ever written twice.

use std::collections::hash_map::RandomState;
use std::error::Error as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use sealed_session::{KeyError, KeyFile, KeyFiles, KeyId};

use super::access::Access;
use super::plan::{Directory, Present};

/// How long a run waits for another one.
const LOCK_ATTEMPTS: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// How often to read a directory from which keys vanish meanwhile.
const READ_ATTEMPTS: u32 = 20;

/// When a temporary file was surely left behind by a run that was killed.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A directory of keys.
pub(crate) struct KeysDir {
    path: PathBuf,
}

/// Whether a name was free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    Done,
    Taken,
}

impl KeysDir {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path)?.is_dir() {
            true => Ok(Self { path: path.to_owned() }),
            false => Err(ErrorKind::NotADirectory.into()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, strictly. If a key vanishes meanwhile, another run has withdrawn it: it is read again.
    pub(crate) fn read(&self) -> Result<KeyFiles, KeyError> {
        let mut attempts = READ_ATTEMPTS;
        loop {
            attempts -= 1;
            match KeyFiles::read(&self.path) {
                Err(error) if attempts > 0 && is_not_found(&error) && self.path.exists() => {}
                result => return result,
            }
        }
    }

    /// Keeps other runs on this machine waiting while it lives. It only saves work, because it may be local
    /// to this machine: without it, or after a while, a run goes on.
    pub(crate) fn lock(&self) -> Option<File> {
        let directory = File::open(&self.path).ok()?;
        for _ in 0..LOCK_ATTEMPTS {
            match directory.try_lock() {
                Ok(()) => return Some(directory),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(_)) => return None,
            }
        }
        None
    }

    /// The content of a file that need not be there.
    pub(crate) fn content(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path.join(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a new file, unless its name is taken. It is on the disk when this returns.
    pub(crate) fn place(&self, name: &str, content: &[u8], access: &Access) -> io::Result<Placed> {
        let temporary = self.write_temporary(name, content, access)?;
        let path = self.path.join(name);
        let placed = match fs::hard_link(&temporary, &path) {
            Ok(()) => Ok(Placed::Done),
            // On NFS the answer may be lost, and the request that is sent again finds its own work.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok(if is_same_file(&temporary, &path) { Placed::Done } else { Placed::Taken })
            }
            Err(error) => Err(error),
        };
        let removed = fs::remove_file(&temporary);
        let placed = placed?;
        removed?;
        self.sync()?;
        Ok(placed)
    }

    /// Gives a key another name, unless that is taken. Meanwhile it has none: under both at once it would
    /// be the same key twice, which servers refuse.
    pub(crate) fn move_key(&self, name: &str, new_name: &str) -> io::Result<Placed> {
        let temporary = self.temporary(new_name);
        fs::hard_link(self.path.join(name), &temporary)?;
        fs::remove_file(self.path.join(name))?;
        self.sync()?;
        let placed = fs::hard_link(&temporary, self.path.join(new_name));
        if placed.is_err() {
            fs::hard_link(&temporary, self.path.join(name))?;
        }
        fs::remove_file(&temporary)?;
        self.sync()?;
        match placed {
            Ok(()) => Ok(Placed::Done),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Placed::Taken),
            Err(error) => Err(error),
        }
    }

    /// Replaces a file that is not a key.
    pub(crate) fn replace(&self, name: &str, content: &[u8], access: &Access) -> io::Result<()> {
        let temporary = self.write_temporary(name, content, access)?;
        fs::rename(&temporary, self.path.join(name)).inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })?;
        self.sync()
    }

    /// Removes a file, which need not be there any more.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => self.sync(),
        }
    }

    /// Removes what runs that were killed left behind. A key in it has never sealed.
    pub(crate) fn remove_abandoned(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let age = entry.metadata().and_then(|metadata| metadata.modified());
            let age = age.ok().and_then(|modified| modified.elapsed().ok());
            if is_temporary(&name.to_string_lossy()) && age.is_some_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn write_temporary(&self, name: &str, content: &[u8], access: &Access) -> io::Result<PathBuf> {
        let path = self.temporary(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        access.apply_to(&mut options);
        let mut file = options.open(&path)?;
        let written = file
            .write_all(content)
            .and_then(|()| access.give(&file))
            .and_then(|()| file.sync_all());
        match written {
            Ok(()) => Ok(path),
            Err(error) => {
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }

    /// A name that servers ignore.
    fn temporary(&self, name: &str) -> PathBuf {
        let random = RandomState::new().build_hasher().finish();
        self.path.join(format!(".{name}.{random:016x}.tmp"))
    }

    /// The names in the directory are on the disk when this returns.
    #[cfg(unix)]
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    #[cfg(not(unix))]
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The file of the tombstone of a key.
pub(crate) fn tombstone(id: KeyId) -> String {
    format!("{id}.revoked")
}

fn is_not_found(error: &KeyError) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == ErrorKind::NotFound)
}

fn is_temporary(name: &str) -> bool {
    let ours = || {
        let (rest, random) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
        let kind = rest.rsplit_once('.')?.1;
        let is_random = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(is_random && matches!(kind, "key" | "revoked" | "json"))
    };
    ours().unwrap_or(false)
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let place = |path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()));
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    false
}

impl From<&KeyFile> for Present {
    fn from(file: &KeyFile) -> Self {
        let millis = |time: std::time::SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        Self {
            name: file.name.clone(),
            id: file.id(),
            from: millis(file.seals_from),
            changed: file.changed_at.map(millis),
        }
    }
}

impl From<&KeyFiles> for Directory {
    fn from(files: &KeyFiles) -> Self {
        Self {
            keys: files.iter().map(Present::from).collect(),
            revoked: files.revoked_files().map(Present::from).collect(),
            tombstones: files.revoked().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_temporary;

    #[test]
    fn only_its_own_temporary_files_are_removed() {
        for (name, own) in [
            (".2026-11-21T12-00-00Z.key.0123456789abcdef.tmp", true),
            (".rotation-state.json.0123456789abcdef.tmp", true),
            (".4b596b61.revoked.0123456789abcdef.tmp", true),
            ("2026-11-21T12-00-00Z.key.0123456789abcdef.tmp", false),
            (".2026-11-21T12-00-00Z.key.tmp", false),
            (".notes.0123456789abcdef.tmp", false),
            ("2026-11-21T12-00-00Z.key", false),
            (".tmp", false),
        ] {
            assert_eq!(is_temporary(name), own, "{name}");
        }
    }
}
