//! `RotationSettings`: what the one who removes keys must know of the servers.

use std::fmt;
use std::time::Duration;

use crate::crypto::key_set::Demand;

/// What `sealed-session keys rotate` must know of a server before it removes a key; from
/// [`KeyDirectory::rotation_settings`](crate::KeyDirectory::rotation_settings).
///
/// `Display` is the content of the file `rotation.json`. Print it after the codecs are built: only then
/// it is known how long sessions last.
///
/// ```no_run
/// # use sealed_session::{Codec, Dynamic, KeyDirectory};
/// let keys = KeyDirectory::open("keys")?;
/// let codec = Codec::<Dynamic>::new(keys.keyring())?;
/// println!("{}", keys.rotation_settings()); // {"longest":2592000,"settle":300,"stale":604800}
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationSettings {
    idle: u32,
    absolute: u32,
    cookies_only: bool,
    settle: Duration,
    stale: Duration,
}

impl RotationSettings {
    pub(super) fn new(demand: Demand, settle: Duration, stale: Duration) -> Self {
        let Demand { idle, absolute, .. } = demand;
        Self { idle, absolute, cookies_only: false, settle, stale }
    }

    /// For a service that uses its sessions only as cookies: they last at most for the longest idle timeout,
    /// or that of a remembered session, after the last request. By default the longest absolute timeout
    /// counts, so that keys stay for longer.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// # let keys = KeyDirectory::open("keys")?;
    /// println!("{}", keys.rotation_settings().cookies_only());
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Security
    ///
    /// Do not use it where `set_idle_timeout` gives a session a longer timeout, where a token is kept
    /// outside a cookie (in an e-mail, in an app), or with sessions that are bound to a device: their keys
    /// would be removed too early.
    #[must_use]
    pub fn cookies_only(mut self) -> Self {
        self.cookies_only = true;
        self
    }

    /// How long a token of these servers can last after its key has sealed it. `None` if there is no codec
    /// yet.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// # let keys = KeyDirectory::open("keys")?;
    /// assert_eq!(keys.rotation_settings().longest(), None);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        let seconds = if self.cookies_only { self.idle } else { self.absolute };
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }

    /// For how long a server must know a key before it seals with it.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// # let keys = KeyDirectory::open("keys")?;
    /// assert_eq!(keys.rotation_settings().settle().as_secs(), 300);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn settle(&self) -> Duration {
        self.settle
    }

    /// How long a server may miss the directory.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// # let keys = KeyDirectory::open("keys")?;
    /// assert_eq!(keys.rotation_settings().stale().as_secs(), 7 * 24 * 60 * 60);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn stale(&self) -> Duration {
        self.stale
    }
}

impl fmt::Display for RotationSettings {
    /// JSON, in seconds. Without a codec it does not say how long a token lasts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        if let Some(longest) = self.longest() {
            write!(f, "\"longest\":{},", longest.as_secs())?;
        }
        let [settle, stale] = [self.settle, self.stale].map(|time| time.as_secs_f64());
        write!(f, "\"settle\":{settle},\"stale\":{stale}}}")
    }
}
