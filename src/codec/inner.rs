//! `Core`: the part of a codec that no kind has a say in, so that it is compiled once.
//!
//! Holds the prepared keys, the clock and the rules about time and size.

#[cfg(feature = "tower")]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::opened::Validity;
use crate::clock::Clock;
use crate::cookie_options::{CookieOptions, MAX_COOKIE_LEN, SetCookie};
use crate::crypto::keyring::Keyring;
use crate::crypto::random;
use crate::crypto::secretbox::NONCE_LEN;
use crate::error::{ConfigError, OpenErrorKind, SealErrorKind, TooLarge};
#[cfg(feature = "tower")]
use crate::plaintext::Bytes;
use crate::plaintext::Text;
use crate::scheme::{self, Idle, Sealer, Times};

/// How far the clocks of two servers may differ, in seconds.
const MAX_CLOCK_SKEW: u64 = 60;

/// The keys of the ring, ready for one name, the primary first. Never empty.
pub(crate) type Ring = Arc<[Sealer]>;

/// The part of a codec that no kind has a say in.
pub(crate) struct Core {
    pub(crate) cookie: SetCookie,
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the session handle's need"))]
    pub(crate) cookie_options: CookieOptions,
    pub(crate) idle: u32,
    pub(crate) absolute: u32,
    clock: Arc<dyn Clock>,
    /// Whether a fastify key may serve another cookie, too.
    #[cfg(feature = "fastify")]
    pub(super) shares_fastify_key: bool,
    ring: RwLock<Ring>,
    /// Whether the ring has more than one key; asked by every request.
    #[cfg(feature = "tower")]
    rotating: AtomicBool,
}

pub(super) struct Valid {
    pub(super) json: Text,
    pub(super) validity: Validity,
}

impl Core {
    pub(super) fn new(
        kind_name: &'static str,
        cookie_options: CookieOptions,
        idle: u32,
        absolute: u32,
        clock: Arc<dyn Clock>,
        keyring: &Keyring,
    ) -> Result<Self, ConfigError> {
        let core = Self {
            cookie: cookie_options.prepare(kind_name)?,
            cookie_options,
            idle,
            absolute,
            clock,
            #[cfg(feature = "fastify")]
            shares_fastify_key: false,
            ring: RwLock::new(Arc::new([])),
            #[cfg(feature = "tower")]
            rotating: AtomicBool::new(false),
        };
        core.replace_keyring(keyring);
        Ok(core)
    }

    #[cfg(feature = "fastify")]
    pub(super) fn sharing_fastify_key(self, shares_fastify_key: bool) -> Self {
        Self { shares_fastify_key, ..self }
    }

    pub(super) fn replace_keyring(&self, keyring: &Keyring) {
        let name = self.cookie.name();
        let ring = keyring.iter().map(|key| Sealer::new(key, name)).collect();
        #[cfg(feature = "tower")]
        self.rotating.store(keyring.len() > 1, Ordering::Relaxed);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.unix_seconds()
    }

    /// Whether there are previous keys, so that sessions may have to be sealed anew.
    #[cfg(feature = "tower")]
    pub(crate) fn is_rotating(&self) -> bool {
        self.rotating.load(Ordering::Relaxed)
    }

    pub(crate) fn ring(&self) -> Ring {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a fastify key serves both cookies, and neither codec was told that it may.
    #[cfg(all(feature = "fastify", feature = "tower"))]
    pub(crate) fn shares_key_with(&self, other: &Self) -> bool {
        if self.shares_fastify_key || other.shares_fastify_key {
            return false;
        }
        let (ours, theirs) = (self.ring(), other.ring());
        ours.iter()
            .filter_map(Sealer::fastify_key)
            .any(|key| theirs.iter().filter_map(Sealer::fastify_key).any(|other| key == other))
    }

    /// Whether a session of this JSON can be sealed and fits into a cookie.
    pub(crate) fn check(
        &self,
        ring: &Ring,
        json: &[u8],
        refreshed_at: u64,
    ) -> Result<(), SealErrorKind> {
        ring[0].check_json(json)?;
        let name = self.cookie.name();
        let size = name.len() + ring[0].token_len(json.len(), refreshed_at);
        if size <= MAX_COOKIE_LEN {
            return Ok(());
        }
        let cookie = name.to_owned();
        Err(SealErrorKind::TooLarge(TooLarge {
            cookie,
            size,
            limit: MAX_COOKIE_LEN,
            json: json.len(),
            entry: None,
        }))
    }

    /// What a new token says of its times: a session that never was sealed before begins when it is
    /// refreshed, and one without an idle timeout of its own has the codec's.
    pub(super) fn complete(&self, times: Times) -> Times {
        let created_at = times.created_at.unwrap_or(times.refreshed_at);
        Times {
            created_at: Some(created_at),
            // A clock that went back must not make a token that contradicts itself.
            refreshed_at: times.refreshed_at.max(created_at),
            idle: times.idle.or(Some(Idle { seconds: self.idle, own: false })),
        }
    }

    /// Seals JSON and appends the token to `out`.
    #[cfg(feature = "tower")]
    pub(crate) fn seal(
        &self,
        ring: &Ring,
        nonce: &[u8; NONCE_LEN],
        times: Times,
        json: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), SealErrorKind> {
        let front = ring[0].front();
        let mut buffer = Bytes::new(Vec::with_capacity(front + json.len() + 32));
        buffer.resize(front, 0);
        buffer.extend_from_slice(json.as_bytes());
        ring[0].seal(nonce, &self.complete(times), &mut buffer, out)
    }

    /// Opens a token and checks its times.
    pub(super) fn open(&self, token: &[u8]) -> Result<Valid, OpenErrorKind> {
        if token.len() > MAX_COOKIE_LEN - self.cookie.name().len() {
            return Err(OpenErrorKind::TooLong);
        }
        let now = self.now();
        let scheme::Opened { json, times, key_index, undated } = {
            // Held without a copy: nothing in here waits, and no code of the user's runs.
            let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
            scheme::open(&ring, token, now)?
        };
        let idle = match times.idle {
            Some(idle) if idle.own => idle,
            // The codec's setting at the time; what it is now may only shorten it.
            Some(idle) => Idle { seconds: idle.seconds.min(self.idle), own: false },
            None => Idle { seconds: self.idle, own: false },
        };
        let refreshed_at = times.refreshed_at;
        let latest = now.saturating_add(MAX_CLOCK_SKEW);
        if refreshed_at > latest || times.created_at.is_some_and(|created_at| created_at > latest) {
            return Err(OpenErrorKind::FromTheFuture);
        }
        let expires_at = self.expires_at(times.created_at, refreshed_at, idle);
        if now >= expires_at {
            return Err(OpenErrorKind::Expired);
        }
        let created_at = times.created_at;
        let validity = Validity { created_at, refreshed_at, expires_at, idle, key_index, undated };
        Ok(Valid { json, validity })
    }

    /// When a session ends, in seconds since the Unix epoch.
    pub(crate) fn expires_at(&self, created_at: Option<u64>, refreshed_at: u64, idle: Idle) -> u64 {
        let idle = refreshed_at.saturating_add(idle.seconds.into());
        match created_at {
            Some(created_at) => idle.min(created_at.saturating_add(self.absolute.into())),
            None => idle,
        }
    }
}

/// Whether the time is one that a token can say.
#[cfg(feature = "tower")]
pub(crate) fn check_time(now: u64) -> Result<(), SealErrorKind> {
    if now > scheme::LAST_TIME { Err(SealErrorKind::Clock) } else { Ok(()) }
}

/// A fresh nonce.
pub(crate) fn draw_nonce() -> Result<[u8; NONCE_LEN], SealErrorKind> {
    random::nonce().map_err(|_| SealErrorKind::Randomness)
}
