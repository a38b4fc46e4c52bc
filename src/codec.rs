//! `Codec<K>` and its builder: session to token and back. Knows no HTTP; a `Cookie` header is to it
//! a text with names and values.
//!
//! What does not depend on the kind is in `Core`, so that it is compiled once.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::cookie_header;
use crate::cookie_options::{CookieOptions, MAX_COOKIE_LEN, SetCookie};
use crate::crypto::keyring::Keyring;
#[cfg(feature = "fastify")]
use crate::crypto::keyring::RingKey;
use crate::crypto::random;
use crate::crypto::secretbox::NONCE_LEN;
use crate::error::{
    ConfigError, ConfigErrorKind, OpenError, OpenErrorKind, SealError, SealErrorKind, TooLarge,
};
use crate::kind::{SessionKind, SharedJson};
#[cfg(feature = "tower")]
use crate::plaintext::Bytes;
use crate::plaintext::{self, Text};
use crate::scheme::{self, Idle, Sealer, Times};

const DEFAULT_IDLE_TIMEOUT: u32 = 24 * 60 * 60;
const DEFAULT_ABSOLUTE_TIMEOUT: u32 = 30 * 24 * 60 * 60;
const MAX_TIMEOUT: u64 = (1 << 31) - 1;
/// How far the clocks of two servers may differ, in seconds.
const MAX_CLOCK_SKEW: u64 = 60;
/// How many cookies of one name are tried.
const MAX_CANDIDATES: usize = 4;

/// Turns sessions of one kind into tokens and back, wherever they travel: cookies, websockets, jobs,
/// links in e-mail.
///
/// Clones share everything, so that [`replace_keyring`](Self::replace_keyring) reaches all of them.
/// No method waits for anything.
///
/// ```
/// # use sealed_session::{Codec, Key, Keyring, Opened, SessionKind};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// # let keyring = Keyring::new(Key::generate()?);
/// let codec = Codec::<Login>::new(keyring)?;
/// let token: String = codec.encode(&Login { user_id: 7 })?;
/// let opened: Opened<Login> = codec.decode(&token)?;
/// assert_eq!(opened.data.user_id, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Codec<K> {
    core: Arc<Core>,
    kind: PhantomData<fn() -> K>,
}

impl<K: SessionKind> Codec<K> {
    /// A codec with the default settings: idle timeout 24 hours, absolute timeout 30 days, the
    /// cookie attributes of [`CookieOptions::new`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the kind's name is not a cookie name.
    pub fn new(keyring: Keyring) -> Result<Self, ConfigError> {
        Self::builder(keyring).build()
    }

    /// A codec with settings of its own.
    pub fn builder(keyring: Keyring) -> CodecBuilder<K> {
        CodecBuilder {
            keyring,
            idle_timeout: Duration::from_secs(DEFAULT_IDLE_TIMEOUT.into()),
            absolute_timeout: Duration::from_secs(DEFAULT_ABSOLUTE_TIMEOUT.into()),
            cookie: CookieOptions::new(),
            clock: Arc::new(SystemClock),
            #[cfg(feature = "fastify")]
            share_fastify_key: false,
            kind: PhantomData,
        }
    }

    /// Seals a session that begins now: an unpadded base64url text, which can stand in a cookie or
    /// a URL as it is.
    ///
    /// # Errors
    ///
    /// [`SealErrorKind::TooLarge`] if it would not fit into a cookie of this codec's name,
    /// [`SealErrorKind::Serialize`] if the data does not serialise, [`SealErrorKind::Randomness`] if
    /// there is none for the nonce, [`SealErrorKind::Clock`] beyond the year 36,812.
    ///
    /// # Security
    ///
    /// A token opens as often as it is shown until it expires, and its length tells the length of
    /// the data.
    pub fn encode(&self, data: &K::Data) -> Result<String, SealError> {
        let times = Times { created_at: None, refreshed_at: self.core.now(), idle: None };
        self.encode_at(data, times)
    }

    /// Seals an opened session again, under the primary key, with the times that it has: the
    /// counterpart of what the middleware does after a rotation.
    ///
    /// To refresh a session, set [`Opened::refreshed_at`] to now before; what of
    /// [`Opened::idle_timeout`] and [`Opened::own_idle_timeout`] is set counts for the new token.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn reseal(&self, opened: &Opened<K::Data>) -> Result<String, SealError> {
        let own = opened.own_idle_timeout;
        let found = own.unwrap_or(opened.idle_timeout);
        let seconds =
            check_timeout("idle", found).map_err(|_| SealErrorKind::IdleTimeout { found })?;
        let idle = Some(Idle { seconds, own: own.is_some() });
        let times =
            Times { created_at: opened.created_at, refreshed_at: opened.refreshed_at, idle };
        self.encode_at(&opened.data, times)
    }

    fn encode_at(&self, data: &K::Data, times: Times) -> Result<String, SealError> {
        let ring = self.core.ring();
        let mut buffer = plaintext::serialize(ring[0].front(), data)?;
        let json = &buffer[ring[0].front()..];
        self.core.check(&ring, json, times.refreshed_at)?;
        if times.idle.is_some_and(|idle| idle.own) && !ring[0].keeps_times() {
            return Err(SealErrorKind::NoRoomForIdleTimeout.into());
        }
        let nonce = draw_nonce()?;
        let mut token = Vec::new();
        ring[0].seal(&nonce, &self.core.complete(times), &mut buffer, &mut token)?;
        Ok(String::from_utf8(token).expect("a token is ASCII"))
    }

    /// Opens a token.
    ///
    /// # Errors
    ///
    /// [`OpenError`], whose kind tells why: for logs, not for whoever sent the token. A token longer
    /// than a cookie can be is refused before it is decoded, a forged one before anything of it is
    /// parsed, an expired one before its JSON is.
    pub fn decode(&self, token: impl AsRef<[u8]>) -> Result<Opened<K::Data>, OpenError> {
        self.open(token.as_ref())
            .map(|opening| opening.validity.opened(opening.data))
            .map_err(OpenError::from)
    }

    /// Opens the session in the value of a `Cookie` header. Of several cookies with its name, the
    /// first that opens counts; four are tried.
    ///
    /// # Errors
    ///
    /// [`OpenErrorKind::Missing`] if the header has no such cookie, otherwise why the first one does
    /// not open.
    pub fn decode_cookie_header(
        &self,
        header: impl AsRef<[u8]>,
    ) -> Result<Opened<K::Data>, OpenError> {
        self.open_first([header.as_ref()])
            .map(|opening| opening.validity.opened(opening.data))
            .map_err(OpenError::from)
    }

    /// Replaces the keys, also while the server runs: from now on the new ring's primary seals, and
    /// all its keys open. Every clone of the codec follows, the layers that were made of it too.
    pub fn replace_keyring(&self, keyring: Keyring) {
        let ring = self.core.prepare(&keyring);
        *self.core.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// The name of the cookie, with its prefix.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.core.cookie.name()
    }

    #[cfg(feature = "tower")]
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Opens one token.
    pub(crate) fn open(&self, token: &[u8]) -> Result<Opening<K>, OpenErrorKind> {
        let ring = self.core.ring();
        let valid = self.core.open(&ring, token)?;
        let json = SharedJson::new(valid.json);
        let data = K::parse(&json).map_err(|_| OpenErrorKind::Payload)?;
        Ok(Opening { data, json, validity: valid.validity })
    }

    /// Opens the first cookie that opens.
    pub(crate) fn open_first<'h>(
        &self,
        headers: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Opening<K>, OpenErrorKind> {
        let name = self.cookie_name().as_bytes();
        let candidates = headers.into_iter().flat_map(|header| cookie_header::values(header, name));
        let mut first_error = None;
        for token in candidates.take(MAX_CANDIDATES) {
            match self.open(token) {
                Ok(opening) => return Ok(opening),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or(OpenErrorKind::Missing))
    }
}

impl<K> Clone for Codec<K> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for Codec<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = &*self.core;
        f.debug_struct("Codec")
            .field("cookie_name", &core.cookie.name())
            .field("idle_timeout", &core.idle)
            .field("absolute_timeout", &core.absolute)
            .finish_non_exhaustive()
    }
}

/// Settings for a [`Codec`]; made by [`Codec::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct CodecBuilder<K> {
    keyring: Keyring,
    idle_timeout: Duration,
    absolute_timeout: Duration,
    cookie: CookieOptions,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "fastify")]
    share_fastify_key: bool,
    kind: PhantomData<fn() -> K>,
}

impl<K: SessionKind> CodecBuilder<K> {
    /// How long a session lasts after it was last refreshed, in whole seconds. Default: 24 hours.
    ///
    /// Writing refreshes; so does reading, once a tenth of this time is used up. Shortening it takes
    /// effect at once, also for the sessions that are out there; lengthening it from a session's next
    /// refresh on. (OWASP ASVS 7.3.1.)
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a session lasts after it was created, whatever is done with it, in whole seconds.
    /// Default: 30 days. (OWASP ASVS 7.3.2.)
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.absolute_timeout = timeout;
        self
    }

    /// The cookie's name and attributes. Default: [`CookieOptions::new`].
    pub fn cookie(mut self, options: CookieOptions) -> Self {
        self.cookie = options;
        self
    }

    /// Where the time comes from. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Lets a fastify key serve this cookie although it serves another. Default: an error.
    ///
    /// # Security
    ///
    /// The peer's token is not bound to its cookie's name: whoever has one of the cookies can send it
    /// under the other's name, and it opens. Only for sessions whose kinds may be taken for each
    /// other, or cannot be.
    #[cfg(feature = "fastify")]
    pub fn danger_share_fastify_key(mut self) -> Self {
        self.share_fastify_key = true;
        self
    }

    /// Checks the settings and makes the codec.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a setting out of its range, or a combination that a browser would refuse.
    pub fn build(self) -> Result<Codec<K>, ConfigError> {
        let idle = check_timeout("idle", self.idle_timeout)?;
        let absolute = check_timeout("absolute", self.absolute_timeout)?;
        let mut core = Core {
            cookie: Arc::new(self.cookie.prepare(K::NAME)?),
            cookie_options: self.cookie,
            idle,
            absolute,
            clock: self.clock,
            #[cfg(all(feature = "fastify", feature = "tower"))]
            shares_fastify_key: self.share_fastify_key,
            ring: RwLock::new(Arc::new([])),
        };
        let ring = core.prepare(&self.keyring);
        if idle > absolute && ring[0].keeps_times() {
            let (idle, absolute) = (self.idle_timeout, self.absolute_timeout);
            return Err(ConfigErrorKind::IdleBeyondAbsolute { idle, absolute }.into());
        }
        #[cfg(feature = "fastify")]
        if !self.share_fastify_key {
            claim(&self.keyring, core.cookie.name())?;
        }
        core.ring = RwLock::new(ring);
        Ok(Codec { core: Arc::new(core), kind: PhantomData })
    }
}

impl<K> fmt::Debug for CodecBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecBuilder")
            .field("keyring", &self.keyring)
            .field("idle_timeout", &self.idle_timeout)
            .field("absolute_timeout", &self.absolute_timeout)
            .field("cookie", &self.cookie)
            .finish_non_exhaustive()
    }
}

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
            .finish_non_exhaustive()
    }
}

/// An opened token with its JSON still at hand.
pub(crate) struct Opening<K: SessionKind> {
    pub(crate) data: K::Data,
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the session handle's need"))]
    pub(crate) json: SharedJson,
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
}

impl Validity {
    pub(crate) fn opened<T>(self, data: T) -> Opened<T> {
        let Self { created_at, refreshed_at, expires_at, idle, key_index } = self;
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
        }
    }
}

/// The keys of the ring, ready for one name, the primary first. Never empty.
pub(crate) type Ring = Arc<[Sealer]>;

/// The part of a codec that no kind has a say in.
pub(crate) struct Core {
    pub(crate) cookie: Arc<SetCookie>,
    #[cfg_attr(not(feature = "tower"), allow(dead_code, reason = "the session handle's need"))]
    pub(crate) cookie_options: CookieOptions,
    pub(crate) idle: u32,
    pub(crate) absolute: u32,
    clock: Arc<dyn Clock>,
    /// Whether a fastify key may serve another cookie, too.
    #[cfg(all(feature = "fastify", feature = "tower"))]
    shares_fastify_key: bool,
    ring: RwLock<Ring>,
}

struct Valid {
    json: Text,
    validity: Validity,
}

impl Core {
    pub(crate) fn now(&self) -> u64 {
        self.clock.unix_seconds()
    }

    pub(crate) fn ring(&self) -> Ring {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn prepare(&self, keyring: &Keyring) -> Ring {
        let name = self.cookie.name();
        keyring.iter().map(|key| Sealer::new(key, name)).collect()
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

    /// Whether the time is one that a token can say.
    #[cfg(feature = "tower")]
    pub(crate) fn check_clock(&self) -> Result<(), SealErrorKind> {
        if self.now() > scheme::LAST_TIME { Err(SealErrorKind::Clock) } else { Ok(()) }
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
    fn complete(&self, times: Times) -> Times {
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

    fn open(&self, ring: &Ring, token: &[u8]) -> Result<Valid, OpenErrorKind> {
        if token.len() > MAX_COOKIE_LEN - self.cookie.name().len() {
            return Err(OpenErrorKind::TooLong);
        }
        let now = self.now();
        let scheme::Opened { json, times, key_index } = scheme::open(ring, token, now)?;
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
        let validity = Validity { created_at, refreshed_at, expires_at, idle, key_index };
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

/// Claims the ring's fastify keys for one cookie.
#[cfg(feature = "fastify")]
fn claim(keyring: &Keyring, cookie: &str) -> Result<(), ConfigErrorKind> {
    for key in keyring.iter() {
        if let RingKey::Fastify(key) = key {
            key.claim(cookie).map_err(|other| ConfigErrorKind::SharedKey {
                other: other.to_owned(),
                cookie: cookie.to_owned(),
            })?;
        }
    }
    Ok(())
}

/// A fresh nonce.
pub(crate) fn draw_nonce() -> Result<[u8; NONCE_LEN], SealErrorKind> {
    random::nonce().map_err(|_| SealErrorKind::Randomness)
}

/// A timeout in seconds.
pub(crate) fn check_timeout(
    which: &'static str,
    timeout: Duration,
) -> Result<u32, ConfigErrorKind> {
    match u32::try_from(timeout.as_secs()) {
        Ok(seconds)
            if timeout.subsec_nanos() == 0 && (1..=MAX_TIMEOUT).contains(&timeout.as_secs()) =>
        {
            Ok(seconds)
        }
        _ => Err(ConfigErrorKind::Timeout { which, found: timeout }),
    }
}
