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
pub(crate) use self::decoded::Verified;
pub use self::decoded::{Decoded, TokenInfo};
pub(crate) use self::decoded::{Refresh, Validity};
pub(crate) use self::inner::check_time;
pub(crate) use self::inner::{CodecInner, Refusal, draw_id, draw_nonce};
use crate::clock::unix_millis;
use crate::cookies::values;
use crate::crypto::keyring::Keyring;
use crate::error::{ConfigError, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::kind::{self, SessionKind};
use crate::logging;
use crate::plaintext;
use crate::scheme::{Header, Idle};

/// How many cookies of one name are tried.
const MAX_CANDIDATES: usize = 4;

/// Turns sessions of one kind into tokens and back, wherever they travel: cookies, websockets, jobs,
/// links in e-mail.
///
/// Clones share everything, so that [`replace_keyring`](Self::replace_keyring) reaches all of them.
/// No method waits for anything.
///
/// ```
/// # use sealed_session::{Codec, Decoded, Key, Keyring, SessionKind};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// # let keyring = Keyring::new(Key::generate()?);
/// let codec = Codec::<Login>::new(keyring)?;
/// let token: String = codec.encode(&Login { user_id: 7 })?;
/// let decoded: Decoded<Login> = codec.decode(&token)?;
/// assert_eq!(decoded.data.user_id, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Codec<K> {
    inner: Arc<CodecInner>,
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
    /// there is none for the nonce, [`EncodeErrorKind::Clock`] beyond the year 10,889; under a
    /// fastify key also [`EncodeErrorKind::NotAnObject`] and [`EncodeErrorKind::Reserved`]. That the data reads back
    /// is not checked here, as [`Session::set`](crate::Session) does.
    ///
    /// # Security
    ///
    /// A token opens as often as it is shown until it expires, and its length tells the length of
    /// the data.
    pub fn encode(&self, data: &K::Data) -> Result<String, EncodeError> {
        let now = self.inner.now();
        let id = Some(draw_id(now)?);
        let header = Header { id, created_at: None, refreshed_at: now, idle: None };
        self.encode_with(data, header, now)
    }

    /// Seals a decoded session again with the present time, under the primary key: its idle timeout
    /// begins again. It keeps its id, its creation time and its own idle timeout.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind, TestClock};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// let clock = TestClock::at(1_700_000_000);
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let codec = Codec::<Login>::builder(keyring).clock(clock.clone()).build()?;
    /// let decoded = codec.decode(codec.encode(&Login { user_id: 7 })?)?;
    /// clock.advance(Duration::from_secs(60));
    /// let later = codec.decode(codec.refresh(&decoded)?)?;
    /// let expires_at = decoded.info.expires_at + Duration::from_secs(60);
    /// assert_eq!(later.info.expires_at, expires_at);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`reseal`](Self::reseal).
    pub fn refresh(&self, decoded: &Decoded<K::Data>) -> Result<String, EncodeError> {
        let now = self.inner.now();
        let mut header = self.header(&decoded.info)?;
        header.refreshed_at = now;
        header.idle = header.idle.filter(|idle| idle.per_session);
        self.encode_with(&decoded.data, header, now)
    }

    /// Seals a decoded session again under the primary key, with the times that it has: what the
    /// middleware does after a rotation.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode); [`EncodeErrorKind::IdleTimeout`] for an idle timeout out of range,
    /// [`EncodeErrorKind::NoRoomForIdleTimeout`] for a separate one under a fastify key.
    pub fn reseal(&self, decoded: &Decoded<K::Data>) -> Result<String, EncodeError> {
        self.encode_with(&decoded.data, self.header(&decoded.info)?, self.inner.now())
    }

    fn header(&self, info: &TokenInfo) -> Result<Header, EncodeError> {
        let own = info.own_idle_timeout;
        let found = own.unwrap_or(info.idle_timeout);
        let seconds =
            check_timeout("idle", found).map_err(|_| EncodeErrorKind::IdleTimeout { found })?;
        Ok(Header {
            id: info.id,
            created_at: info.created_at.map(unix_millis),
            refreshed_at: unix_millis(info.refreshed_at),
            idle: Some(Idle { seconds, per_session: own.is_some() }),
        })
    }

    fn encode_with(&self, data: &K::Data, header: Header, now: u64) -> Result<String, EncodeError> {
        let ring = self.inner.ring();
        let cipher = &ring[0];
        let prefix_len = cipher.prefix_len();
        let mut buffer = plaintext::serialize(prefix_len, data)
            .map_err(|error| EncodeErrorKind::from(&error))?;
        self.inner.check(cipher, &buffer[prefix_len..], header.refreshed_at)?;
        if header.idle.is_some_and(|idle| idle.per_session) && !cipher.keeps_header() {
            return Err(EncodeErrorKind::NoRoomForIdleTimeout.into());
        }
        // A session from a format that names none gets a name here.
        let id = header.id.map_or_else(|| draw_id(now), Ok)?;
        let header = self.inner.complete(Header { id: Some(id), ..header });
        let mut token = Vec::new();
        cipher.seal(draw_nonce(now)?, &header, &mut buffer, &mut token)?;
        Ok(String::from_utf8(token).expect("a token is ASCII"))
    }

    /// The value of a `Set-Cookie` header that sets the cookie to this token, with the codec's cookie
    /// options. If the token is of a session that is remembered, the cookie outlives the browser.
    ///
    /// ```
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    /// let token = codec.encode(&Login { user_id: 7 })?;
    /// let line = codec.set_cookie(&token);
    /// assert!(line.starts_with(&format!("login={token}; HttpOnly")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A response with this header is one user's: send `Cache-Control: no-store` with it.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "a token and attributes are UTF-8")]
    pub fn set_cookie(&self, token: &str) -> String {
        // What does not open is written as it is: it is the caller's.
        let live =
            self.inner.open(token.as_bytes()).ok().and_then(|Verified { validity, .. }| {
                let remembered =
                    validity.idle.per_session && validity.idle.seconds > self.inner.settings.idle;
                remembered.then(|| validity.expires_at.saturating_sub(self.inner.now()) / 1000)
            });
        let header = self.inner.cookie.header(token.len(), live, |header| {
            header.extend_from_slice(token.as_bytes());
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(header) = header;
        String::from_utf8(header).expect("a token and attributes are UTF-8")
    }

    /// The value of a `Set-Cookie` header that removes the cookie.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// assert!(codec.remove_cookie().starts_with("session=; "));
    /// assert!(codec.remove_cookie().contains("; Max-Age=0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn remove_cookie(&self) -> String {
        self.inner.cookie.removal().to_owned()
    }

    /// Opens a token.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], whose kind tells why: for logs, not for whoever sent the token. A token longer
    /// than a cookie can be is refused before it is decoded, a forged one before anything of it is
    /// parsed, an expired one before its JSON is (in the fastify scheme, the time is in the JSON).
    pub fn decode(&self, token: impl AsRef<[u8]>) -> Result<Decoded<K::Data>, DecodeError> {
        let (data, verified) = self.open(token.as_ref())?;
        Ok(Decoded { data, info: verified.validity.info() })
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
    ) -> Result<Decoded<K::Data>, DecodeError> {
        let opened = self.open_headers([header.as_ref()].into_iter());
        let (data, verified) = opened.map_err(|(refusal, _)| refusal)?;
        Ok(Decoded { data, info: verified.validity.info() })
    }

    /// Replaces the keys, also while the server runs: from now on the new ring's primary seals, and
    /// all its keys open. Every clone of the codec follows, the layers that were made of it too.
    pub fn replace_keyring(&self, keyring: Keyring) {
        #[cfg(feature = "fastify")]
        if !self.inner.settings.share_fastify_key {
            // The layers of both will refuse a request that passes them; here there is only the log.
            if let Err(shared) = builder::claim(&keyring, &self.inner.claim) {
                logging::key_serves_another(self.cookie_name(), &shared);
            }
        }
        if self.inner.settings.remember.is_some() && !keyring.keeps_header() {
            logging::forgets_remembered(self.cookie_name());
        }
        self.inner.replace_keyring(&keyring);
    }

    /// The name of the cookie, with its prefix.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.inner.cookie.name()
    }

    pub(crate) fn inner(&self) -> &Arc<CodecInner> {
        &self.inner
    }

    /// Opens one token and parses its data.
    fn open(&self, token: &[u8]) -> Result<(K::Data, Verified), Refusal> {
        let mut verified = self.inner.open(token)?;
        let data = kind::parse::<K>(&mut verified.json).map_err(Refusal::payload)?;
        Ok((data, verified))
    }

    /// Opens the first cookie that opens, unless the session was deleted in that browser. If none does,
    /// why the first was refused, and its length.
    pub(crate) fn open_headers<'h>(
        &self,
        headers: impl Iterator<Item = &'h [u8]> + Clone,
    ) -> Result<(K::Data, Verified), (Refusal, usize)> {
        let marked = self.inner.marked(headers.clone());
        self.first(headers, |token| {
            let (data, verified) = self.open(token)?;
            match verified.validity.id {
                Some(id) if marked.contains(&id) => Err(DecodeErrorKind::Ended.into()),
                _ => Ok((data, verified)),
            }
        })
    }

    /// What `open` makes of the first cookie of this name that it opens.
    fn first<'h, T>(
        &self,
        headers: impl IntoIterator<Item = &'h [u8]>,
        open: impl Fn(&[u8]) -> Result<T, Refusal>,
    ) -> Result<T, (Refusal, usize)> {
        let name = self.cookie_name().as_bytes();
        let candidates = headers.into_iter().flat_map(|header| values(header, name));
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
        Self { inner: self.inner.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for Codec<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        f.debug_struct("Codec")
            .field("cookie_name", &inner.cookie.name())
            .field("idle_timeout", &inner.settings.idle)
            .field("absolute_timeout", &inner.settings.absolute)
            .finish_non_exhaustive()
    }
}
