//! What takes the place of a key that is revoked, and what that costs.

use sealed_session::KeyId;

use super::{Directory, Present, Refusal, SECOND, add, newest_come};
use crate::keys::settings::Settings;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) succession: Succession,
    pub(crate) cost: Cost,
}

/// What is done before the tombstone is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Succession {
    /// Nothing: the key does not seal.
    NotNeeded,
    /// The key that waits seals at once, under a new name. The servers know it already.
    TakesOver { key: Present, from: u64 },
    /// The key that waits is about to seal anyway. Until then an older one seals, or itself.
    AboutToSeal { key: Present },
    /// An older key seals again, and a next key is added.
    Older { key: Present, next: u64 },
    /// A new key, dated now.
    New { from: u64 },
}

/// Who is logged out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// Nothing was sealed with the key: its time has not come, or it is not in the directory.
    Nobody,
    /// Everyone active since the key began to seal.
    ActiveSince(u64),
    /// Whoever was active in this time, and not since.
    LastActive { from: u64, until: u64 },
}

/// What revoking the key does now.
pub(crate) fn revoke(
    directory: &Directory,
    settings: &Settings,
    id: KeyId,
    now: u64,
) -> Result<Revocation, Refusal> {
    if directory.tombstones.contains(&id) {
        return Err(Refusal::AlreadyRevoked { id });
    }
    let keys = &directory.keys;
    let Some(place) = keys.iter().position(|key| key.id == id) else {
        return match settings.force {
            true => Ok(Revocation { succession: Succession::NotNeeded, cost: Cost::Nobody }),
            false => Err(Refusal::UnknownId { id }),
        };
    };
    let key = &keys[place];
    let come = newest_come(keys, now);
    // If no key's time has come, the earliest seals.
    let sealing = come.unwrap_or(keys.len() - 1);
    let cost = match come {
        _ if place == sealing && key.from <= now => Cost::ActiveSince(key.from),
        _ if place == sealing => Cost::ActiveSince(key.changed.unwrap_or(0).min(now)),
        Some(come) if place > come => {
            Cost::LastActive { from: key.from, until: keys[place - 1].from }
        }
        _ => Cost::Nobody,
    };
    let succession = match place == sealing {
        true => succession(directory, settings, place, now),
        false => Succession::NotNeeded,
    };
    Ok(Revocation { succession, cost })
}

fn succession(directory: &Directory, settings: &Settings, place: usize, now: u64) -> Succession {
    let keys = &directory.keys;
    let older = keys.get(place + 1);
    let next = place.checked_sub(1).map(|next| &keys[next]);
    // The newest whose time has come, whatever the clock says.
    let at_once = older.map_or(0, |older| older.from + SECOND).max(now - now % SECOND);
    match (next, older) {
        (Some(next), _) if next.from <= now.saturating_add(settings.settle) => {
            Succession::AboutToSeal { key: next.clone() }
        }
        (Some(next), _) => {
            Succession::TakesOver { key: next.clone(), from: directory.free_from(at_once) }
        }
        (None, Some(older)) => Succession::Older {
            key: older.clone(),
            next: directory.free_from(add::soonest(settings, now)),
        },
        (None, None) => Succession::New { from: directory.free_from(at_once) },
    }
}
