//! Keys that rotate by themselves: files in a directory, and servers that follow them. A server looks when
//! the test says so (`reload`), and its clock stands still unless the test moves it.

#[path = "../support/mod.rs"]
mod support;

mod credentials;
mod follow;
mod look;
mod read;
mod seal;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sealed_session::{
    Codec, Dynamic, Entries, KeyDirectory, KeyDirectoryBuilder, KeyFile, Keyring, TestClock,
};

use crate::support::{START, TempDir, at, key, ring, seconds};

const SETTLE: Duration = Duration::from_secs(300);

/// A directory of keys, and a clock.
struct Keys {
    dir: TempDir,
    clock: TestClock,
}

impl Keys {
    /// The keys of these numbers, each dated so many seconds after the start.
    fn of(keys: &[(u8, i64)]) -> Self {
        let keys_dir = Self { dir: TempDir::new(), clock: TestClock::at(START) };
        for (number, from) in keys {
            keys_dir.add(*number, *from);
        }
        keys_dir
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self, from: i64) -> PathBuf {
        let from = START.checked_add_signed(from).unwrap();
        self.path().join(KeyFile::name_at(at(from)))
    }

    fn add(&self, number: u8, from: i64) {
        write_private(&self.file(from), key(number).to_hex().as_bytes());
    }

    fn remove(&self, from: i64) {
        std::fs::remove_file(self.file(from)).unwrap();
    }

    fn revoke(&self, number: u8) {
        let name = format!("{}.revoked", key(number).id());
        std::fs::write(self.path().join(name), "").unwrap();
    }

    fn builder(&self) -> KeyDirectoryBuilder {
        // The thread does not look while a test runs.
        let never = seconds(1_000_000);
        KeyDirectory::builder(self.path()).clock(self.clock.clone()).look_every(never)
    }

    /// A server that has been there for long: its files came before they were dated.
    fn open(&self) -> KeyDirectory {
        self.builder().open().unwrap()
    }

    fn codec(&self, keyring: Keyring) -> Codec<Dynamic> {
        Codec::builder(keyring).clock(self.clock.clone()).build().unwrap()
    }

    fn later(&self, by: u64) {
        self.clock.advance(seconds(by));
    }
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, content: &[u8]) {
    std::fs::write(path, content).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn token(codec: &Codec<Dynamic>) -> String {
    codec.encode(Entries::new()).unwrap()
}

/// A token of a server that has only the key of this number.
fn token_of(number: u8, clock: &TestClock) -> String {
    token(&Codec::builder(ring(&[number])).clock(clock.clone()).build().unwrap())
}

/// The codec seals with the key of this number.
#[track_caller]
fn seals_with(codec: &Codec<Dynamic>, number: u8) {
    assert_eq!(codec.decode(token(codec)).unwrap().info.key_id, key(number).id());
}
