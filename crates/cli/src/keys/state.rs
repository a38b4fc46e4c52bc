//! What runs of `keys rotate` tell later ones: `rotation-state.json`. It holds no secret.

use std::collections::BTreeMap;
use std::error::Error;

use sealed_session::{KeyFile, KeyId};
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::directory::KeysDir;
use super::plan::{Directory, Present, Trusted};
use super::settings::{Longest, Settings};
use super::times::millis;
use crate::failure::Failure;

const FILE: &str = "rotation-state.json";
const VERSION: u32 = 1;

/// Times in milliseconds since the Unix epoch, durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    version: u32,
    /// The time of the last run that was not refused.
    pub(crate) last_run: u64,
    /// Its settings, for `keys status`.
    pub(crate) every: Option<u64>,
    pub(crate) after: u64,
    pub(crate) settle: u64,
    pub(crate) stale: u64,
    #[serde(default)]
    pub(crate) max_gap: Option<u64>,
    /// How long sessions lived in the last runs; the last one is in force.
    longest: Vec<InForce>,
    /// By file name.
    keys: BTreeMap<String, Noted>,
}

/// A value of `longest`, and until when servers may have had it. `None` for the value in force, and until the
/// second run with another one: the clock of the first may have been wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct InForce {
    longest: u64,
    until: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// Another key under the same name is another file.
    id: String,
    /// The file's time when a run first saw it. A later copy of the directory has later times.
    there_since: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removable_since: Option<u64>,
}

impl State {
    /// What the last run left. `None` if there was none.
    pub(crate) fn read(directory: &KeysDir) -> Result<Option<Self>, Failure> {
        let wrong = |cause: Box<dyn Error>| {
            let path = directory.path().join(FILE);
            Failure::caused_by(
                format!(
                    "cannot use {} (remove it to go on; then old keys are marked anew, and a wrong clock is not \
                     noticed once)",
                    path.display()
                ),
                cause,
            )
        };
        match directory.content(FILE).map_err(|error| wrong(error.into()))? {
            Some(text) => Self::parse(&text).map(Some).map_err(|error| wrong(error.into())),
            None => Ok(None),
        }
    }

    pub(crate) fn write(&self, directory: &KeysDir, access: &Access) -> Result<(), Failure> {
        let wrong = |cause: Box<dyn Error>| {
            let path = directory.path().join(FILE);
            Failure::caused_by(format!("cannot write {}; nothing was done", path.display()), cause)
        };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| wrong(error.into()))?;
        text.push(b'\n');
        directory.replace(FILE, &text, access).map_err(|error| wrong(error.into()))
    }

    /// A state in which nothing was noted.
    pub(crate) fn none() -> Self {
        Self {
            version: VERSION,
            last_run: 0,
            every: None,
            after: 0,
            settle: 0,
            stale: 0,
            max_gap: None,
            longest: Vec::new(),
            keys: BTreeMap::new(),
        }
    }

    /// The state after another run at this time.
    pub(crate) fn following(past: Option<&Self>, trusted: Trusted, now: u64) -> Self {
        let mut state = past.cloned().unwrap_or_else(Self::none);
        match trusted {
            Trusted::Yes => state.last_run = state.last_run.max(now),
            Trusted::Anew => {
                state.last_run = now;
                state.keys.clear();
            }
        }
        state
    }

    /// Notes what this run saw and was told.
    pub(crate) fn note(&mut self, directory: &Directory, settings: &Settings, now: u64) {
        (self.every, self.after) = (settings.every, settings.after);
        (self.settle, self.stale) = (settings.settle, settings.stale);
        self.max_gap = Some(settings.max_gap);
        if let Some((_, superseded)) = self.longest.split_last_mut() {
            superseded.iter_mut().for_each(|past| {
                past.until.get_or_insert(now);
            });
        }
        if let Longest::Of(longest) = settings.longest
            && self.last_longest() != Some(longest)
        {
            self.longest.retain(|past| past.longest != longest);
            self.longest.push(InForce { longest, until: None });
        }
        let oldest = directory.keys.last().map_or(0, |key| key.from);
        self.longest.retain(|past| past.until.is_none_or(|until| until >= oldest));
        let files: Vec<_> = directory.keys.iter().chain(&directory.revoked).collect();
        self.keys.retain(|name, noted| files.iter().any(|file| noted.is(name, file)));
        for file in files {
            // A clock that is behind must not make the file older than it is.
            let there_since = file.changed.map_or(now, |changed| changed.max(now));
            self.keys.entry(file.name.clone()).or_insert_with(|| Noted {
                id: file.id.to_string(),
                there_since,
                removable_since: None,
            });
        }
    }

    /// The greatest `longest` that was in force since this time.
    pub(crate) fn longest_since(&self, from: u64) -> u64 {
        let since = self.longest.iter().filter(|past| past.until.is_none_or(|until| until >= from));
        since.map(|past| past.longest).max().unwrap_or(0)
    }

    /// The `longest` of the last run that had one.
    pub(crate) fn last_longest(&self) -> Option<u64> {
        self.longest.last().map(|past| past.longest)
    }

    /// Since when a file is surely in the directory: by its own time, or by an earlier run that saw it.
    /// `None` if neither is known.
    pub(crate) fn there_since(&self, file: &Present) -> Option<u64> {
        let noted = self.noted(file).map(|noted| noted.there_since);
        match (file.changed, noted) {
            (Some(changed), Some(noted)) => Some(changed.min(noted)),
            (changed, noted) => changed.or(noted),
        }
    }

    /// Since when the key is marked as removable.
    pub(crate) fn removable_since(&self, file: &Present) -> Option<u64> {
        self.noted(file).and_then(|noted| noted.removable_since)
    }

    /// Marks a key as removable, and returns since when it is.
    pub(crate) fn mark(&mut self, file: &Present, now: u64) -> u64 {
        match self.keys.get_mut(&file.name) {
            Some(noted) if noted.is(&file.name, file) => {
                let since = noted.removable_since.map_or(now, |since| since.min(now));
                *noted.removable_since.insert(since)
            }
            _ => now,
        }
    }

    /// Takes back the marks of all other keys.
    pub(crate) fn keep_marks_of(&mut self, files: &[&Present]) {
        for (name, noted) in &mut self.keys {
            if !files.iter().any(|file| noted.is(name, file)) {
                noted.removable_since = None;
            }
        }
    }

    /// Whether the last run saw a key that is not one of these, which are revoked.
    pub(crate) fn knew_other_keys_than(&self, revoked: &[KeyId]) -> bool {
        self.keys.values().any(|noted| revoked.iter().all(|id| id.to_string() != noted.id))
    }

    /// The names and ids of keys whose time had come, that are not there any more, and that neither a run nor a
    /// tombstone took away.
    pub(crate) fn gone(&self, directory: &Directory, now: u64) -> Vec<(&str, &str)> {
        let there =
            directory.keys.iter().map(|key| key.id).chain(directory.tombstones.iter().copied());
        let there: Vec<_> = there.map(|id| id.to_string()).collect();
        let sealed = |name: &str| KeyFile::time_of(name).is_some_and(|from| millis(from) <= now);
        self.keys
            .iter()
            .filter(|(name, noted)| {
                noted.removable_since.is_none() && sealed(name) && !there.contains(&noted.id)
            })
            .map(|(name, noted)| (name.as_str(), noted.id.as_str()))
            .collect()
    }

    fn noted(&self, file: &Present) -> Option<&Noted> {
        self.keys.get(&file.name).filter(|noted| noted.is(&file.name, file))
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let state: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        match state.version {
            VERSION => Ok(state),
            newer => Err(format!("it has version {newer}, which this program does not know")),
        }
    }
}

impl Noted {
    fn is(&self, name: &str, file: &Present) -> bool {
        file.name == name && self.id == file.id.to_string()
    }
}
