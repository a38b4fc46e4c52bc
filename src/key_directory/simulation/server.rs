//! A server of the simulation: its copy of the directory, its clock, and the keys that are in force there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::directory::Entry;
use super::{Place, Plan, Rules, START};
use crate::crypto::key::Key;
use crate::key_directory::files::{KeyFile, KeyFiles};
use crate::key_directory::in_force::InForce;

/// A server, and its copy of the directory.
pub(super) struct Server {
    pub(super) skew: i64,
    /// Its files, and when each came to this machine, by its clock.
    pub(super) files: Vec<(Entry, u64)>,
    pub(super) in_force: InForce,
    /// The last look took the files.
    is_good: bool,
    pub(super) next_sync: u64,
    /// Its copy is an old one.
    pub(super) rolled_back: bool,
}

impl Server {
    pub(super) fn clock(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.skew)
    }

    fn key_files(files: &[(Entry, u64)]) -> KeyFiles {
        let file = |(entry, arrived): &(Entry, u64)| {
            let mut file = prepared()[entry.key].clone();
            (file.seals_from, file.changed_at) = (time(entry.from), Some(time(*arrived)));
            file
        };
        KeyFiles::new(PathBuf::new(), files.iter().map(file), BTreeSet::new())
    }

    /// A server that has been there for long.
    pub(super) fn new(skew: i64, first: Entry, plan: &Plan, rules: Rules) -> Self {
        let files = vec![(first, first.written)];
        let in_force = Self::read(&files, START, plan, rules);
        Self { skew, files, in_force, is_good: true, next_sync: START, rolled_back: false }
    }

    /// It starts again; where that means a new machine, with a new copy of these keys.
    pub(super) fn start(&mut self, entries: &[Entry], now: u64, plan: &Plan, rules: Rules) {
        let clock = self.clock(now);
        if plan.place == Place::Mounted {
            self.files = entries.iter().map(|entry| (*entry, clock)).collect();
        }
        self.in_force = Self::read(&self.files, clock, plan, rules);
        self.is_good = true;
    }

    /// What a server that starts makes of its files.
    fn read(files: &[(Entry, u64)], clock: u64, plan: &Plan, rules: Rules) -> InForce {
        let known = |(entry, arrived): &(Entry, u64)| match rules {
            Rules::NoSettleAtStart => (*entry, 0),
            _ => (*entry, *arrived),
        };
        let files: Vec<_> = files.iter().map(known).collect();
        InForce::at_start(Self::key_files(&files), clock, plan.waits(rules)).unwrap()
    }

    /// The files become these, and the server looks at them.
    pub(super) fn receive(&mut self, entries: &[Entry], now: u64, plan: &Plan, rules: Rules) {
        let clock = self.clock(now);
        let same = |(one, other): (&(Entry, u64), &Entry)| one.0.key == other.key;
        let is_same = self.files.len() == entries.len() && self.files.iter().zip(entries).all(same);
        if is_same && self.is_good {
            return;
        }
        let arrived = |entry: &Entry| {
            if is_same {
                // Nobody writes them again.
                return self.files.iter().find(|(known, _)| known.key == entry.key).unwrap().1;
            }
            let before = self.files.iter().find(|(known, _)| known.key == entry.key);
            match (plan.place, before) {
                (Place::Copied, Some((_, arrived))) => *arrived,
                (Place::Copied, None) | (Place::Mounted, _) => clock,
                (Place::Shared, _) => entry.written,
            }
        };
        self.files = entries.iter().map(|entry| (*entry, arrived(entry))).collect();
        if rules == Rules::AnySet {
            self.in_force = Self::read(&self.files, clock, plan, rules);
            return;
        }
        let files = Self::key_files(&self.files);
        let next = self.in_force.followed_by(files, clock, plan.waits(rules));
        self.is_good = next.is_ok();
        if let Ok(next) = next {
            self.in_force = next;
        }
    }
}
fn time(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// The same keys in every history: to make them takes longer than the history.
fn prepared() -> &'static [KeyFile] {
    static KEYS: OnceLock<Vec<KeyFile>> = OnceLock::new();
    let file = |number: u8| {
        let key = Key::from_bytes([number; 32]).unwrap();
        KeyFile::new(PathBuf::new(), String::new(), UNIX_EPOCH, key, None, None)
    };
    KEYS.get_or_init(|| (1..=100).map(file).collect())
}
