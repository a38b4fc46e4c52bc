//! `CodecInner`: the part of a codec that no kind has a say in, so that it is compiled once.
//!
//! Holds the prepared keys, the clock and the rules about time and size.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::decoded::{Validity, Verified};
use crate::clock::{Clock, unix_millis};
use crate::cookies::{CookieOptions, MAX_COOKIE_LEN, SetCookie, values};
use crate::crypto::keyring::Keyring;
use crate::crypto::random;
use crate::crypto::secretbox::Nonce;
use crate::error::{
    ConfigError, DecodeError, DecodeErrorKind, EncodeErrorKind, TooLarge, without_values,
};
use crate::plaintext::Json;
use crate::plaintext::WipedBytes;
use crate::scheme::{self, Header, Idle, TokenCipher};
use crate::session_id::SessionId;
use crate::sync::RwLock;

/// How far the clocks of two servers may differ, in milliseconds.
const MAX_CLOCK_SKEW: u64 = 60_000;

/// How long a browser keeps the mark of a deletion: longer than any response takes.
const MARK_LASTS: Duration = Duration::from_secs(10 * 60);
/// How many deleted sessions a browser's mark holds.
const MAX_MARKS: usize = 4;

/// The keys of the ring, ready for one name, the primary first. Never empty.
pub(crate) type Ring = Arc<[TokenCipher]>;

/// A codec's numbers and switches.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// Seconds.
    pub(crate) idle: u32,
    /// Seconds.
    pub(crate) absolute: u32,
    /// The idle timeout of a session that is remembered, in seconds.
    pub(crate) remember: Option<u32>,
    /// Whether reading a session counts as activity, as writing does.
    pub(crate) refresh_on_read: bool,
    /// How long all Cookie lines of a request may be, with what a handler writes.
    pub(crate) max_cookie_header: usize,
    /// Whether a fastify key may serve another cookie as well.
    #[cfg(feature = "fastify")]
    pub(crate) share_fastify_key: bool,
}

/// The part of a codec that no kind has a say in.
pub(crate) struct CodecInner {
    pub(crate) cookie: SetCookie,
    pub(crate) cookie_options: CookieOptions,
    pub(crate) settings: Settings,
    clock: Arc<dyn Clock>,
    /// Seals and opens the cookie that marks deletions, if the codec does so.
    marker: Option<Box<CodecInner>>,
    /// The cookie's name. A fastify key is claimed for it as long as this lives.
    #[cfg(feature = "fastify")]
    pub(super) claim: Arc<str>,
    ring: RwLock<Ring>,
    /// Whether the ring has more than one key; asked by every request.
    rotating: AtomicBool,
}

/// Why a token was refused, with what a log may say besides.
pub(crate) struct Refusal {
    pub(crate) kind: DecodeErrorKind,
    /// Seconds since the session was last refreshed, where that is known.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "for the log"))]
    pub(crate) age: Option<u64>,
    /// What serde says of the payload.
    pub(crate) reason: Option<String>,
}

impl Refusal {
    pub(super) fn payload(error: serde_json::Error) -> Self {
        let reason = without_values(&error);
        Self { kind: DecodeErrorKind::InvalidPayload, age: None, reason }
    }
}

impl From<DecodeErrorKind> for Refusal {
    fn from(kind: DecodeErrorKind) -> Self {
        Self { kind, age: None, reason: None }
    }
}

impl From<Refusal> for DecodeError {
    fn from(refusal: Refusal) -> Self {
        match refusal.reason {
            Some(reason) => Self::caused_by(refusal.kind, reason),
            None => refusal.kind.into(),
        }
    }
}

impl CodecInner {
    pub(super) fn new(
        kind_name: &'static str,
        cookie_options: CookieOptions,
        settings: Settings,
        clock: Arc<dyn Clock>,
        keyring: &Keyring,
    ) -> Result<Self, ConfigError> {
        let cookie = cookie_options.prepare(kind_name)?;
        let inner = Self {
            #[cfg(feature = "fastify")]
            claim: cookie.name().into(),
            cookie,
            cookie_options,
            settings,
            clock,
            marker: None,
            ring: RwLock::new(Arc::new([])),
            rotating: AtomicBool::new(false),
        };
        inner.replace_keyring(keyring);
        Ok(inner)
    }

    pub(super) fn mark_deletions(&mut self, keyring: &Keyring) -> Result<(), ConfigError> {
        let options = self.cookie_options.marker(self.cookie.name(), MARK_LASTS);
        let seconds = MARK_LASTS.as_secs() as u32;
        let settings = Settings { idle: seconds, absolute: seconds, ..self.settings };
        let clock = self.clock.clone();
        // The options have a name, so the kind's is not asked for.
        self.marker = Some(Box::new(Self::new("", options, settings, clock, keyring)?));
        Ok(())
    }

    /// The ids of the sessions that were deleted in the browser that sends these headers, and whose
    /// marks are still there.
    pub(super) fn marked<'h>(&self, headers: impl Iterator<Item = &'h [u8]>) -> Vec<SessionId> {
        let Some(marker) = &self.marker else { return Vec::new() };
        let name = marker.cookie.name().as_bytes();
        headers
            .flat_map(|header| values(header, name))
            .take(MAX_MARKS)
            .filter_map(|token| marker.open(token).ok())
            .filter_map(|mark| serde_json::from_str::<Vec<SessionId>>(mark.json.as_str()).ok())
            .flatten()
            .take(MAX_MARKS)
            .collect()
    }

    /// The `Set-Cookie` value that marks the session of this id as deleted, beside those that the
    /// browser has marked already. `None` if the codec marks no deletions.
    pub(crate) fn mark<'h>(
        &self,
        id: SessionId,
        headers: impl Iterator<Item = &'h [u8]>,
        now: u64,
    ) -> Option<Result<Vec<u8>, EncodeErrorKind>> {
        let marker = self.marker.as_ref()?;
        let mut ids = self.marked(headers);
        ids.retain(|known| *known != id);
        ids.truncate(MAX_MARKS - 1);
        ids.insert(0, id);
        let json = serde_json::to_string(&ids).ok()?;
        let ring = marker.ring();
        let mark = || {
            let header =
                Header { id: Some(draw_id(now)?), created_at: None, refreshed_at: now, idle: None };
            let nonce = draw_nonce(now)?;
            marker.cookie.header(ring[0].token_len(json.len(), now), None, |out| {
                marker.seal(&ring[0], nonce, header, &json, out)
            })
        };
        Some(mark())
    }

    pub(super) fn replace_keyring(&self, keyring: &Keyring) {
        if let Some(marker) = &self.marker {
            marker.replace_keyring(keyring);
        }
        let name = self.cookie.name();
        let ring: Ring = keyring.iter().map(|key| TokenCipher::new(key, name)).collect();
        let mut current = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let _old = std::mem::replace(&mut *current, ring);
        // Under the lock, so that of two calls at once the same one has the last word on both.
        self.rotating.store(current.len() > 1, Ordering::Relaxed);
    }

    /// The present time in milliseconds since the Unix epoch. The user's code: no lock may be held.
    pub(crate) fn now(&self) -> u64 {
        unix_millis(self.clock.now())
    }

    /// The same, at most a few milliseconds ago: for what is asked for each request.
    pub(crate) fn coarse_now(&self) -> u64 {
        unix_millis(self.clock.coarse_now())
    }

    /// Whether there are previous keys, so that sessions may have to be re-sealed.
    pub(crate) fn is_rotating(&self) -> bool {
        self.rotating.load(Ordering::Relaxed)
    }

    pub(crate) fn ring(&self) -> Ring {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a fastify key serves both cookies, and neither codec was told that it may.
    #[cfg(feature = "fastify")]
    pub(crate) fn shares_key_with(&self, other: &Self) -> bool {
        if self.settings.share_fastify_key || other.settings.share_fastify_key {
            return false;
        }
        let (ours, theirs) = (self.ring(), other.ring());
        ours.iter()
            .filter_map(TokenCipher::fastify_key)
            .any(|key| theirs.iter().filter_map(TokenCipher::fastify_key).any(|other| key == other))
    }

    /// The size of the cookie's name and value for a session of this JSON, if it can be sealed and
    /// a browser keeps it.
    pub(crate) fn check(
        &self,
        cipher: &TokenCipher,
        json: &[u8],
        refreshed_at: u64,
    ) -> Result<usize, EncodeErrorKind> {
        cipher.check_json(json)?;
        let name = self.cookie.name();
        let size = name.len() + cipher.token_len(json.len(), refreshed_at);
        if size <= MAX_COOKIE_LEN {
            return Ok(size);
        }
        let cookie = name.to_owned();
        Err(EncodeErrorKind::TooLarge(TooLarge {
            cookie,
            size,
            limit: MAX_COOKIE_LEN,
            json: json.len(),
            entry: None,
        }))
    }

    /// What a new token says of its session: one that never was sealed before begins when it is
    /// refreshed, and one without a separate idle timeout has the codec's.
    pub(super) fn complete(&self, header: Header) -> Header {
        let created_at = header.created_at.unwrap_or(header.refreshed_at);
        Header {
            created_at: Some(created_at),
            // A clock that went back must not make a token that contradicts itself.
            refreshed_at: header.refreshed_at.max(created_at),
            idle: header.idle.or(Some(Idle { seconds: self.settings.idle, per_session: false })),
            ..header
        }
    }

    /// Seals JSON and appends the token to `out`.
    pub(crate) fn seal(
        &self,
        cipher: &TokenCipher,
        nonce: Nonce,
        header: Header,
        json: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeErrorKind> {
        let mut buffer = WipedBytes::with_prefix(cipher.prefix_len(), json.len() + 32);
        buffer.extend(json.as_bytes());
        cipher.seal(nonce, &self.complete(header), &mut buffer, out)
    }

    /// Opens a token and checks its times.
    pub(super) fn open(&self, token: &[u8]) -> Result<Verified, Refusal> {
        if token.len() > MAX_COOKIE_LEN - self.cookie.name().len() {
            return Err(DecodeErrorKind::TooLong.into());
        }
        let now = self.now();
        let (scheme::Opened { json, header, key_index, undated }, key_id) = {
            // Held without a copy: nothing in here waits, and no code of the user's runs.
            let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
            let opened = scheme::open(&ring, token, now)?;
            let key_id = ring[opened.key_index].id();
            (opened, key_id)
        };
        let codecs = Idle { seconds: self.settings.idle, per_session: false };
        let idle = match header.idle {
            Some(idle) if idle.per_session => idle,
            // The codec's setting at the time; what it is now may only shorten it.
            Some(idle) => Idle { seconds: idle.seconds.min(codecs.seconds), ..idle },
            None => codecs,
        };
        let Header { id, created_at, refreshed_at, .. } = header;
        let latest = now.saturating_add(MAX_CLOCK_SKEW);
        if refreshed_at > latest || created_at.is_some_and(|created_at| created_at > latest) {
            return Err(DecodeErrorKind::TimestampInFuture.into());
        }
        let expires_at = self.expires_at(created_at, refreshed_at, idle);
        if now >= expires_at {
            let age = Some(now.saturating_sub(refreshed_at) / 1000);
            return Err(Refusal { kind: DecodeErrorKind::Expired, age, reason: None });
        }
        let validity =
            Validity { id, created_at, refreshed_at, expires_at, idle, key_index, key_id, undated };
        Ok(Verified { json: Json::new(json), validity })
    }

    /// When a session ends. All times are in milliseconds since the Unix epoch.
    pub(crate) fn expires_at(&self, created_at: Option<u64>, refreshed_at: u64, idle: Idle) -> u64 {
        let idle = refreshed_at.saturating_add(idle.millis());
        let absolute = u64::from(self.settings.absolute) * 1000;
        match created_at {
            Some(created_at) => idle.min(created_at.saturating_add(absolute)),
            None => idle,
        }
    }
}

/// Whether the time is one that a token can say.
pub(crate) fn check_time(now: u64) -> Result<(), EncodeErrorKind> {
    if now > scheme::LAST_TIME { Err(EncodeErrorKind::Clock) } else { Ok(()) }
}

/// A fresh nonce, at this time in milliseconds since the Unix epoch.
pub(crate) fn draw_nonce(now: u64) -> Result<Nonce, EncodeErrorKind> {
    random::nonce(now).map_err(|_| EncodeErrorKind::Randomness)
}

/// A name for a session that begins, at this time likewise.
pub(crate) fn draw_id(now: u64) -> Result<SessionId, EncodeErrorKind> {
    random::bytes(now).map(SessionId::from_bytes).map_err(|_| EncodeErrorKind::Randomness)
}
