//! What `keys rotate` and `keys revoke` do, decided from what is there, the settings, the earlier runs and
//! the time. Nothing here touches a disk or reads a clock.
//!
//! All times are milliseconds since the Unix epoch, all durations milliseconds.

mod add;
mod clock;
mod refusal;
mod remove;
mod revoke;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use sealed_session::KeyId;

pub(crate) use self::add::{Verdict, next_due, verdict};
pub(crate) use self::clock::{Trusted, check as check_clock};
pub(crate) use self::refusal::Refusal;
pub(crate) use self::remove::{Leaving, Sweep, newest_come, removable_at};
pub(crate) use self::revoke::{Cost, Revocation, Succession, revoke};
use super::settings::Settings;
use super::state::State;

/// Milliseconds since the Unix epoch.
pub(crate) type Millis = u64;

pub(crate) const SECOND: u64 = 1000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

/// A key file in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) name: String,
    pub(crate) id: KeyId,
    /// From when it seals.
    pub(crate) from: u64,
    /// When the file or its names last changed (ctime), where that is known.
    pub(crate) changed: Option<u64>,
}

/// What the directory holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    /// The keys that are not revoked, newest first.
    pub(crate) keys: Vec<Present>,
    /// The files of revoked keys that are still there.
    pub(crate) revoked: Vec<Present>,
    /// The ids that have a tombstone.
    pub(crate) tombstones: Vec<KeyId>,
}

impl Directory {
    /// All key files, also of revoked keys.
    fn files(&self) -> impl Iterator<Item = &Present> {
        self.keys.iter().chain(&self.revoked)
    }

    /// The first second from this time on that no file has in its name.
    fn free_from(&self, from: u64) -> u64 {
        let mut from = from.next_multiple_of(SECOND);
        while self.files().any(|file| file.from == from) {
            from += SECOND;
        }
        from
    }
}

/// What a run of `keys rotate` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) act: Act,
    /// What the next run is to know. It is written before anything is done.
    pub(crate) state: State,
}

/// A run that adds a key removes none: there is no value for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Add {
        /// From when it seals: later than every key, in whole seconds.
        from: u64,
    },
    Sweep(Sweep),
}

/// What this run does. The directory is read by the caller, under the lock.
pub(crate) fn rotate(
    directory: &Directory,
    settings: &Settings,
    past: Option<&State>,
    now: u64,
) -> Result<Plan, Refusal> {
    settings.check()?;
    let trusted = clock::check(settings.accept_clock, settings, past, now)?;
    if directory.keys.is_empty()
        && past.is_some_and(|past| past.knew_other_keys_than(&directory.tombstones))
        && !settings.force
    {
        return Err(Refusal::KeysVanished);
    }
    let mut state = State::following(past, trusted, now);
    state.note(directory, settings, now);
    let act = match add::due(directory, settings, now)? {
        Some(from) => Act::Add { from },
        None => Act::Sweep(remove::sweep(directory, settings, &mut state, now)),
    };
    Ok(Plan { act, state })
}
