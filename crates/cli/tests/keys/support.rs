//! A directory of keys, and the program on it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sealed_session::{Key, KeyFile, KeyFiles};
use serde_json::Value;

pub(crate) const MINUTE: u64 = 60;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A directory that is removed when dropped. Times are in seconds.
pub(crate) struct Keys {
    path: PathBuf,
    /// The time at its beginning; files that tests write have this time.
    pub(crate) start: u64,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sealed-session-keys-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { path, start }
    }

    /// With keys that seal from these times on; the first has the bytes 1, and so on.
    pub(crate) fn with(times: impl IntoIterator<Item = i64>) -> Self {
        let keys = Self::new();
        for (offset, byte) in times.into_iter().zip(1..) {
            keys.put(&keys.name(offset), [byte; 32]);
        }
        keys
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of a key that seals from so many seconds after the start on.
    pub(crate) fn name(&self, offset: i64) -> String {
        name_at(self.start.saturating_add_signed(offset))
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// `sealed-session keys COMMAND DIR …`.
    pub(crate) fn command(&self, command: &str, args: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_sealed-session"));
        program.args(["keys", command]).arg(&self.path).args(args);
        program.env_remove("SEALED_SESSION_TEST_NOW").stdin(std::process::Stdio::null());
        program
    }

    pub(crate) fn run(&self, command: &str, args: &[&str]) -> Output {
        self.command(command, args).output().unwrap()
    }

    /// The same at another time.
    pub(crate) fn run_at(&self, now: u64, command: &str, args: &[&str]) -> Output {
        let now = now.to_string();
        self.command(command, args).env("SEALED_SESSION_TEST_NOW", now).output().unwrap()
    }

    /// The names and contents of everything in it.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(&self.path).unwrap();
        let content = |entry: std::fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        };
        entries.map(|entry| content(entry.unwrap())).collect()
    }

    /// The names that end so, in ascending order.
    pub(crate) fn names(&self, end: &str) -> Vec<String> {
        self.contents().into_keys().filter(|name| name.ends_with(end)).collect()
    }

    pub(crate) fn files(&self) -> KeyFiles {
        KeyFiles::read(&self.path).unwrap()
    }

    /// The name of the key with which a server seals that starts at this time.
    pub(crate) fn sealing_at(&self, now: u64) -> String {
        let files = self.files();
        files.sealing_at(at(now), Duration::from_secs(300)).unwrap().name.clone()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

pub(crate) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn name_at(seconds: u64) -> String {
    KeyFile::name_at(at(seconds))
}

pub(crate) fn id(byte: u8) -> String {
    Key::from_bytes([byte; 32]).unwrap().id().to_string()
}

/// What it said on standard output; it ended with this exit status.
#[track_caller]
pub(crate) fn answered(output: &Output, status: i32) -> String {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stdout}{stderr}");
    stdout
}

#[track_caller]
pub(crate) fn json(output: &Output, status: i32) -> Value {
    serde_json::from_str(&answered(output, status)).unwrap()
}

/// It ended with this exit status, and said these words on standard error.
#[track_caller]
pub(crate) fn failed(output: &Output, status: i32, words: &[&str]) {
    answered(output, status);
    let stderr = String::from_utf8_lossy(&output.stderr);
    for words in words {
        assert!(stderr.contains(words), "{words:?} is not in {stderr:?}");
    }
}
