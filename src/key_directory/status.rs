//! `KeyDirectoryStatus`: what a server has found in its directory of keys, for people and for monitoring.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::files::KeyFile;
use super::follow::State;
use crate::crypto::key_id::KeyId;

/// What a server has found in its directory of keys; from
/// [`KeyDirectory::status`](crate::KeyDirectory::status).
///
/// ```no_run
/// # use sealed_session::KeyDirectory;
/// let keys = KeyDirectory::open("keys")?;
/// let status = keys.status();
/// println!("{} seals; {} keys, fingerprint {}", status.sealing, status.keys.len(), status.fingerprint);
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDirectoryStatus {
    /// The keys that are in force, the newest first.
    pub keys: Vec<KeyStatus>,
    /// The key that seals now.
    pub sealing: KeyId,
    /// When another key begins to seal, as far as that is known now.
    pub next_change: Option<SystemTime>,
    /// When the keys were last read, and found to be right.
    pub last_good_look: SystemTime,
    /// Why the last look failed. `None` if it succeeded.
    pub last_error: Option<String>,
    /// As [`KeyFiles::fingerprint`](crate::KeyFiles::fingerprint) of the keys that are in force.
    pub fingerprint: String,
}

/// One key that is in force at a server.
///
/// ```no_run
/// # use sealed_session::{KeyDirectory, KeyStatus};
/// # let keys = KeyDirectory::open("keys")?;
/// let next: Option<KeyStatus> = keys.status().keys.into_iter().next();
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// The name of its file.
    pub name: String,
    /// The key's public name.
    pub id: KeyId,
    /// The time from which it seals. The beginning of 1970 for a key without a date.
    pub seals_from: SystemTime,
    /// Since when this server has known it.
    pub known_since: SystemTime,
    /// Who may read and write the file. `None` where files have no mode.
    pub mode: Option<u32>,
}

impl KeyDirectoryStatus {
    /// At this time, in milliseconds since the Unix epoch.
    pub(super) fn of(state: &State, now: u64) -> Self {
        let key = |(file, known): (&KeyFile, u64)| KeyStatus {
            name: file.name.clone(),
            id: file.id(),
            seals_from: file.seals_from,
            known_since: time(known),
            mode: file.mode,
        };
        let in_force = &state.in_force;
        Self {
            keys: in_force.keys().map(key).collect(),
            sealing: in_force.sealing(now).id(),
            next_change: in_force.next_change(now).map(time),
            last_good_look: time(state.last_good),
            last_error: state.error.clone(),
            fingerprint: in_force.files().fingerprint(),
        }
    }
}

/// A time in milliseconds since the Unix epoch.
pub(super) fn time(unix_millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(unix_millis)).unwrap_or(UNIX_EPOCH)
}
