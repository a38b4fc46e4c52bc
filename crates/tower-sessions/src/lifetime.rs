//! `Lifetime`: tower-sessions' `Expiry`, in whole seconds and the same for all its versions.
//!
//! It reads no clock: times are arguments, in seconds since the Unix epoch.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// No browser keeps a cookie longer (RFC 6265bis): 400 days, in seconds.
const MAX_MAX_AGE: i64 = 400 * 24 * 60 * 60;

/// How long a session lives.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifetime {
    /// As long as the browser runs, and the codec's timeouts allow.
    #[serde(rename = "end")]
    SessionEnd,
    /// This many seconds without activity.
    #[serde(rename = "idle")]
    Idle(i64),
    /// Until this time.
    #[serde(rename = "at")]
    At(i64),
}

impl Lifetime {
    /// The same, or the longest that the absolute timeout of a session allows that began at `begun`.
    pub(crate) fn clamp(self, begun: i64, absolute: i64) -> Self {
        match self {
            Self::SessionEnd => self,
            Self::Idle(seconds) => Self::Idle(seconds.min(absolute)),
            Self::At(time) => Self::At(time.min(begun.saturating_add(absolute))),
        }
    }

    /// Whether a session of this lifetime is over at once.
    pub(crate) fn has_ended(self, now: i64) -> bool {
        match self {
            Self::SessionEnd => false,
            Self::Idle(seconds) => seconds <= 0,
            Self::At(time) => time <= now,
        }
    }

    /// How long the session lives from now on if it is not used. `None` is for the codec to say.
    pub(crate) fn rest(self, now: i64) -> Option<i64> {
        match self {
            Self::SessionEnd => None,
            Self::Idle(seconds) => Some(seconds),
            Self::At(time) => Some(time.saturating_sub(now)),
        }
    }

    /// The cookie's `Max-Age`, for a session that began at `begun`.
    pub(crate) fn max_age(self, now: i64, begun: i64, absolute: i64) -> Option<Duration> {
        let left = begun.saturating_add(absolute).saturating_sub(now);
        let seconds = self.rest(now)?.min(left).clamp(1, MAX_MAX_AGE);
        Some(Duration::from_secs(seconds.unsigned_abs()))
    }

    /// Whether a layer can give this lifetime to all sessions.
    pub(crate) fn check(self, now: i64, absolute: i64) -> Result<Self, ExpiryError> {
        if self.has_ended(now) {
            return Err(ExpiryError::Past);
        }
        if self.rest(now).is_some_and(|rest| rest > absolute) {
            let absolute = Duration::from_secs(absolute.unsigned_abs());
            return Err(ExpiryError::BeyondAbsolute { absolute });
        }
        Ok(self)
    }
}

/// Why a layer does not take an `Expiry`.
///
/// ```
/// # #[cfg(feature = "v0_14")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use sealed_session::{Codec, Key, Keyring};
/// use sealed_session_tower_sessions::v0_14::{SealedSessionLayer, tower_sessions_core::Expiry};
/// use sealed_session_tower_sessions::{ExpiryError, TowerSession};
///
/// let codec = Codec::<TowerSession>::new(Keyring::new(Key::generate()?))?;
/// let a_year = Expiry::OnInactivity(time::Duration::days(365));
/// let refused = SealedSessionLayer::new(codec).with_expiry(a_year).unwrap_err();
/// assert!(matches!(refused, ExpiryError::BeyondAbsolute { .. })); // 30 days by default
/// # Ok(()) }
/// # #[cfg(feature = "v0_14")]
/// # example().unwrap();
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryError {
    /// No session would live: the duration is not positive, or the time is not in the future.
    Past,
    /// It is longer than the codec's absolute timeout.
    #[non_exhaustive]
    BeyondAbsolute {
        /// The codec's absolute timeout.
        absolute: Duration,
    },
}

impl fmt::Display for ExpiryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Past => f.write_str("the expiry is not in the future, so no session would live"),
            Self::BeyondAbsolute { absolute } => write!(
                f,
                "the expiry is longer than the codec's absolute timeout of {} s; call \
                 `absolute_timeout` on the codec's builder",
                absolute.as_secs()
            ),
        }
    }
}

impl std::error::Error for ExpiryError {}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 24 * 60 * 60;

    #[test]
    fn nothing_lasts_longer_than_the_absolute_timeout() {
        assert_eq!(Lifetime::Idle(9 * DAY).clamp(NOW, DAY), Lifetime::Idle(DAY));
        assert_eq!(Lifetime::At(NOW + 9 * DAY).clamp(NOW, DAY), Lifetime::At(NOW + DAY));
        assert_eq!(Lifetime::At(i64::MAX).clamp(i64::MAX, DAY), Lifetime::At(i64::MAX));
        assert_eq!(Lifetime::Idle(9).clamp(NOW, DAY), Lifetime::Idle(9));
        assert_eq!(Lifetime::SessionEnd.clamp(NOW, DAY), Lifetime::SessionEnd);
    }

    #[test]
    fn a_cookie_is_not_kept_beyond_the_end_of_its_session() {
        let max_age = |lifetime: Lifetime, begun| lifetime.max_age(NOW, begun, 30 * DAY);
        let seconds = |seconds: i64| Some(Duration::from_secs(seconds.unsigned_abs()));
        assert_eq!(max_age(Lifetime::SessionEnd, NOW), None);
        assert_eq!(max_age(Lifetime::Idle(60), NOW), seconds(60));
        assert_eq!(max_age(Lifetime::Idle(2 * DAY), NOW - 29 * DAY), seconds(DAY));
        assert_eq!(max_age(Lifetime::At(NOW + 60), NOW), seconds(60));
        assert_eq!(max_age(Lifetime::At(NOW - 60), NOW), seconds(1));
        let long = Lifetime::Idle(500 * DAY).max_age(NOW, NOW, 600 * DAY);
        assert_eq!(long, seconds(400 * DAY));
    }

    #[test]
    fn a_layer_takes_only_what_some_session_can_live_by() {
        let check = |lifetime: Lifetime| lifetime.check(NOW, DAY);
        assert_eq!(check(Lifetime::Idle(0)), Err(ExpiryError::Past));
        assert_eq!(check(Lifetime::At(NOW)), Err(ExpiryError::Past));
        assert!(matches!(check(Lifetime::Idle(DAY + 1)), Err(ExpiryError::BeyondAbsolute { .. })));
        assert!(check(Lifetime::At(NOW + DAY + 1)).is_err());
        for lifetime in [Lifetime::SessionEnd, Lifetime::Idle(DAY), Lifetime::At(NOW + DAY)] {
            assert_eq!(check(lifetime), Ok(lifetime));
        }
        let text = ExpiryError::BeyondAbsolute { absolute: Duration::from_secs(9) }.to_string();
        assert!(text.contains("9 s"), "{text}");
    }
}
