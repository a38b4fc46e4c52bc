//! `InForce`: the keys that a server uses, since when it has known each, and which set may follow. It reads
//! neither files nor a clock: the rules, and the simulation of them, are here.

use super::files::{KeyFile, KeyFiles};
use crate::clock::unix_millis;
use crate::crypto::key::Key;
use crate::crypto::key_set::KeySet;
use crate::crypto::schedule::{Dated, Schedule};
use crate::error::KeyErrorKind;

/// How long servers wait for each other, in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    /// For how long a server knows a key before it seals with it.
    pub(super) settle: u64,
    /// For how long a server may miss the directory.
    pub(super) stale: u64,
}

/// The keys that are in force at a server. At least one. All times are in milliseconds since the Unix
/// epoch.
pub(super) struct InForce {
    files: KeyFiles,
    /// Since when this server has known each key, in the order of the files.
    known: Vec<u64>,
    /// When this server started.
    started: u64,
    schedule: Schedule,
}

impl InForce {
    /// The keys of a server that starts.
    pub(super) fn at_start(files: KeyFiles, now: u64, waits: Waits) -> Result<Self, KeyErrorKind> {
        let known = known_at_start(files.keys(), now, waits.stale);
        Self::with(files, known, now, waits)
    }

    /// When a server that starts would seal with which key. `None` without keys.
    pub(super) fn schedule_at_start(keys: &[KeyFile], now: u64, waits: Waits) -> Option<Schedule> {
        let known = known_at_start(keys, now, waits.stale);
        (!keys.is_empty()).then(|| schedule(keys, &known, now, waits))
    }

    /// The keys after a look that found these files. An error leaves those in force that were. What was once
    /// revoked stays so: an old copy, from before the revocation, lacks the tombstone.
    pub(super) fn followed_by(
        &self,
        files: KeyFiles,
        now: u64,
        waits: Waits,
    ) -> Result<Self, KeyErrorKind> {
        let files = files.with_tombstones_of(&self.files);
        let is_there = |key: &Key| files.keys().iter().any(|file| file.key == *key);
        let gone = |file: &&KeyFile| !is_there(&file.key) && !files.is_revoked(file.id());
        // An old copy: others would seal with what it lacks. Without any key it is no copy at all.
        if let Some(file) = self.in_use(now, waits).find(gone).filter(|_| !files.is_empty()) {
            let path = files.path().to_owned();
            return Err(KeyErrorKind::KeyGone { id: file.id(), path });
        }
        let known = files.keys().iter().map(|file| {
            // By its id, because a key may get another name. A clock that was ahead must not make it wait.
            self.known_since(file).map_or(now, |known| known.min(now))
        });
        let known = known.collect();
        Self::with(files, known, self.started.min(now), waits)
    }

    /// The key that seals here, and those that other servers may seal with before this one has read the
    /// files again.
    fn in_use(&self, now: u64, waits: Waits) -> impl Iterator<Item = &KeyFile> {
        let soon = now.saturating_add(waits.settle);
        let (newer, rest) = self.files.keys().split_at(self.schedule.at(now));
        rest.iter().take(1).chain(newer.iter().filter(move |file| file.from() <= soon))
    }

    fn with(
        files: KeyFiles,
        known: Vec<u64>,
        started: u64,
        waits: Waits,
    ) -> Result<Self, KeyErrorKind> {
        if files.is_empty() {
            let (path, revoked) = (files.path().to_owned(), files.revoked_count());
            return Err(KeyErrorKind::EmptyDirectory { path, revoked });
        }
        let schedule = schedule(files.keys(), &known, started, waits);
        Ok(Self { files, known, started, schedule })
    }

    fn known_since(&self, file: &KeyFile) -> Option<u64> {
        let place = self.files.keys().iter().position(|known| known.id() == file.id())?;
        Some(self.known[place])
    }

    pub(super) fn files(&self) -> &KeyFiles {
        &self.files
    }

    /// The keys, the newest first, and since when this server has known each.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&KeyFile, u64)> {
        self.files.keys().iter().zip(self.known.iter().copied())
    }

    /// The key that seals at this time.
    pub(super) fn sealing(&self, now: u64) -> &KeyFile {
        &self.files.keys()[self.schedule.at(now)]
    }

    /// When another key begins to seal.
    pub(super) fn next_change(&self, now: u64) -> Option<u64> {
        self.schedule.next_change(now)
    }

    /// Whether no key's time has come.
    pub(super) fn is_early(&self, now: u64) -> bool {
        self.files.keys().iter().all(|file| file.from() > now)
    }

    /// Whether the same keys seal at the same times, and the same ones are revoked.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let keys = |set: &Self| set.files.keys().iter().map(KeyFile::id).collect::<Vec<_>>();
        let revoked = |set: &Self| set.files.revoked().collect::<Vec<_>>();
        self.schedule == other.schedule
            && keys(self) == keys(other)
            && revoked(self) == revoked(other)
    }

    /// What the codecs use.
    pub(super) fn key_set(&self) -> KeySet {
        let keys = self.files.keys().iter().map(|file| file.key.clone());
        KeySet::dated(keys.collect(), self.schedule.clone(), self.files.revoked().collect())
    }
}

/// Since when a server that starts has known the keys: since their files came to this machine, because a
/// name can say any time. But no later than `stale` after the time of the name: on a new machine, or after
/// a `chmod`, every file has just come, and a key that is about to be removed must not seal again. (The
/// tool removes no key before that time of its successor.) Of keys without dates only the first can be new.
fn known_at_start(keys: &[KeyFile], now: u64, stale: u64) -> Vec<u64> {
    let known = |(place, file): (usize, &KeyFile)| {
        let changed = file.changed_at.map(unix_millis);
        let came = changed.filter(|changed| *changed <= now).unwrap_or(now);
        match file.is_dated() {
            true => came.min(file.from().saturating_add(stale)),
            false if place == 0 => came,
            false => 0,
        }
    };
    keys.iter().enumerate().map(known).collect()
}

fn schedule(keys: &[KeyFile], known: &[u64], started: u64, waits: Waits) -> Schedule {
    let dated = |(file, known): (&KeyFile, &u64)| Dated {
        from: file.from(),
        known: *known,
        is_found: *known > started,
    };
    Schedule::of(&keys.iter().zip(known).map(dated).collect::<Vec<_>>(), waits.settle)
}
