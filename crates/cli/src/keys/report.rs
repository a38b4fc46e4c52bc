//! What a run of `keys rotate` says.

use std::fmt::Write as _;

use sealed_session::KeyFiles;
use serde::Serialize;

use super::plan::{self, Directory, Leaving, Present};
use super::settings::{Longest, Settings};
use super::times::Time;
use crate::failure::Failure;
use crate::output::Output;

/// A key file that is named.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// `None` if it was not made.
    pub(crate) id: Option<String>,
    pub(crate) seals_from: Time,
}

impl From<&Present> for Named {
    fn from(key: &Present) -> Self {
        let id = Some(key.id.to_string());
        Self { name: key.name.clone(), id, seals_from: Time(key.from) }
    }
}

/// What a run did, or would do.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) added: Option<Named>,
    pub(crate) removed: Vec<Leaving>,
    pub(crate) marked: Vec<Leaving>,
}

/// The answer. Its fields are only ever added to.
#[derive(Serialize)]
pub(crate) struct Report {
    dry_run: bool,
    added: Option<Named>,
    removed: Vec<Named>,
    marked: Vec<Marked>,
    /// The key that waits.
    next: Option<Named>,
    /// When the next key is added, if none waits and `--every` is given.
    due: Option<Time>,
    /// Why old keys stay for ever.
    kept: Option<&'static str>,
    fingerprint: String,
}

/// A key that no session needs.
#[derive(Serialize)]
struct Marked {
    #[serde(flatten)]
    key: Named,
    /// The first run from then on removes it.
    removed_from: Time,
}

impl Report {
    pub(crate) fn new(files: &KeyFiles, settings: &Settings, done: Done, now: u64) -> Self {
        let directory = Directory::from(files);
        let come = plan::newest_come(&directory.keys, now);
        let waiting = come.unwrap_or(directory.keys.len()).checked_sub(1);
        let next = waiting.map(|place| Named::from(&directory.keys[place]));
        let due = match (&next, settings.every, directory.keys.first()) {
            (None, Some(every), Some(newest)) => {
                Some(Time(plan::next_due(newest, every, settings.after)))
            }
            _ => None,
        };
        let has_old = come.is_some_and(|come| come + 1 < directory.keys.len());
        let kept = match settings.longest {
            Longest::Unknown if has_old => Some("longest-unknown"),
            Longest::Endless if has_old => Some("longest-endless"),
            _ => None,
        };
        let marked = |leaving: &Leaving| Marked {
            key: Named::from(&leaving.key),
            removed_from: Time(leaving.at),
        };
        Self {
            dry_run: false,
            added: done.added,
            removed: done.removed.iter().map(|leaving| Named::from(&leaving.key)).collect(),
            marked: done.marked.iter().map(marked).collect(),
            next,
            due,
            kept,
            fingerprint: files.fingerprint(),
        }
    }

    pub(crate) fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    pub(crate) fn write(&self, output: &Output, now: u64) -> Result<(), Failure> {
        match output.is_json() {
            true => output.json(self),
            false => output.write(self.text(now)),
        }
    }

    fn text(&self, now: u64) -> String {
        let mut text = String::new();
        let (added, removed) =
            if self.dry_run { ("would add", "would remove") } else { ("added", "removed") };
        if let Some(key) = &self.added {
            let id = key.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
            let from = key.seals_from.seen_from(now);
            _ = writeln!(text, "{added} {}{id}: seals from {from}", key.name);
        } else if let Some(Named { name, seals_from, .. }) = &self.next {
            _ = writeln!(
                text,
                "nothing to add: {name} waits, seals from {}",
                seals_from.seen_from(now)
            );
        } else if let Some(due) = self.due {
            _ = writeln!(text, "nothing to add until {}", due.seen_from(now));
        }
        for key in &self.removed {
            _ = writeln!(text, "{removed} {}: no session needs it", key.name);
        }
        for Marked { key, removed_from } in &self.marked {
            _ = writeln!(
                text,
                "no session needs {}: a run from {removed_from} on removes it",
                key.name
            );
        }
        text.push_str(match self.kept {
            Some("longest-unknown") => {
                "no key is removed: nothing says how long sessions live (--longest, or rotation.json)\n"
            }
            Some(_) => {
                "no key is removed: rotation.json says that sessions have no end (or it was printed before \
                 the codecs were built)\n"
            }
            None => "",
        });
        text
    }
}
