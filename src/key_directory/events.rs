//! What there is to tell of the keys, in one place. A look collects it, and tells it without a lock.

use std::path::PathBuf;

use crate::crypto::key_id::KeyId;
use crate::logging;

/// Something that a look has to tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Other keys are in force, or another one seals.
    InForce {
        fingerprint: String,
        keys: usize,
        sealing: KeyId,
        /// Milliseconds since the Unix epoch.
        next_change: Option<u64>,
    },
    /// The look failed for this reason. The keys of before stay in force.
    Broken(String),
    /// A look succeeded again.
    Mended,
    /// There was no good look for so long that a key may be used elsewhere that is not known here. Seconds.
    Stale(u64),
    /// No key's time has come. The earliest seals.
    Early(KeyId),
    /// Others than its owner can read or write a key's file.
    Exposed(PathBuf, u32),
    /// Others than its owner can put keys into the directory.
    OpenDirectory(PathBuf, u32),
}

impl Event {
    pub(super) fn tell(self) {
        match self {
            Self::InForce { fingerprint, keys, sealing, next_change } => {
                logging::keys_in_force(&fingerprint, keys, sealing, next_change);
            }
            Self::Broken(error) => logging::keys_broken(&error),
            Self::Mended => logging::keys_mended(),
            Self::Stale(seconds) => logging::keys_stale(seconds),
            Self::Early(id) => logging::no_key_due(id),
            Self::Exposed(path, mode) => logging::key_file_exposed(&path, mode),
            Self::OpenDirectory(path, mode) => logging::key_directory_open(&path, mode),
        }
    }
}
