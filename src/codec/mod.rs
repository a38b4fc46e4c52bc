//! `Codec<K>`: session to token and back. Knows no HTTP; a `Cookie` header is to it a text with names
//! and values.

mod builder;
mod decoded;
mod inner;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use self::builder::CodecBuilder;
pub(crate) use self::builder::check_timeout;
pub use self::decoded::Opened;
#[cfg(feature = "tower")]
pub(crate) use self::decoded::Validity;
#[cfg(feature = "tower")]
pub(crate) use self::decoded::{Opening, Refresh};
pub(crate) use self::inner::CodecInner;
pub(crate) use self::inner::Refusal;
use self::inner::Valid;
#[cfg(feature = "tower")]
pub(crate) use self::inner::check_time;
pub(crate) use self::inner::draw_nonce;
use crate::cookie_header;
use crate::crypto::keyring::Keyring;
use crate::error::{ConfigError, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::kind::{Json, SessionKind};
use crate::logging;
use crate::plaintext;
use crate::scheme::{Idle, Times};

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
    core: Arc<CodecInner>,
    kind: PhantomData<fn() -> K>,
}

impl<K: SessionKind> Codec<K> {
    /// A codec with the default settings: idle timeout 24 hours, absolute timeout 30 days, the
    /// cookie attributes of [`CookieOptions::new`](crate::CookieOptions::new).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the kind's name is not a cookie name.
    pub fn new(keyring: Keyring) -> Result<Self, ConfigError> {
        Self::builder(keyring).build()
    }

    /// A codec with settings of its own.
    pub fn builder(keyring: Keyring) -> CodecBuilder<K> {
        CodecBuilder::new(keyring)
    }

    /// Seals a session that begins now: an unpadded base64url text, which can stand in a cookie or
    /// a URL as it is. (Under a fastify key it is that scheme's text, escaped for a cookie.)
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLarge`] if it would not fit into a cookie of this codec's name,
    /// [`EncodeErrorKind::Serialize`] if the data does not serialise, [`EncodeErrorKind::Randomness`] if
    /// there is none for the nonce, [`EncodeErrorKind::Clock`] beyond the year 36,812; under a fastify key
    /// [`EncodeErrorKind::NotAnObject`] and [`EncodeErrorKind::Reserved`], too. That the data reads back
    /// is not checked here, as [`Session::set`](crate::Session) does.
    ///
    /// # Security
    ///
    /// A token opens as often as it is shown until it expires, and its length tells the length of
    /// the data.
    pub fn encode(&self, data: &K::Data) -> Result<String, EncodeError> {
        let now = self.core.now_millis();
        let times = Times { created_at: None, refreshed_at: now / 1000, idle: None };
        self.encode_at(data, times, now)
    }

    /// Seals an opened session again, under the primary key, with the times that it has: the
    /// counterpart of what the middleware does after a rotation.
    ///
    /// To refresh a session, set [`Opened::refreshed_at`] to now before; what of
    /// [`Opened::idle_timeout`] and [`Opened::own_idle_timeout`] is set counts for the new token.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode); [`EncodeErrorKind::IdleTimeout`] for an idle timeout out of range,
    /// [`EncodeErrorKind::NoRoomForIdleTimeout`] for one of the session's own under a fastify key.
    pub fn reseal(&self, opened: &Opened<K::Data>) -> Result<String, EncodeError> {
        let own = opened.own_idle_timeout;
        let found = own.unwrap_or(opened.idle_timeout);
        let seconds =
            check_timeout("idle", found).map_err(|_| EncodeErrorKind::IdleTimeout { found })?;
        let idle = Some(Idle { seconds, own: own.is_some() });
        let times =
            Times { created_at: opened.created_at, refreshed_at: opened.refreshed_at, idle };
        self.encode_at(&opened.data, times, self.core.now_millis())
    }

    /// `now` is in milliseconds.
    fn encode_at(&self, data: &K::Data, times: Times, now: u64) -> Result<String, EncodeError> {
        let ring = self.core.ring();
        let mut buffer = plaintext::serialize(ring[0].prefix_len(), data)
            .map_err(|error| EncodeErrorKind::from(&error))?;
        let json = &buffer[ring[0].prefix_len()..];
        self.core.check(&ring[0], json, times.refreshed_at)?;
        if times.idle.is_some_and(|idle| idle.own) && !ring[0].keeps_times() {
            return Err(EncodeErrorKind::NoRoomForIdleTimeout.into());
        }
        let nonce = draw_nonce(now)?;
        let mut token = Vec::new();
        ring[0].seal(&nonce, &self.core.complete(times), &mut buffer, &mut token)?;
        Ok(String::from_utf8(token).expect("a token is ASCII"))
    }

    /// Opens a token.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], whose kind tells why: for logs, not for whoever sent the token. A token longer
    /// than a cookie can be is refused before it is decoded, a forged one before anything of it is
    /// parsed, an expired one before its JSON is (in the fastify scheme, the time is in the JSON).
    pub fn decode(&self, token: impl AsRef<[u8]>) -> Result<Opened<K::Data>, DecodeError> {
        self.open(token.as_ref()).map_err(DecodeError::from)
    }

    /// Opens the session in the value of a `Cookie` header. Of several cookies with its name, the
    /// first that opens counts; four are tried.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Missing`] if the header has no such cookie, otherwise why the first one does
    /// not open.
    pub fn decode_cookie_header(
        &self,
        header: impl AsRef<[u8]>,
    ) -> Result<Opened<K::Data>, DecodeError> {
        self.first([header.as_ref()], |token| self.open(token))
            .map_err(|(refusal, _)| refusal.into())
    }

    /// Replaces the keys, also while the server runs: from now on the new ring's primary seals, and
    /// all its keys open. Every clone of the codec follows, the layers that were made of it too.
    pub fn replace_keyring(&self, keyring: Keyring) {
        #[cfg(feature = "fastify")]
        if !self.core.settings.share_fastify_key {
            // The layers of both will refuse a request that passes them; here there is only the log.
            if let Err(shared) = builder::claim(&keyring, self.cookie_name()) {
                logging::key_serves_another(self.cookie_name(), &shared);
            }
        }
        if self.core.settings.remember.is_some() && !keyring.keeps_times() {
            logging::forgets_remembered(self.cookie_name());
        }
        self.core.replace_keyring(&keyring);
    }

    /// The name of the cookie, with its prefix.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.core.cookie.name()
    }

    #[cfg(feature = "tower")]
    pub(crate) fn core(&self) -> &Arc<CodecInner> {
        &self.core
    }

    /// Opens one token and parses its data.
    fn open(&self, token: &[u8]) -> Result<Opened<K::Data>, Refusal> {
        let Valid { json, validity } = self.core.open(token)?;
        let data = K::parse(&mut Json::new(json)).map_err(Refusal::payload)?;
        Ok(validity.opened(data))
    }

    /// Opens the first cookie that opens, and keeps its JSON at hand. If none does, why the first was
    /// refused, and its length.
    #[cfg(feature = "tower")]
    pub(crate) fn open_headers<'h>(
        &self,
        headers: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Opening<K>, (Refusal, usize)> {
        self.first(headers, |token| {
            let Valid { json, validity } = self.core.open(token)?;
            let mut json = Json::new(json);
            let data = K::parse(&mut json).map_err(Refusal::payload)?;
            let empty = K::is_empty(&data);
            Ok(Opening { data, empty, json, validity })
        })
    }

    /// What `open` makes of the first cookie of this name that it opens.
    fn first<'h, T>(
        &self,
        headers: impl IntoIterator<Item = &'h [u8]>,
        open: impl Fn(&[u8]) -> Result<T, Refusal>,
    ) -> Result<T, (Refusal, usize)> {
        let name = self.cookie_name().as_bytes();
        let candidates = headers.into_iter().flat_map(|header| cookie_header::values(header, name));
        let mut first_refusal = None;
        for token in candidates.take(MAX_CANDIDATES) {
            match open(token) {
                Ok(opened) => return Ok(opened),
                Err(refusal) => {
                    first_refusal.get_or_insert((refusal, token.len()));
                }
            }
        }
        Err(first_refusal.unwrap_or((DecodeErrorKind::Missing.into(), 0)))
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
            .field("idle_timeout", &core.settings.idle)
            .field("absolute_timeout", &core.settings.absolute)
            .finish_non_exhaustive()
    }
}
