//! `CodecInner`: the non-generic part of a codec, so that it is compiled once.
//!
//! It holds the prepared keys and the clock, and has the rules on time and size.

use std::sync::{Arc, OnceLock};

use super::decoded::{Validity, Verified};
use super::ring::{LiveRing, Ring};
use crate::clock::CodecClock;
use crate::cookies::{CookieOptions, MAX_COOKIE_LEN, SetCookie};
use crate::crypto::key_id::KeyId;
use crate::crypto::key_set::Demand;
use crate::crypto::keyring::Keyring;
use crate::crypto::random;
use crate::crypto::secretbox::Nonce;
use crate::error::{ConfigError, DecodeErrorKind, EncodeErrorKind, Refusal, TooLarge};
use crate::events::{Events, KeyAge};
#[cfg(feature = "revocation")]
use crate::marks::Marks;
use crate::plaintext::Json;
use crate::plaintext::WipedBytes;
use crate::scheme::{self, Header, Idle, TokenCipher};
use crate::session_id::SessionId;

/// How far the clocks of two servers may differ, in milliseconds.
const MAX_CLOCK_SKEW: u64 = 60_000;

/// How many cookies of one name are tried.
pub(super) const MAX_CANDIDATES: usize = 4;

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
    /// How long all Cookie lines of a request may be, including what a handler writes. Bytes.
    pub(crate) max_cookie_header: usize,
    /// Whether a fastify key may serve another cookie as well.
    #[cfg(feature = "fastify")]
    pub(crate) share_fastify_key: bool,
}

/// The revocations of a codec, of which the core knows only the tables.
#[cfg(feature = "revocation")]
#[derive(Clone)]
pub(crate) struct Attached {
    pub(crate) marks: Arc<Marks>,
    /// What fills the tables, and ends sessions.
    pub(crate) owner: Arc<dyn std::any::Any + Send + Sync>,
}

/// What is told of the sessions that are refreshed.
#[cfg(feature = "registry")]
pub(crate) trait Watch: Send + Sync + 'static {
    /// A session's cookie was refreshed, at this time in milliseconds since the Unix epoch.
    fn refreshed(&self, id: SessionId, tags: &[crate::marks::Tag], at: u64);

    /// A session was ended.
    fn ended(&self, id: SessionId, tags: &[crate::marks::Tag]);
}

/// The non-generic part of a codec.
pub(crate) struct CodecInner {
    pub(crate) cookie: SetCookie,
    pub(crate) cookie_options: CookieOptions,
    pub(crate) settings: Settings,
    pub(super) clock: CodecClock,
    /// Seals and opens the cookie that marks deletions, if the codec does so.
    pub(super) marker: Option<Box<CodecInner>>,
    /// Seals and opens the cookie with messages for the next page, once one was used.
    pub(super) flash: OnceLock<Box<CodecInner>>,
    /// What can end the sessions.
    #[cfg(feature = "revocation")]
    pub(crate) attached: Option<Attached>,
    #[cfg(feature = "registry")]
    pub(crate) watch: Option<Arc<dyn Watch>>,
    pub(super) ring: LiveRing,
    /// Who is told of what the codec does. The cookie that marks deletions is no session, so it is not
    /// told of.
    pub(crate) events: Events,
}

impl CodecInner {
    pub(super) fn new(
        kind_name: &'static str,
        cookie_options: CookieOptions,
        settings: Settings,
        clock: CodecClock,
        keyring: &Keyring,
    ) -> Result<Self, ConfigError> {
        let cookie = cookie_options.prepare(kind_name)?;
        #[cfg(feature = "fastify")]
        let claims_keys = !settings.share_fastify_key;
        #[cfg(not(feature = "fastify"))]
        let claims_keys = false;
        let ring = LiveRing::new(keyring, cookie.name(), claims_keys);
        Ok(Self {
            cookie,
            cookie_options,
            settings,
            clock,
            marker: None,
            flash: OnceLock::new(),
            #[cfg(feature = "revocation")]
            attached: None,
            #[cfg(feature = "registry")]
            watch: None,
            ring,
            events: Events::default(),
        })
    }

    pub(super) fn replace_keyring(&self, keyring: &Keyring) {
        if let Some(marker) = &self.marker {
            marker.replace_keyring(keyring);
        }
        self.ring.follow(keyring);
    }

    /// The current time in milliseconds since the Unix epoch. It calls the user's code: hold no lock.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The same, or a time a few milliseconds earlier: for what every request needs.
    pub(crate) fn coarse_now(&self) -> u64 {
        self.clock.coarse_now()
    }

    /// What a session that begins now has seen: the number of the last mark that is known here.
    #[cfg(feature = "revocation")]
    pub(crate) fn seen_now(&self) -> u64 {
        self.attached.as_ref().map_or(0, |attached| attached.marks.seen_now())
    }

    pub(super) fn marks_deletions(&self) -> bool {
        self.marker.is_some()
    }

    /// What the codec needs of its keys.
    pub(super) fn demand(&self) -> Demand {
        let Settings { idle, absolute, remember, .. } = self.settings;
        #[cfg(feature = "revocation")]
        let is_attached = self.attached.is_some();
        #[cfg(not(feature = "revocation"))]
        let is_attached = false;
        Demand {
            idle: idle.max(remember.unwrap_or(0)),
            absolute,
            native: remember.is_some() || self.marks_deletions() || is_attached,
        }
    }

    /// The idle timeout of a session without a separate one.
    pub(crate) fn usual_idle(&self) -> Idle {
        Idle { seconds: self.settings.idle, per_session: false }
    }

    /// Whether the cookie of a session with this timeout stays when the browser is closed: if the session
    /// is remembered, or was given a longer time than others have.
    pub(crate) fn outlives_browser(&self, idle: Idle) -> bool {
        let Settings { idle: usual, remember, .. } = self.settings;
        idle.per_session && (idle.seconds > usual || Some(idle.seconds) == remember)
    }

    /// Whether there are keys that are older than the one that seals at this time, so that sessions may
    /// have to be sealed again.
    pub(crate) fn is_rotating(&self, now: u64) -> bool {
        self.ring.is_rotating(now)
    }

    pub(crate) fn ring(&self) -> Arc<Ring> {
        self.ring.read(Arc::clone)
    }

    /// Whether the tokens of the key that seals at this time have room for a header.
    pub(crate) fn keeps_header_at(&self, now: u64) -> bool {
        self.ring.read(|ring| ring.sealing(now).keeps_header())
    }

    /// Whether the key was revoked: what it opened before must not be sealed again.
    pub(crate) fn is_revoked(&self, key: KeyId) -> bool {
        cfg!(feature = "key-directory") && self.ring.read(|ring| ring.is_revoked(key))
    }

    /// Whether both codecs use one fastify key, and neither allows that.
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

    /// The size of the cookie's name and value for this JSON. An error if it cannot be sealed, or is
    /// larger than a browser stores.
    pub(crate) fn check(
        &self,
        cipher: &TokenCipher,
        json: &[u8],
        header: &Header,
    ) -> Result<usize, EncodeErrorKind> {
        cipher.check_json(json)?;
        let name = self.cookie.name();
        let size = name.len() + cipher.token_len(json.len(), header);
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

    /// The same for the key that seals at this time.
    pub(crate) fn check_at(
        &self,
        now: u64,
        json: &[u8],
        header: &Header,
    ) -> Result<usize, EncodeErrorKind> {
        self.ring.read(|ring| self.check(ring.sealing(now), json, header))
    }

    /// Fills in the header of a new token. A session that was never sealed begins when it is
    /// refreshed, and a session without its own idle timeout has the codec's.
    pub(super) fn complete(&self, header: Header) -> Header {
        let created_at = header.created_at.unwrap_or(header.refreshed_at);
        Header {
            created_at: Some(created_at),
            // If the clock went back, the token must not contradict itself.
            refreshed_at: header.refreshed_at.max(created_at),
            idle: header.idle.or_else(|| Some(self.usual_idle())),
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
        let mut buffer = WipedBytes::with_prefix(cipher.prefix_len(&header), json.len() + 32);
        buffer.extend(json.as_bytes());
        cipher.seal(nonce, &self.complete(header), &mut buffer, out)
    }

    /// Opens a token and checks its times, and whether its session was ended.
    pub(super) fn open(&self, token: &[u8]) -> Result<Verified, Refusal> {
        let (authentic, now) = self.open_unchecked(token)?;
        let Validity { created_at, refreshed_at, expires_at, .. } = authentic.validity;
        let latest = now.saturating_add(MAX_CLOCK_SKEW);
        if refreshed_at > latest || created_at.is_some_and(|created_at| created_at > latest) {
            return Err(DecodeErrorKind::TimestampInFuture.into());
        }
        if now >= expires_at {
            let age = Some(now.saturating_sub(refreshed_at) / 1000);
            return Err(Refusal { age, ..DecodeErrorKind::Expired.into() });
        }
        #[cfg(feature = "revocation")]
        if let Some(Attached { marks, .. }) = &self.attached {
            if authentic.validity.id.is_some_and(|id| marks.has_id(id)) {
                return Err(DecodeErrorKind::Ended.into());
            }
            if !marks.availability().is_available(now) {
                return Err(DecodeErrorKind::Unavailable.into());
            }
        }
        Ok(authentic)
    }

    /// Opens a token whatever its times say, and the current time.
    pub(super) fn open_unchecked(&self, token: &[u8]) -> Result<(Verified, u64), Refusal> {
        if token.len() > MAX_COOKIE_LEN - self.cookie.name().len() {
            return Err(DecodeErrorKind::TooLong.into());
        }
        // Timeouts are in seconds, so a few milliseconds do not matter.
        let now = self.coarse_now();
        // The ring is not copied: nothing here blocks or runs the user's code.
        let opened = self.ring.read(|ring| {
            let primary = ring.primary(now);
            let opened = scheme::open(ring, primary, token, now)?;
            let key_id = ring[opened.key_index].id();
            let key_age = KeyAge::of(opened.key_index, primary);
            Ok::<_, DecodeErrorKind>((opened, key_id, key_age))
        });
        self.ring.tell_clash();
        #[cfg(feature = "key-directory")]
        if matches!(opened, Err(DecodeErrorKind::NoMatchingKey)) {
            self.tell_of_unknown_key();
        }
        let (scheme::Opened { json, header, key_index, undated }, key_id, key_age) = opened?;
        let codecs = self.usual_idle();
        let idle = match header.idle {
            Some(idle) if idle.per_session => idle,
            // The codec's setting when it was sealed. The current setting can only shorten it.
            Some(idle) => Idle { seconds: idle.seconds.min(codecs.seconds), ..idle },
            None => codecs,
        };
        let Header { id, created_at, refreshed_at, seen, .. } = header;
        let validity = Validity {
            id,
            created_at,
            refreshed_at,
            expires_at: self.expires_at(created_at, refreshed_at, idle),
            idle,
            seen,
            key_index,
            key_id,
            key_age,
            undated,
        };
        let verified = Verified {
            json: Json::new(json),
            validity,
            #[cfg(feature = "revocation")]
            tags: None,
        };
        Ok((verified, now))
    }

    /// A key may have come that this server has not read yet.
    #[cfg(feature = "key-directory")]
    fn tell_of_unknown_key(&self) {
        if let Some(follower) = self.ring().keyring().follower() {
            follower.unknown_key();
        }
    }

    /// When a session expires. All times are in milliseconds since the Unix epoch.
    pub(crate) fn expires_at(&self, created_at: Option<u64>, refreshed_at: u64, idle: Idle) -> u64 {
        let idle = refreshed_at.saturating_add(idle.millis());
        let absolute = u64::from(self.settings.absolute) * 1000;
        match created_at {
            Some(created_at) => idle.min(created_at.saturating_add(absolute)),
            None => idle,
        }
    }
}

/// An error if a token cannot hold this time.
pub(crate) fn check_time(now: u64) -> Result<(), EncodeErrorKind> {
    if now > scheme::LAST_TIME { Err(EncodeErrorKind::Clock) } else { Ok(()) }
}

/// A new nonce, at this time in milliseconds since the Unix epoch.
pub(crate) fn draw_nonce(now: u64) -> Result<Nonce, EncodeErrorKind> {
    random::nonce(now).map_err(|_| EncodeErrorKind::Randomness)
}

/// An id for a new session, at this time in milliseconds since the Unix epoch.
pub(crate) fn draw_id(now: u64) -> Result<SessionId, EncodeErrorKind> {
    random::bytes(now).map(SessionId::from_bytes).map_err(|_| EncodeErrorKind::Randomness)
}
