//! `Decoded`: what a token says, once it is open.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::crypto::key_id::KeyId;
use crate::plaintext::Json;
use crate::scheme::Idle;
use crate::session_id::SessionId;

/// An opened token: the session's data, and what the seal vouches for besides.
///
/// `Debug` leaves the data out.
#[non_exhaustive]
#[derive(Clone)]
pub struct Decoded<T> {
    /// The session's data.
    pub data: T,
    /// What the seal vouches for besides.
    pub info: TokenInfo,
}

impl<T> fmt::Debug for Decoded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What a token's seal vouches for besides the data.
///
/// ```
/// # use sealed_session::{Session, SessionKind};
/// # use std::time::Duration;
/// /// Whether the user has logged in lately enough to change the password.
/// fn may_change_password<K: SessionKind>(session: &Session<K>) -> bool {
///     let created_at = session.info().and_then(|info| info.created_at);
///     let age = created_at.and_then(|created_at| created_at.elapsed().ok());
///     age.is_some_and(|age| age < Duration::from_secs(5 * 60))
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The session's public name. `None` for a token whose format has none.
    pub id: Option<SessionId>,
    /// When the session began, to the millisecond. `None` for a token whose format does not say.
    pub created_at: Option<SystemTime>,
    /// When the session was last refreshed: a whole number of seconds after it began.
    pub refreshed_at: SystemTime,
    /// From when on the token no longer opens, unless it is refreshed.
    pub expires_at: SystemTime,
    /// The idle timeout that counts for this token.
    pub idle_timeout: Duration,
    /// The idle timeout that was set for this session alone, if it has one (“remember me”).
    pub own_idle_timeout: Option<Duration>,
    /// The place in the keyring of the key that opened it: 0 is the primary.
    pub key_index: usize,
    /// The public name of the key that opened it.
    pub key_id: KeyId,
}

/// The JSON of a token that is authentic and in its time, and what the token says besides.
pub(crate) struct Verified {
    pub(crate) json: Json,
    pub(crate) validity: Validity,
}

/// What a valid token says of itself. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) id: Option<SessionId>,
    pub(crate) created_at: Option<u64>,
    pub(crate) refreshed_at: u64,
    pub(crate) expires_at: u64,
    /// The idle timeout that counts.
    pub(crate) idle: Idle,
    pub(crate) key_index: usize,
    pub(crate) key_id: KeyId,
    /// The token itself does not say when it was refreshed.
    pub(crate) undated: bool,
}

/// Why a session is to be sealed again that nobody wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// A tenth of its idle timeout is used up, or its token does not say when it was refreshed.
    Due,
    /// It was sealed by an older key than the one that seals now.
    OlderKey,
}

impl Validity {
    /// How much of the idle timeout was used up at `arrival`; both in milliseconds.
    pub(crate) fn used(&self, arrival: u64) -> u64 {
        arrival.saturating_sub(self.refreshed_at)
    }

    /// Whether the session is to be sealed again after a request that arrived then, and whose handler
    /// was `active` in it.
    pub(crate) fn refresh(&self, arrival: u64, active: bool) -> Option<Refresh> {
        let due = active && self.used(arrival).saturating_mul(10) >= self.idle.millis();
        if due || self.undated {
            Some(Refresh::Due)
        } else {
            (self.key_index > 0).then_some(Refresh::OlderKey)
        }
    }
}

impl Validity {
    pub(crate) fn info(&self) -> TokenInfo {
        let idle_timeout = Duration::from_secs(self.idle.seconds.into());
        TokenInfo {
            id: self.id,
            created_at: self.created_at.map(time),
            refreshed_at: time(self.refreshed_at),
            expires_at: time(self.expires_at),
            idle_timeout,
            own_idle_timeout: self.idle.per_session.then_some(idle_timeout),
            key_index: self.key_index,
            key_id: self.key_id,
        }
    }
}

/// A time that a token can say, which is one that the system's type can say.
fn time(unix_millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(unix_millis)).unwrap_or(UNIX_EPOCH)
}
