//! Which keys go. A run that finds a key removable marks it; a run a day later removes it if it still is.

use super::{Directory, Present};
use crate::keys::settings::{Longest, Settings};
use crate::keys::state::State;

/// What becomes of old keys in a run that adds none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sweep {
    /// Removed by this run.
    pub(crate) remove: Vec<Leaving>,
    /// Marked, now or by an earlier run.
    pub(crate) marked: Vec<Leaving>,
}

/// A file that is to go, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaving {
    pub(crate) key: Present,
    /// The first run from this time on removes it.
    pub(crate) at: u64,
}

/// Marks what is removable, and says what goes. Marks of keys that are no longer removable are taken back.
pub(super) fn sweep(
    directory: &Directory,
    settings: &Settings,
    state: &mut State,
    now: u64,
) -> Sweep {
    let mut sweep = Sweep::default();
    let old = newest_come(&directory.keys, now).map_or(directory.keys.len(), |newest| newest + 1);
    let unused = (old..directory.keys.len()).filter(|place| {
        let at = removable_at(directory, *place, settings, state);
        at.is_some_and(|at| at < now)
    });
    // A revoked key opens nothing, so its file can go. It stays for a day in case that the key was the wrong
    // one, and removing the tombstone brings it back.
    let going: Vec<&Present> =
        unused.map(|place| &directory.keys[place]).chain(&directory.revoked).collect();
    state.keep_marks_of(&going);
    for key in going {
        let at = state.mark(key, now).saturating_add(settings.sweep_after);
        let leaving = Leaving { key: key.clone(), at };
        match at <= now {
            true => sweep.remove.push(leaving),
            false => sweep.marked.push(leaving),
        }
    }
    sweep
}

/// The place of the newest key whose time has come.
pub(crate) fn newest_come(keys: &[Present], now: u64) -> Option<usize> {
    keys.iter().position(|key| key.from <= now)
}

/// After when no session needs the key at this place. `None` while that cannot be said: it has no successor,
/// or it is not known how long sessions live or since when the successor is there.
pub(crate) fn removable_at(
    directory: &Directory,
    place: usize,
    settings: &Settings,
    state: &State,
) -> Option<u64> {
    let key = directory.keys.get(place)?;
    let successor = directory.keys.get(place.checked_sub(1)?)?;
    let Longest::Of(longest) = settings.longest else {
        return None;
    };
    // The longest of every setting since the key began to seal: a session of then has its time still.
    let longest = longest.max(state.longest_since(key.from));
    let succeeded = successor.from.max(state.there_since(successor)?);
    Some(
        succeeded
            .saturating_add(settings.settle)
            .saturating_add(longest)
            .saturating_add(settings.stale),
    )
}
