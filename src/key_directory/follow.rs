//! `Following`: looks at the files again and again, and puts in force what it finds. The thread that does
//! so ends with the last keyring, codec and `KeyDirectory`.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, Weak};
use std::time::Duration;

use super::events::Event;
use super::files::{KeyFile, KeyFiles};
use super::in_force::{InForce, Waits};
use super::read::{A_MOMENT, Source};
use super::status::time;
use super::wake::Wake;
use crate::clock::{CodecClock, monotonic_millis};
use crate::crypto::key_file;
use crate::crypto::key_id::KeyId;
use crate::crypto::key_set::{Follower, Live};
use crate::error::{KeyError, KeyErrorKind};
use crate::events::gauges::{KeysSeen, keys_seen};
use crate::sync::{Mutex, MutexGuard};

/// Where the keys are, and how to follow them.
pub(super) struct Settings {
    pub(super) source: Source,
    pub(super) clock: CodecClock,
    pub(super) waits: Waits,
    pub(super) look_every: Duration,
}

/// What keeps a set of keys up to date.
pub(super) struct Following {
    pub(super) settings: Settings,
    /// What the codecs use. They keep this alive, and not the other way round.
    live: OnceLock<Weak<Live>>,
    wake: Wake,
    /// How many looks have begun.
    looks: AtomicU64,
    state: Mutex<State>,
    #[cfg(unix)]
    signals: OnceLock<signal_hook::iterator::Handle>,
}

/// What the looks have found.
pub(super) struct State {
    pub(super) in_force: InForce,
    /// The look that found them.
    look: u64,
    /// Milliseconds since the Unix epoch.
    pub(super) last_good: u64,
    /// Why the last look failed.
    pub(super) error: Option<String>,
    told: Told,
}

/// What was told before.
#[derive(Default)]
struct Told {
    /// The fingerprint of the keys, and the one that seals.
    in_force: Option<(String, KeyId)>,
    exposed: BTreeSet<(PathBuf, u32)>,
    /// Why the last look failed.
    broken: Option<String>,
    is_stale: bool,
}

impl Following {
    /// Puts these files in force at a server that starts, and follows them.
    pub(super) fn start(
        settings: Settings,
        files: KeyFiles,
    ) -> Result<(Arc<Self>, Arc<Live>), KeyError> {
        let now = settings.clock.now();
        let in_force = InForce::at_start(files, now, settings.waits)?;
        let key_set = in_force.key_set();
        let mut state =
            State { in_force, look: 0, last_good: now, error: None, told: Told::default() };
        let events = state.good_look(now);
        let following = Arc::new(Self {
            settings,
            live: OnceLock::new(),
            wake: Wake::default(),
            looks: AtomicU64::new(0),
            state: Mutex::new(state),
            #[cfg(unix)]
            signals: OnceLock::new(),
        });
        let live = Live::following(key_set, following.clone());
        // It was empty.
        let _ = following.live.set(Arc::downgrade(&live));
        following.spawn()?;
        events.into_iter().for_each(Event::tell);
        following.measure(now);
        Ok((following, live))
    }

    fn spawn(self: &Arc<Self>) -> Result<(), KeyError> {
        let (following, every) = (Arc::downgrade(self), self.settings.look_every);
        let thread = std::thread::Builder::new()
            .name("key-directory".to_owned())
            .spawn(move || follow(&following, every))
            .map_err(|error| KeyError::caused_by(KeyErrorKind::NotFollowed, error))?;
        self.wake.set_thread(thread.thread().clone());
        Ok(())
    }

    /// Looks at once whenever the process gets a SIGHUP.
    #[cfg(unix)]
    pub(super) fn look_on_sighup(self: &Arc<Self>) -> Result<(), KeyError> {
        let failed = |error| KeyError::caused_by(KeyErrorKind::NotFollowed, error);
        let mut signals =
            signal_hook::iterator::Signals::new([signal_hook::consts::SIGHUP]).map_err(failed)?;
        // It was empty.
        let _ = self.signals.set(signals.handle());
        let following = Arc::downgrade(self);
        let wait = move || {
            for _ in signals.forever() {
                let Some(following) = following.upgrade() else { return };
                following.wake.now();
            }
        };
        std::thread::Builder::new().name("key-sighup".to_owned()).spawn(wait).map_err(failed)?;
        Ok(())
    }

    /// Reads the files and puts them in force, if they can be right.
    pub(super) fn look(&self) -> Result<(), KeyError> {
        self.look_and_tell(true)
    }

    /// The same. `repeats` says whether to tell again why it fails, if the last look failed for that reason.
    fn look_and_tell(&self, repeats: bool) -> Result<(), KeyError> {
        let result = self.try_look().or_else(|_| {
            // Somebody may just have changed them.
            std::thread::sleep(A_MOMENT);
            self.try_look()
        });
        let now = self.settings.clock.now();
        let events = match &result {
            Ok(()) => self.state().good_look(now),
            Err(error) => self.state().bad_look(error, now, self.settings.waits.stale, repeats),
        };
        events.into_iter().for_each(Event::tell);
        self.measure(now);
        result
    }

    /// Sets the gauges of these keys.
    fn measure(&self, now: u64) {
        let seen = {
            let state = self.state();
            KeysSeen {
                count: state.in_force.files().len(),
                read_at: time(state.last_good),
                next_change: state.in_force.next_change(now).map(time),
            }
        };
        keys_seen(&self.settings.source.path().to_string_lossy(), &seen);
    }

    fn try_look(&self) -> Result<(), KeyError> {
        let look = self.looks.fetch_add(1, Ordering::AcqRel) + 1;
        let files = self.settings.source.read()?;
        // After reading: a key is known from when it can be used.
        let now = self.settings.clock.now();
        let live = self.live.get().and_then(Weak::upgrade);
        let mut state = self.state();
        if look < state.look {
            // Another look began later and has ended already.
            return Ok(());
        }
        let next = state.in_force.followed_by(files, now, self.settings.waits)?;
        state.look = look;
        // Under the lock, so that the sets come into force in the order of the looks.
        if let Some(live) = live.as_ref().filter(|_| !next.is_same(&state.in_force)) {
            live.replace(next.key_set());
        }
        state.in_force = next;
        drop(state);
        Ok(())
    }

    /// What the looks have found. While the caller has it, no foreign code may run.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower for Following {
    fn unknown_key(&self) {
        self.wake.early();
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = self.signals.get() {
            signals.close();
        }
        // The thread finds that there is nothing to follow.
        self.wake.unpark();
    }
}

/// Looks until there is nothing to follow.
fn follow(following: &Weak<Following>, every: Duration) {
    let mut last = monotonic_millis();
    loop {
        let since_last = Duration::from_millis(monotonic_millis().saturating_sub(last));
        let wait = match following.upgrade() {
            Some(following) => following.wake.wait(since_last, every),
            None => return,
        };
        // Who wakes it between here and there does so in time: that is what parking promises.
        if !wait.is_zero() {
            std::thread::park_timeout(wait);
            continue;
        }
        let Some(following) = following.upgrade() else { return };
        // Forged cookies bring looks forward. They must not fill the log.
        let repeats = since_last >= every || following.wake.is_asked();
        following.wake.begins();
        // A clock or a subscriber that panics must not end this. The panic itself was already told.
        let _ = catch_unwind(AssertUnwindSafe(|| following.look_and_tell(repeats)));
        last = monotonic_millis();
    }
}

impl State {
    /// Takes note of a good look. Returns what is to be told of it, without a lock.
    fn good_look(&mut self, now: u64) -> Vec<Event> {
        let mut events = Vec::new();
        self.last_good = now;
        self.told.is_stale = false;
        self.told.broken = None;
        if self.error.take().is_some() {
            events.push(Event::Mended);
        }
        let files = self.in_force.files();
        let (fingerprint, sealing) = (files.fingerprint(), self.in_force.sealing(now).id());
        let in_force = Some((fingerprint.clone(), sealing));
        if self.told.in_force != in_force {
            let next_change = self.in_force.next_change(now);
            events.push(Event::InForce { fingerprint, keys: files.len(), sealing, next_change });
            self.told.in_force = in_force;
        }
        if self.in_force.is_early(now) {
            events.push(Event::Early(sealing));
        }
        if let Some(mode) = files.open_directory() {
            let path = files.path().to_owned();
            if self.told.exposed.insert((path.clone(), mode)) {
                events.push(Event::OpenDirectory(path, mode));
            }
        }
        for (path, mode) in files.iter().filter_map(exposed) {
            if self.told.exposed.insert((path.clone(), mode)) {
                events.push(Event::Exposed(path, mode));
            }
        }
        events
    }

    /// The same of a look that failed.
    fn bad_look(&mut self, error: &KeyError, now: u64, stale: u64, repeats: bool) -> Vec<Event> {
        // With its causes.
        let text = format!("{error:?}");
        self.error = Some(text.clone());
        let mut events = Vec::new();
        if repeats || self.told.broken.as_ref() != Some(&text) {
            self.told.broken = Some(text.clone());
            events.push(Event::Broken(text));
        }
        let since = now.saturating_sub(self.last_good);
        if since >= stale / 2 && !self.told.is_stale {
            self.told.is_stale = true;
            events.push(Event::Stale(since / 1000));
        }
        events
    }
}

/// The file and its mode if others than its owner can read or write it.
fn exposed(file: &KeyFile) -> Option<(PathBuf, u32)> {
    let mode = file.mode.filter(|mode| key_file::is_exposed(*mode))?;
    Some((file.path.clone(), mode))
}
