//! `Wake`: when the next look is due, and who brings it forward. Lock-free, because requests use it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

/// The shortest time between two looks that requests ask for.
const SOONEST: Duration = Duration::from_secs(1);

/// Brings the next look forward.
#[derive(Default)]
pub(super) struct Wake {
    /// The thread that looks.
    thread: OnceLock<Thread>,
    /// A cookie came that no key opens.
    is_early: AtomicBool,
    /// Somebody asked for a look.
    is_now: AtomicBool,
}

impl Wake {
    pub(super) fn set_thread(&self, thread: Thread) {
        // There is one thread only.
        let _ = self.thread.set(thread);
    }

    /// Looks soon. Requests call this, so it only sets a flag unless it is the first since the last look.
    pub(super) fn early(&self) {
        if !self.is_early.load(Ordering::Relaxed) && !self.is_early.swap(true, Ordering::AcqRel) {
            self.unpark();
        }
    }

    /// Looks at once.
    pub(super) fn now(&self) {
        self.is_now.store(true, Ordering::Release);
        self.unpark();
    }

    pub(super) fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// How long to wait before the next look, which is usually due `every` so often. Zero if it is due.
    pub(super) fn wait(&self, since_last: Duration, every: Duration) -> Duration {
        if self.is_now.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        let is_early = self.is_early.load(Ordering::Acquire);
        let due = if is_early { every.min(SOONEST) } else { every };
        due.saturating_sub(since_last)
    }

    /// Whether somebody asked for a look at once.
    pub(super) fn is_asked(&self) -> bool {
        self.is_now.load(Ordering::Acquire)
    }

    /// A look begins: who asks from here on asks for the next one.
    pub(super) fn begins(&self) {
        self.is_early.store(false, Ordering::Release);
        self.is_now.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_look_is_due_every_so_often() {
        let wake = Wake::default();
        assert_eq!(wake.wait(seconds(10), EVERY), seconds(20));
        assert_eq!(wake.wait(seconds(30), EVERY), Duration::ZERO);
        assert_eq!(wake.wait(seconds(99), EVERY), Duration::ZERO);
    }

    #[test]
    fn a_cookie_that_no_key_opens_wakes_the_next_look_early_and_at_most_once_a_second() {
        let wake = Wake::default();
        wake.early();
        assert_eq!(wake.wait(seconds(10), EVERY), Duration::ZERO);
        wake.begins();
        assert_eq!(wake.wait(seconds(0), EVERY), EVERY);
        wake.early();
        wake.early();
        assert_eq!(wake.wait(Duration::from_millis(200), EVERY), Duration::from_millis(800));
        assert_eq!(wake.wait(seconds(1), EVERY), Duration::ZERO);
        // It never makes a look later.
        assert_eq!(wake.wait(Duration::ZERO, seconds(1) / 2), seconds(1) / 2);
    }

    #[test]
    fn who_asks_for_a_look_does_not_wait() {
        let wake = Wake::default();
        wake.now();
        assert_eq!(wake.wait(Duration::ZERO, EVERY), Duration::ZERO);
        wake.begins();
        assert_eq!(wake.wait(Duration::ZERO, EVERY), EVERY);
    }
}
