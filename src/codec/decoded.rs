//! `Opened`: what a token says, once it is open.

use std::fmt;
use std::time::Duration;

use crate::crypto::key_id::KeyId;
#[cfg(feature = "tower")]
use crate::kind::{Json, SessionKind};
use crate::scheme::Idle;

/// An opened token: the data, and what the seal vouches for besides.
///
/// Times are seconds since the Unix epoch. `Debug` leaves the data out.
#[non_exhaustive]
#[derive(Clone)]
pub struct Opened<T> {
    /// The session's data.
    pub data: T,
    /// When the session began. `None` for a token whose format does not say.
    pub created_at: Option<u64>,
    /// When the session was last refreshed.
    pub refreshed_at: u64,
    /// From when on the token no longer opens, unless it is refreshed.
    pub expires_at: u64,
    /// The idle timeout that counts for this token.
    pub idle_timeout: Duration,
    /// The idle timeout that was set for this session alone, where it has one (“remember me”).
    pub own_idle_timeout: Option<Duration>,
    /// The place in the keyring of the key that opened it: 0 is the primary.
    pub key_index: usize,
    /// The public name of the key that opened it.
    pub key_id: KeyId,
}

impl<T> fmt::Debug for Opened<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("created_at", &self.created_at)
            .field("refreshed_at", &self.refreshed_at)
            .field("expires_at", &self.expires_at)
            .field("idle_timeout", &self.idle_timeout)
            .field("own_idle_timeout", &self.own_idle_timeout)
            .field("key_index", &self.key_index)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// An opened token with its JSON still at hand.
#[cfg(feature = "tower")]
pub(crate) struct Opening<K: SessionKind> {
    pub(crate) data: K::Data,
    /// Whether that is the data of a session before anything is written to it.
    pub(crate) empty: bool,
    pub(crate) json: Json,
    pub(crate) validity: Validity,
}

/// What a valid token says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) created_at: Option<u64>,
    pub(crate) refreshed_at: u64,
    pub(crate) expires_at: u64,
    /// The idle timeout that counts, in seconds.
    pub(crate) idle: Idle,
    pub(crate) key_index: usize,
    pub(crate) key_id: KeyId,
    /// The token itself does not say when it was refreshed.
    pub(crate) undated: bool,
}

/// Why a session is to be sealed again that nobody wrote.
#[cfg(feature = "tower")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// A tenth of its idle timeout is used up, or its token does not say when it was refreshed.
    Due,
    /// It was sealed by an older key than the one that seals now.
    OlderKey,
}

#[cfg(feature = "tower")]
impl Validity {
    /// How much of the idle timeout was used up at `arrival`; both in milliseconds.
    pub(crate) fn used(&self, arrival: u64) -> u64 {
        arrival.saturating_sub(self.refreshed_at.saturating_mul(1000))
    }

    pub(crate) fn idle_millis(&self) -> u64 {
        u64::from(self.idle.seconds) * 1000
    }

    /// Whether the session is to be sealed again after a request that arrived then, and whose handler
    /// was `active` in it.
    pub(crate) fn refresh(&self, arrival: u64, active: bool) -> Option<Refresh> {
        let due = active && self.used(arrival).saturating_mul(10) >= self.idle_millis();
        if due || self.undated {
            Some(Refresh::Due)
        } else {
            (self.key_index > 0).then_some(Refresh::OlderKey)
        }
    }
}

impl Validity {
    pub(crate) fn opened<T>(self, data: T) -> Opened<T> {
        let Self { created_at, refreshed_at, expires_at, idle, key_index, key_id, .. } = self;
        let idle_timeout = Duration::from_secs(idle.seconds.into());
        let own_idle_timeout = idle.own.then_some(idle_timeout);
        Opened {
            data,
            created_at,
            refreshed_at,
            expires_at,
            idle_timeout,
            own_idle_timeout,
            key_index,
            key_id,
        }
    }
}
