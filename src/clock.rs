//! `Clock`: what the time is. The only file that reads the system clock. All other code is given a
//! clock or a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells a codec what the time is.
///
/// Implement it where [`SystemClock`] does not work (WebAssembly without a system). In tests, use
/// [`TestClock`].
///
/// ```
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
/// use sealed_session::Clock;
///
/// struct BrowserClock;
///
/// impl Clock for BrowserClock {
///     fn now(&self) -> SystemTime {
///         UNIX_EPOCH + Duration::from_millis(date_now())
///     }
/// }
/// # fn date_now() -> u64 { 1_700_000_000_000 }
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The current time. A time before 1970 counts as 1970.
    ///
    /// ```
    /// # use sealed_session::{Clock, SystemClock};
    /// let now = SystemClock.now();
    /// ```
    fn now(&self) -> SystemTime;

    /// The current time, or a time a few milliseconds earlier if that is faster to read. The layer
    /// reads it when a request with a cookie arrives. It must never be later than [`now`](Self::now).
    /// Default: [`now`](Self::now).
    ///
    /// ```
    /// # use sealed_session::{Clock, SystemClock};
    /// assert!(SystemClock.coarse_now() <= SystemClock.now());
    /// ```
    fn coarse_now(&self) -> SystemTime {
        self.now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn coarse_now(&self) -> SystemTime {
        (**self).coarse_now()
    }
}

impl<C: Clock + ?Sized> Clock for Box<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn coarse_now(&self) -> SystemTime {
        (**self).coarse_now()
    }
}

/// The operating system's clock. A codec uses it by default.
///
/// ```
/// use sealed_session::{Clock, SystemClock};
///
/// let now = SystemClock.now();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// On Linux, the time of the kernel's last tick. It is at most 10 milliseconds old and takes a fifth
    /// of the time to read.
    #[cfg(all(feature = "tower", target_os = "linux"))]
    fn coarse_now(&self) -> SystemTime {
        use nix::time::{ClockId, clock_gettime};
        let since = clock_gettime(ClockId::CLOCK_REALTIME_COARSE).map(Duration::from);
        let time = since.ok().and_then(|since| UNIX_EPOCH.checked_add(since));
        time.unwrap_or_else(|| self.now())
    }
}

/// A time in milliseconds since the Unix epoch.
pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, millis)
}

fn millis(duration: Duration) -> u64 {
    // Not `as_millis`, which divides 128 bits.
    duration.as_secs().saturating_mul(1000).saturating_add(duration.subsec_millis().into())
}

/// A clock that only moves when it is told to. Its clones are the same clock.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use sealed_session::{Clock, TestClock};
///
/// let clock = TestClock::at(1_700_000_000);
/// let same = clock.clone();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(same.now(), UNIX_EPOCH + Duration::from_secs(1_700_000_060));
/// ```
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// A clock that shows this time, in seconds since the Unix epoch.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, TestClock};
    /// let clock = TestClock::at(1_700_000_000);
    /// let codec = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
    ///     .clock(clock.clone())
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix_seconds.saturating_mul(1000))))
    }

    /// Moves the clock forward by the whole milliseconds of `by`.
    ///
    /// ```
    /// # use std::time::{Duration, UNIX_EPOCH};
    /// # use sealed_session::{Clock, TestClock};
    /// # let clock = TestClock::at(0);
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(60));
    /// ```
    pub fn advance(&self, by: Duration) {
        self.change(|now| now.saturating_add(millis(by)));
    }

    /// Moves the clock back by the whole milliseconds of `by`, at most to 1970.
    ///
    /// ```
    /// # use std::time::{Duration, UNIX_EPOCH};
    /// # use sealed_session::{Clock, TestClock};
    /// # let clock = TestClock::at(100);
    /// clock.go_back(Duration::from_secs(60));
    /// assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(40));
    /// ```
    pub fn go_back(&self, by: Duration) {
        self.change(|now| now.saturating_sub(millis(by)));
    }

    /// Sets the time, in seconds since the Unix epoch.
    ///
    /// ```
    /// # use std::time::{Duration, UNIX_EPOCH};
    /// # use sealed_session::{Clock, TestClock};
    /// # let clock = TestClock::at(0);
    /// clock.set(1_700_000_000);
    /// assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    /// ```
    pub fn set(&self, unix_seconds: u64) {
        self.change(|_| unix_seconds.saturating_mul(1000));
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
    /// If the system's time type cannot represent the time, this is the year 2106.
    fn now(&self) -> SystemTime {
        let since = Duration::from_millis(self.0.load(Ordering::SeqCst));
        UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH + Duration::from_secs(u32::MAX.into()))
    }
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestClock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_time_is_a_little_behind_and_never_ahead() {
        for _ in 0..1000 {
            let before = SystemClock.now();
            let coarse = Arc::new(SystemClock).coarse_now();
            assert!(coarse <= SystemClock.now());
            // Far more than a tick, so that a busy machine does not fail it.
            assert!(coarse + Duration::from_secs(1) > before);
        }
    }

    #[test]
    fn a_clock_that_has_no_coarse_time_says_the_same_twice() {
        let clock = Arc::new(TestClock::at(1_700_000_000));
        assert_eq!(clock.coarse_now(), clock.now());
    }
}
