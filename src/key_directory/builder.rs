//! `KeyDirectoryBuilder`: the settings of a directory of keys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::KeyDirectory;
use super::follow::{Following, Settings};
use super::in_force::Waits;
use super::read::Source;
use crate::clock::{Clock, CodecClock, millis};
use crate::error::KeyError;

const SETTLE: Duration = Duration::from_secs(5 * 60);
const LOOK_EVERY: Duration = Duration::from_secs(30);
pub(super) const STALE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// More looks than that would only keep the processor busy.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);

/// Settings for a [`KeyDirectory`]; created by [`KeyDirectory::builder`].
///
/// ```no_run
/// # use std::time::Duration;
/// # use sealed_session::KeyDirectory;
/// let keys = KeyDirectory::builder("keys").look_every(Duration::from_secs(10)).open()?;
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[must_use = "a builder does nothing until `open` is called"]
#[derive(Debug)]
pub struct KeyDirectoryBuilder {
    place: Place,
    settle: Duration,
    look_every: Duration,
    stale: Duration,
    clock: BuilderClock,
    #[cfg(unix)]
    reload_on_sighup: bool,
}

#[derive(Debug)]
enum Place {
    Path(PathBuf),
    Credential(String),
}

/// A clock, which need not have a `Debug`.
struct BuilderClock(CodecClock);

impl std::fmt::Debug for BuilderClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

impl KeyDirectoryBuilder {
    pub(super) fn at(path: PathBuf) -> Self {
        Self::new(Place::Path(path))
    }

    pub(super) fn credential(name: &str) -> Self {
        Self::new(Place::Credential(name.to_owned()))
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            settle: SETTLE,
            look_every: LOOK_EVERY,
            stale: STALE,
            clock: BuilderClock(CodecClock::System),
            #[cfg(unix)]
            reload_on_sighup: false,
        }
    }

    /// For how long a server must know a key before it seals with it. Default: 5 minutes.
    ///
    /// It must be longer than a new file takes to reach every server, and one look, and the difference
    /// between two servers' clocks together. Give all servers the same, and the tool that rotates: a key
    /// should be there twice as long before it seals.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::builder("keys").settle(Duration::from_secs(15 * 60)).open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    pub fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// How often to look at the files. Default: 30 seconds. A cookie that no key opens makes the next look
    /// earlier, at most once a second.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::builder("keys").look_every(Duration::from_secs(10)).open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    pub fn look_every(mut self, time: Duration) -> Self {
        self.look_every = time;
        self
    }

    /// For how long a server may fail to read the directory before a key that it still needs can be
    /// removed. Default: 7 days. The tool waits for so long; the server logs an error after half of it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use sealed_session::KeyDirectory;
    /// let two_days = Duration::from_secs(2 * 24 * 60 * 60);
    /// let keys = KeyDirectory::builder("keys").stale(two_days).open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    pub fn stale(mut self, time: Duration) -> Self {
        self.stale = time;
        self
    }

    /// The clock that says whether a key's time has come. Default: [`SystemClock`](crate::SystemClock). In
    /// tests, give the codecs the same one.
    ///
    /// ```no_run
    /// # use sealed_session::{KeyDirectory, TestClock};
    /// let clock = TestClock::at(1_700_000_000);
    /// let keys = KeyDirectory::builder("keys").clock(clock.clone()).open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = BuilderClock(CodecClock::Other(Arc::new(clock)));
        self
    }

    /// Looks at once whenever the process gets a SIGHUP, as `systemctl reload` sends it with
    /// `ExecReload=kill -HUP $MAINPID`. Default: a SIGHUP does what it did before, which is to end the
    /// process.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::builder("keys").reload_on_sighup().open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// Other handlers of the signal that were set by the crates `signal-hook` or `tokio` go on working. From
    /// then on a SIGHUP no longer ends the process, not even when the keys are not followed any more.
    #[cfg(unix)]
    pub fn reload_on_sighup(mut self) -> Self {
        self.reload_on_sighup = true;
        self
    }

    /// Reads the keys and begins to follow them.
    ///
    /// ```no_run
    /// # use sealed_session::KeyDirectory;
    /// let keys = KeyDirectory::builder("keys").open()?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`KeyDirectory::open`].
    pub fn open(self) -> Result<KeyDirectory, KeyError> {
        let source = match self.place {
            Place::Path(path) => Source::Path(path),
            Place::Credential(name) => Source::credential(&name)?,
        };
        let files = source.read_twice()?;
        let settings = Settings {
            source,
            clock: self.clock.0,
            waits: Waits { settle: millis(self.settle), stale: millis(self.stale) },
            look_every: self.look_every.max(SHORTEST_LOOK),
        };
        let (following, live) = Following::start(settings, files)?;
        #[cfg(unix)]
        if self.reload_on_sighup {
            following.look_on_sighup()?;
        }
        Ok(KeyDirectory { following, live })
    }
}
