//! `Clock`: what the time is. The one file that reads the system's; everything else is handed one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells a codec what the time is.
///
/// Implement it where [`SystemClock`] does not work (WebAssembly without a system), or use
/// [`TestClock`] in tests.
pub trait Clock: Send + Sync + 'static {
    /// Whole seconds since the Unix epoch, in UTC.
    fn unix_seconds(&self) -> u64;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn unix_seconds(&self) -> u64 {
        (**self).unix_seconds()
    }
}

/// The operating system's clock. A time before 1970 counts as 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// A clock that stands still until it is told to move. Its clones are the same clock.
///
/// ```
/// use std::time::Duration;
/// use sealed_session::{Clock, TestClock};
///
/// let clock = TestClock::at(1_700_000_000);
/// let same = clock.clone();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(same.unix_seconds(), 1_700_000_060);
/// ```
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// A clock that stands at so many seconds since the Unix epoch.
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix_seconds)))
    }

    /// Moves forward by the whole seconds of `by`, at most to the last second there is.
    pub fn advance(&self, by: Duration) {
        self.change(|now| now.saturating_add(by.as_secs()));
    }

    /// Moves back by the whole seconds of `by`, at most to 1970.
    pub fn go_back(&self, by: Duration) {
        self.change(|now| now.saturating_sub(by.as_secs()));
    }

    /// Sets the time, in seconds since the Unix epoch.
    pub fn set(&self, unix_seconds: u64) {
        self.change(|_| unix_seconds);
    }

    fn change(&self, change: impl Fn(u64) -> u64) {
        let mut now = self.0.load(Ordering::SeqCst);
        while let Err(moved) =
            self.0.compare_exchange(now, change(now), Ordering::SeqCst, Ordering::SeqCst)
        {
            now = moved;
        }
    }
}

impl Clock for TestClock {
    fn unix_seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestClock").field(&self.unix_seconds()).finish()
    }
}
