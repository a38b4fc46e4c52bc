//! Whether a key is added, and from when it seals.

use super::{DAY, Directory, HOUR, MINUTE, Present, Refusal, SECOND};
use crate::keys::settings::Settings;

/// How often keys usually rotate, where a run is not told.
const USUAL: u64 = 90 * DAY;

/// From when the key seals that this run adds. `None` if it adds none.
pub(super) fn due(
    directory: &Directory,
    settings: &Settings,
    now: u64,
) -> Result<Option<u64>, Refusal> {
    let Some(newest) = directory.keys.first() else {
        // Dated now, so that servers can seal with it at once: rounded down.
        return Ok(Some(directory.free_from(now - now % SECOND)));
    };
    if newest.from > now {
        let every = settings.every.unwrap_or(USUAL).max(rounding(settings.after));
        let bound = now.saturating_add(settings.after).saturating_add(every);
        return match newest.from > bound {
            true => Err(Refusal::KeyTooFarAhead { name: newest.name.clone(), id: newest.id, now }),
            false => Ok(None),
        };
    }
    let soonest = soonest(settings, now);
    let from = match settings.every {
        Some(every) if now < next_due(newest, every, settings.after) => return Ok(None),
        Some(every) => soonest.max(newest.from.saturating_add(every)),
        None => soonest,
    };
    let from = directory.free_from(from);
    if from <= newest.from {
        return Err(Refusal::NotLater { name: newest.name.clone() });
    }
    Ok(Some(from))
}

/// The earliest time for a key that is added now.
pub(super) fn soonest(settings: &Settings, now: u64) -> u64 {
    now.saturating_add(settings.after).next_multiple_of(rounding(settings.after))
}

/// When a run with `--every` adds the next key.
pub(crate) fn next_due(newest: &Present, every: u64, after: u64) -> u64 {
    newest.from.saturating_add(every).saturating_sub(after)
}

/// What a time is rounded up to: the hour, or less where keys follow each other faster than by days. It
/// makes names that people can read, and runs at about the same time choose the same one.
fn rounding(after: u64) -> u64 {
    match after {
        DAY.. => HOUR,
        HOUR.. => MINUTE,
        _ => SECOND,
    }
}

/// What a run does with the key that it has just added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    /// Another run added one too. Its key has the earlier time, or did not go.
    Withdraw,
    /// Another run added a later one, and withdraws it if it sees this one.
    Wait,
}

/// Whether another run added a key at the same time: the lock that prevents it may be local to a machine.
/// `before` is what this run saw when it planned, `after` what is there now.
///
/// The later one goes. If it stays (its run looked before the earlier one was there), the earlier one goes.
pub(crate) fn verdict(before: &Directory, after: &Directory, own: &str, waited: bool) -> Verdict {
    let newest = before.keys.first().map(|key| key.from);
    let added = |key: &&Present| {
        key.name != own
            && newest.is_none_or(|newest| key.from > newest)
            && before.files().all(|known| known.name != key.name)
    };
    let Some(own) = after.keys.iter().find(|key| key.name == own) else {
        // Somebody removed or revoked it.
        return Verdict::Keep;
    };
    let others: Vec<_> = after.keys.iter().filter(added).collect();
    match others.iter().map(|other| other.from).min() {
        None => Verdict::Keep,
        Some(other) if other < own.from || waited => Verdict::Withdraw,
        Some(_) => Verdict::Wait,
    }
}
