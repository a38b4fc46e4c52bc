//! `KeyDirectory`: keys that rotate by themselves, because the names of their files say when each seals.
//!
//! It reads files and never writes one: the tool `sealed-session` does. `in_force` has the rules, `follow`
//! the thread that looks at the files. No request waits for either.

mod builder;
mod events;
mod files;
mod follow;
mod in_force;
mod names;
mod read;
mod settings;
#[cfg(test)]
mod simulation;
mod status;
#[cfg(test)]
mod tests;
mod wake;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use self::builder::KeyDirectoryBuilder;
pub use self::files::{KeyFile, KeyFiles};
use self::follow::Following;
use self::in_force::Waits;
pub use self::settings::RotationSettings;
pub use self::status::{KeyDirectoryStatus, KeyStatus};
use crate::crypto::key_set::Live;
use crate::crypto::keyring::Keyring;
use crate::error::KeyError;

/// A directory of keys that rotate by themselves. The name of each file says from when its key seals:
/// `2026-11-21T12-00-00Z.key`.
///
/// ```no_run
/// use sealed_session::{Codec, Dynamic, KeyDirectory};
///
/// let keys = KeyDirectory::open("keys")?; // filled by `sealed-session keys rotate keys`
/// let codec = Codec::<Dynamic>::new(keys.keyring())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A server opens with every key in the directory at once, and seals with the newest one whose time has
/// come and which it has known for 5 minutes. So each server knows a key before any server uses it,
/// without talking to the others. A thread looks at the files every 30 seconds; requests only compare the
/// clock with the times of the keys. All codecs on the directory change at the same moment.
///
/// Instead of a directory, the path may name a file that holds several keys, one a line, the newest
/// first. They have no dates: a key that is put on the first line seals when a server has known it for 5
/// minutes. Until then, and as long on a new machine, the key on the second line does. So leave the key
/// before the newest in the file until the next one is added. Replace the file in one step: write
/// another, and rename it.
///
/// What is in the directory cannot always be right: a file is not readable, or somebody restored an old
/// copy that lacks the key that seals. Then the keys stay as they were, and each look logs an error.
/// To take a leaked key out of use, run `sealed-session keys revoke`. Only to remove its file is no
/// revocation: a server that seals with it refuses a directory without it. A server that has once seen that
/// a key is revoked does not use it again, whatever becomes of the directory, until it is started again.
///
/// The thread ends with the last of the clones, keyrings and codecs. A process that is forked has no such
/// thread: open the directory in the child.
#[derive(Clone)]
pub struct KeyDirectory {
    following: Arc<Following>,
    live: Arc<Live>,
}

impl KeyDirectory {
    /// Reads the keys in a directory, or in a file that holds several, and begins to follow them.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::open("keys")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`KeyFiles::read`]; [`KeyErrorKind::EmptyDirectory`](crate::KeyErrorKind::EmptyDirectory) if there
    /// is no key, which names the command to run;
    /// [`KeyErrorKind::NotFollowed`](crate::KeyErrorKind::NotFollowed) if the system starts no thread.
    ///
    /// # Security
    ///
    /// As [`Key::from_file`](crate::Key::from_file): the files should have mode 0600, and only those who may
    /// forge sessions may write into the directory. A file that others can read is reported once.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyError> {
        Self::builder(path).open()
    }

    /// A builder for a directory with other settings.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::builder("keys").settle(Duration::from_secs(15 * 60)).open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    pub fn builder(path: impl Into<PathBuf>) -> KeyDirectoryBuilder {
        KeyDirectoryBuilder::at(path.into())
    }

    /// Reads the keys that systemd gives the service as a credential, and begins to follow them.
    ///
    /// With `LoadCredential=keys:/etc/service/keys` in the service's unit, the name is `keys`. The path may
    /// be a file that holds several keys, or a directory of dated ones, of which systemd makes files
    /// `keys_2026-11-21T12-00-00Z.key`.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::from_credentials("keys")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// systemd copies credentials when the service starts. A new key is there after the next start: let it
    /// start more often than keys rotate.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Credential`](crate::KeyErrorKind::Credential) if there is no such credential;
    /// otherwise as [`open`](Self::open).
    pub fn from_credentials(name: &str) -> Result<Self, KeyError> {
        Self::builder_from_credentials(name).open()
    }

    /// A builder for the keys of a credential, with other settings.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::builder_from_credentials("keys").reload_on_sighup().open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    pub fn builder_from_credentials(name: &str) -> KeyDirectoryBuilder {
        KeyDirectoryBuilder::credential(name)
    }

    /// A keyring of these keys, for any number of codecs. It follows the directory.
    ///
    /// ```no_run
    /// # use sealed_session::{Codec, Dynamic, Key, KeyDirectory};
    /// # let keys = KeyDirectory::open("keys")?;
    /// let codec = Codec::<Dynamic>::new(keys.keyring())?;
    /// // With a key from before, which only opens:
    /// let keyring = keys.keyring().with_previous(Key::from_file("secret-key")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn keyring(&self) -> Keyring {
        Keyring::on(self.live.clone())
    }

    /// Looks at the files now. What they hold is in force for every use of a codec that begins after this
    /// returns.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// # let keys = KeyDirectory::open("keys")?;
    /// keys.reload()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// This reads files, so asynchronous code should use a thread for it (`tokio::task::spawn_blocking`).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`KeyErrorKind::KeyGone`](crate::KeyErrorKind::KeyGone) if a key is gone
    /// that is in use, and it was not revoked. The keys stay as they were.
    pub fn reload(&self) -> Result<(), KeyError> {
        self.following.look()
    }

    /// What the last looks have found.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// # let keys = KeyDirectory::open("keys")?;
    /// let is_healthy = keys.status().last_error.is_none();
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> KeyDirectoryStatus {
        let now = self.following.settings.clock.now();
        KeyDirectoryStatus::of(&self.following.state(), now)
    }

    /// What `sealed-session keys rotate` must know of this server to remove old keys, as far as the codecs
    /// that were built until now say it.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// # let keys = KeyDirectory::open("keys")?;
    /// std::fs::write("keys/rotation.json", keys.rotation_settings().to_string())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn rotation_settings(&self) -> RotationSettings {
        let settings = &self.following.settings;
        let Waits { settle, stale } = settings.waits;
        let [settle, stale] = [settle, stale].map(Duration::from_millis);
        RotationSettings::new(self.live.demands(), settle, stale)
    }
}

impl fmt::Debug for KeyDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyDirectory")
            .field("path", &self.following.settings.source.path())
            .finish_non_exhaustive()
    }
}
