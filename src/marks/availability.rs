//! `Availability`: whether the tables can say today which sessions have ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock::monotonic_millis;

/// When the store was last heard, and how long ago that may be.
pub(crate) struct Availability {
    /// Sessions are served before the store was read.
    serve_unread: bool,
    /// For how long sessions are served that the store could have ended meanwhile. Milliseconds.
    limit: Option<u64>,
    read: AtomicBool,
    /// When it was last read from the beginning. Milliseconds since the Unix epoch.
    read_at: AtomicU64,
    /// Milliseconds since the Unix epoch.
    heard_at: AtomicU64,
    /// Milliseconds by the monotonic clock.
    heard_at_monotonic: AtomicU64,
}

impl Availability {
    pub(crate) fn new(serve_unread: bool, limit: Option<u64>) -> Self {
        Self {
            serve_unread,
            limit,
            read: AtomicBool::new(false),
            read_at: AtomicU64::new(0),
            heard_at: AtomicU64::new(0),
            heard_at_monotonic: AtomicU64::new(0),
        }
    }

    /// Whether a session can be judged at `now`, in milliseconds since the Unix epoch.
    #[inline]
    pub(crate) fn is_available(&self, now: u64) -> bool {
        if !self.is_read() {
            return self.serve_unread;
        }
        self.limit.is_none_or(|limit| self.silence(now) <= limit)
    }

    /// Whether the store was ever read to its end.
    pub(crate) fn is_read(&self) -> bool {
        self.read.load(Ordering::Acquire)
    }

    /// For how long nothing was heard of the store, in milliseconds. A clock that was set back does not
    /// make it shorter, nor does a machine that slept, whose monotonic clock may have stopped.
    pub(crate) fn silence(&self, now: u64) -> u64 {
        let wall = now.saturating_sub(self.heard_at.load(Ordering::Acquire));
        let heard_at = self.heard_at_monotonic.load(Ordering::Acquire);
        wall.max(monotonic_millis().saturating_sub(heard_at))
    }

    /// Since when what happens in the store may not be known here, in milliseconds since the Unix epoch.
    pub(crate) fn known_until(&self) -> u64 {
        self.heard_at.load(Ordering::Acquire).max(self.read_at.load(Ordering::Acquire))
    }

    /// The store was read to its end, whether or not it could confirm a write.
    pub(crate) fn note_read(&self, now: u64) {
        self.read_at.store(now, Ordering::Release);
        self.read.store(true, Ordering::Release);
    }

    /// Everything that was in the store at this time is in the tables.
    pub(crate) fn heard(&self, now: u64, monotonic: u64) {
        self.heard_at.store(now, Ordering::Release);
        self.heard_at_monotonic.store(monotonic, Ordering::Release);
        self.note_read(now);
    }
}
