//! The key file: created at the first start, and rotated so that old cookies still open after a restart.
//!
//! `demo-key` holds the current key, and `demo-key.previous` the previous one, both in hex.

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sealed_session::{Key, Keyring};

use crate::reply::Failure;

pub(crate) struct KeyFile {
    path: PathBuf,
    keyring: Keyring,
    current: Key,
    made: bool,
    rotated_at: Option<SystemTime>,
}

impl KeyFile {
    /// Creates the file, or loads it if it exists.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Box<dyn Error>> {
        let fresh = Key::generate()?;
        let (current, made) = match write_new(&path, &fresh) {
            Ok(()) => (fresh, true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                (Key::from_file(&path)?, false)
            }
            Err(error) => {
                let what = format!("cannot create the key file {}", path.display());
                return Err(Failure::new(what, error).into());
            }
        };
        let mut keyring = Keyring::new(current.clone());
        let previous = beside(&path, ".previous");
        if previous.try_exists()? {
            let previous = Key::from_file(&previous)?;
            // Both are the same if a rotation was interrupted between its two files.
            if previous != current {
                keyring = keyring.with_previous(previous)?;
            }
        }
        Ok(Self { path, keyring, current, made, rotated_at: None })
    }

    /// A new key becomes the current one, and the current key becomes the previous one. The old
    /// previous key is dropped.
    pub(crate) fn rotate(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let fresh = Key::generate()?;
        let keyring = Keyring::new(fresh.clone()).with_previous(self.current.clone())?;
        // In this order, so that the current key is always in a file, even after an interruption.
        self.replace(&beside(&self.path, ".previous"), &self.current)?;
        self.replace(&self.path, &fresh)?;
        self.keyring = keyring;
        self.current = fresh;
        self.rotated_at = Some(SystemTime::now());
        Ok(())
    }

    pub(crate) fn keyring(&self) -> Keyring {
        self.keyring.clone()
    }

    /// How many keys open cookies.
    pub(crate) fn len(&self) -> usize {
        self.keyring.len()
    }

    /// Seconds since the Unix epoch, if it was since the start.
    pub(crate) fn rotated_at(&self) -> Option<SystemTime> {
        self.rotated_at
    }

    /// For the terminal: which file, and whether it is new.
    pub(crate) fn origin(&self) -> String {
        let previous = if self.keyring.len() > 1 { ", with a previous key" } else { "" };
        let how = if self.made { "new" } else { "loaded" };
        format!("{} ({how}{previous})", self.path.display())
    }

    /// Replaces a key file in one step: a reader sees the old key or the new key, never half a key.
    fn replace(&self, path: &Path, key: &Key) -> Result<(), Failure> {
        let temporary = beside(&self.path, ".new");
        let replace = || {
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            write_new(&temporary, key)?;
            fs::rename(&temporary, path)
        };
        replace().map_err(|error| {
            Failure::new(format!("cannot write the key file {}", path.display()), error)
        })
    }
}

/// Writes a file that must not exist yet and that only its owner can read.
fn write_new(path: &Path, key: &Key) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = write(&mut file, key);
    if written.is_err() {
        // The next start would refuse half a key. An error here is less important than the first one.
        let _ = fs::remove_file(path);
    }
    written
}

fn write(file: &mut File, key: &Key) -> io::Result<()> {
    file.write_all(key.to_hex().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
