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
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Box<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
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
}

/// The clock of a codec.
#[derive(Clone)]
pub(crate) enum CodecClock {
    System,
    Other(Arc<dyn Clock>),
}

impl CodecClock {
    /// The current time in milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::System => unix_millis(SystemClock.now()),
            Self::Other(clock) => unix_millis(clock.now()),
        }
    }

    /// The same, or a time a few milliseconds earlier if that takes less time to read. On Linux it is
    /// the time of the kernel's last tick, at most 10 milliseconds ago.
    #[cfg(all(feature = "session", target_os = "linux"))]
    pub(crate) fn coarse_now(&self) -> u64 {
        use nix::time::{ClockId, clock_gettime};

        let Self::System = self else { return self.now() };
        let Ok(time) = clock_gettime(ClockId::CLOCK_REALTIME_COARSE) else { return self.now() };
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        seconds.saturating_mul(1000).saturating_add(time.tv_nsec() as u64 / 1_000_000)
    }

    #[cfg(not(all(feature = "session", target_os = "linux")))]
    pub(crate) fn coarse_now(&self) -> u64 {
        self.now()
    }
}

/// The milliseconds since the first call, by a clock that is never set.
#[cfg(any(feature = "revocation", feature = "key-directory"))]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub(crate) fn monotonic_millis() -> u64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    millis(START.get_or_init(std::time::Instant::now).elapsed())
}

/// A time in milliseconds since the Unix epoch.
pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
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
        let clock = CodecClock::System;
        for _ in 0..1000 {
            let before = clock.now();
            let coarse = clock.coarse_now();
            assert!(coarse <= clock.now());
            // Far more than a tick, so that a busy machine does not fail it.
            assert!(coarse + 1000 > before);
        }
    }

    #[test]
    fn another_clock_has_no_coarse_time() {
        let clock = CodecClock::Other(Arc::new(TestClock::at(1_700_000_000)));
        assert_eq!((clock.coarse_now(), clock.now()), (1_700_000_000_000, 1_700_000_000_000));
    }
}
