//! Reads one moment of a directory of keys, strictly. Nothing is inferred from a file's metadata: every
//! file is read.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::files::{KeyFile, KeyFiles};
use super::names::Kind;
use crate::crypto::key::Key;
use crate::crypto::key_file;
use crate::crypto::key_list::{LONGEST_LIST, keys_of_file};
use crate::error::{KeyError, KeyErrorKind};

/// How long a change of the directory may take that is not atomic: a mount that is updated, a key that gets
/// another name.
pub(super) const A_MOMENT: Duration = Duration::from_millis(100);

/// How often to read a directory whose list of files changes meanwhile.
const ATTEMPTS: u32 = 3;

/// Where the keys are.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A directory of dated keys, or a file that holds several.
    Path(PathBuf),
    /// A credential of systemd: a file of that name, or files whose names begin with it and `_`.
    Credential { directory: PathBuf, name: String },
}

impl Source {
    /// The credential of this name of the service that this process is.
    pub(super) fn credential(name: &str) -> Result<Self, KeyError> {
        let missing = KeyErrorKind::Credential { name: name.to_owned() };
        match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(directory) => {
                Ok(Self::Credential { directory: directory.into(), name: name.to_owned() })
            }
            None => Err(KeyError::caused_by(missing, "CREDENTIALS_DIRECTORY is not set")),
        }
    }

    /// What errors name.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Credential { directory, .. } => directory,
        }
    }

    /// Reads it, and once more if something is wrong.
    pub(super) fn read_twice(&self) -> Result<KeyFiles, KeyError> {
        self.read().or_else(|_| {
            std::thread::sleep(A_MOMENT);
            self.read()
        })
    }

    pub(super) fn read(&self) -> Result<KeyFiles, KeyError> {
        match self {
            Self::Path(path) => read_path(path),
            Self::Credential { directory, name } => {
                let path = directory.join(name);
                if path.exists() {
                    return read_path(&path);
                }
                let files = read_directory(directory, &format!("{name}_"))?;
                if files.is_empty() && files.revoked_count() == 0 {
                    return Err(KeyErrorKind::Credential { name: name.clone() }.into());
                }
                Ok(files)
            }
        }
    }
}

fn read_path(path: &Path) -> Result<KeyFiles, KeyError> {
    // What is not there is named as the directory that it should be.
    if path.is_file() { read_list(path) } else { read_directory(path, "") }
}

/// The keys of a file that holds several. They have no dates.
fn read_list(path: &Path) -> Result<KeyFiles, KeyError> {
    let (content, metadata) = key_file::read(path, LONGEST_LIST)?;
    let invalid = |error| key_file::invalid(path, error);
    let keys = keys_of_file(&content).map_err(invalid)?;
    if keys.is_empty() {
        return Err(invalid(KeyErrorKind::NoKeys.into()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = |key| key_of(path.to_owned(), name.to_string(), UNIX_EPOCH, key, &metadata);
    let files: Vec<_> = keys.into_iter().map(file).collect();
    if let Some((file, _)) = first_pair(&files) {
        return Err(invalid(KeyErrorKind::Duplicate { id: file.id() }.into()));
    }
    Ok(KeyFiles::new(path.to_owned(), files, BTreeSet::new()))
}

/// The keys and tombstones of a directory whose names begin with `prefix`.
fn read_directory(path: &Path, prefix: &str) -> Result<KeyFiles, KeyError> {
    let list = || {
        list(path, prefix).map_err(|error| {
            KeyError::caused_by(KeyErrorKind::Directory { path: path.to_owned() }, error)
        })
    };
    let mut names = list()?;
    for _ in 1..ATTEMPTS {
        let files = read_named(path, &names);
        let after = list()?;
        if after == names {
            return files;
        }
        names = after;
    }
    read_named(path, &names)
}

/// What the names in a directory say, in ascending order, without the prefix.
fn list(path: &Path, prefix: &str) -> io::Result<Vec<(OsString, String)>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        // What stands for what is not Unicode is in no valid name.
        let shown = name.to_string_lossy();
        if let Some(rest) = shown.strip_prefix(prefix) {
            let rest = rest.to_owned();
            names.push((name, rest));
        }
    }
    names.sort();
    Ok(names)
}

fn read_named(directory: &Path, names: &[(OsString, String)]) -> Result<KeyFiles, KeyError> {
    let (mut files, mut tombstones) = (Vec::new(), BTreeSet::new());
    for (name, rest) in names {
        let path = directory.join(name);
        match Kind::of(rest) {
            Kind::Other => {}
            Kind::Misnamed => return Err(KeyErrorKind::FileName { path }.into()),
            Kind::Tombstone(id) => {
                tombstones.insert(id);
            }
            Kind::Key(seals_from) => {
                let (content, metadata) = key_file::read(&path, key_file::LONGEST_FILE)?;
                let key = Key::parse(&*content).map_err(|error| key_file::invalid(&path, error))?;
                files.push(key_of(path, rest.clone(), seals_from, key, &metadata));
            }
        }
    }
    let files =
        KeyFiles::new(directory.to_owned(), files, tombstones).with_mode(mode_of(directory));
    match first_pair(files.keys()) {
        Some((one, other)) => Err(KeyErrorKind::SameKey {
            id: one.id(),
            path: one.path.clone(),
            other: other.path.clone(),
        }
        .into()),
        None => Ok(files),
    }
}

/// The mode of a directory.
#[cfg(unix)]
fn mode_of(directory: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata(directory).ok().map(|metadata| metadata.mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode_of(_: &Path) -> Option<u32> {
    None
}

/// Two files that contain the same key.
fn first_pair(files: &[KeyFile]) -> Option<(&KeyFile, &KeyFile)> {
    files.iter().enumerate().find_map(|(index, file)| {
        let same = |other: &&KeyFile| other.key == file.key;
        files[..index].iter().find(same).map(|other| (other, file))
    })
}

#[cfg(unix)]
fn key_of(
    path: PathBuf,
    name: String,
    seals_from: SystemTime,
    key: Key,
    metadata: &Metadata,
) -> KeyFile {
    use std::os::unix::fs::MetadataExt as _;

    let changed_at = || {
        let seconds = u64::try_from(metadata.ctime()).ok()?;
        let nanos = u32::try_from(metadata.ctime_nsec()).ok()?;
        UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
    };
    let mode = metadata.mode() & 0o7777;
    KeyFile::new(path, name, seals_from, key, changed_at(), Some(mode))
}

#[cfg(not(unix))]
fn key_of(path: PathBuf, name: String, seals_from: SystemTime, key: Key, _: &Metadata) -> KeyFile {
    KeyFile::new(path, name, seals_from, key, None, None)
}
