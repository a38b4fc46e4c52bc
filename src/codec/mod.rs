//! `Codec<K>`: session to token and back. It knows no HTTP: it treats a `Cookie` header as plain text.

mod beside;
mod builder;
mod decoded;
mod inner;
mod ring;
#[cfg(feature = "revocation")]
mod tags;
mod telling;
#[cfg(feature = "testing")]
mod testing;

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) use self::beside::Prepared;
pub use self::builder::CodecBuilder;
pub(crate) use self::builder::check_timeout;
pub(crate) use self::decoded::Validity;
pub(crate) use self::decoded::Verified;
pub use self::decoded::{Decoded, TokenInfo};
#[cfg(feature = "revocation")]
pub(crate) use self::decoded::{SessionTags, Tags};
#[cfg(feature = "revocation")]
pub(crate) use self::inner::Attached;
use self::inner::MAX_CANDIDATES;
#[cfg(feature = "registry")]
pub(crate) use self::inner::Watch;
pub(crate) use self::inner::check_time;
pub(crate) use self::inner::{CodecInner, draw_id, draw_nonce};
#[cfg(feature = "session")]
pub(crate) use self::ring::Ring;
use crate::clock::unix_millis;
use crate::cookies::values;
use crate::crypto::key_id::KeyId;
use crate::crypto::keyring::Keyring;
use crate::error::{
    ConfigError, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Refusal,
};
use crate::events::CodecEventKind;
use crate::kind::{self, SessionKind};
use crate::logging;
use crate::plaintext;
use crate::scheme::{Header, Idle, TokenCipher};
use crate::session_id::SessionId;

/// Turns sessions of one kind into tokens and back, for cookies, websockets, jobs or links in e-mail.
///
/// Clones share everything, so [`replace_keyring`](Self::replace_keyring) reaches all of them. No
/// method blocks.
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

/// A token's data, and what else it says.
type Opened<K> = (<K as SessionKind>::Data, Verified);

impl<K: SessionKind> Codec<K> {
    /// A codec with the default settings: idle timeout 24 hours, absolute timeout 30 days, the
    /// cookie attributes of [`CookieOptions::new`](crate::CookieOptions::new).
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// assert_eq!(codec.cookie_name(), "session");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the kind's name is not a valid cookie name.
    pub fn new(keyring: Keyring) -> Result<Self, ConfigError> {
        Self::builder(keyring).build()
    }

    /// A builder for a codec with other settings.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// let codec = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
    ///     .idle_timeout(Duration::from_secs(15 * 60))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(keyring: Keyring) -> CodecBuilder<K> {
        CodecBuilder::new(keyring)
    }

    /// Seals a session that begins now. The token is unpadded base64url, which needs no escapes in a
    /// cookie or a URL. (Under a fastify key it is a token of that scheme, escaped for a cookie.)
    ///
    /// ```
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    /// let token = codec.encode(&Login { user_id: 7 })?;
    /// let link = format!("https://example.org/confirm?token={token}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Unlike [`Session::set`](crate::Session), it does not check that the data can be deserialized
    /// again.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLarge`] if the token would not fit into a cookie of this codec's name,
    /// [`EncodeErrorKind::Serialize`] if the data could not be serialized,
    /// [`EncodeErrorKind::Randomness`] if the operating system gives none for the nonce,
    /// [`EncodeErrorKind::Clock`] after the year 10,889; under a fastify key also
    /// [`EncodeErrorKind::NotAnObject`] and [`EncodeErrorKind::Reserved`].
    ///
    /// # Security
    ///
    /// With `Revocations`, the session has seen what is known when this is called. For a log-in use
    /// `Session`, which has seen what was known when the request arrived: a password may have been
    /// changed meanwhile.
    ///
    /// Until it expires, a token can be used any number of times. Its length reveals the length of
    /// the data.
    pub fn encode(&self, data: impl Borrow<K::Data>) -> Result<String, EncodeError> {
        self.encode_new(data.borrow(), None)
    }

    /// The same, for a session with a separate idle timeout, in whole seconds, such as one that is remembered.
    /// The cookie of a session whose timeout is longer than the codec's outlives the browser.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    /// let week = Duration::from_secs(7 * 86_400);
    /// let token = codec.encode_with_idle_timeout(&Login { user_id: 7 }, week)?;
    /// assert_eq!(codec.decode(&token)?.info.own_idle_timeout, Some(week));
    /// assert!(codec.set_cookie(&token)?.contains("; Max-Age="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode); [`EncodeErrorKind::IdleTimeout`] for a timeout that is not whole seconds
    /// between 1 and 2^31 - 1, or longer than the absolute timeout;
    /// [`EncodeErrorKind::NoRoomForIdleTimeout`] under a fastify key.
    pub fn encode_with_idle_timeout(
        &self,
        data: impl Borrow<K::Data>,
        timeout: Duration,
    ) -> Result<String, EncodeError> {
        let seconds = check_timeout("idle", timeout).ok();
        let seconds = seconds.filter(|seconds| *seconds <= self.inner.settings.absolute);
        let seconds = seconds.ok_or(EncodeErrorKind::IdleTimeout { found: timeout })?;
        self.encode_new(data.borrow(), Some(Idle { seconds, per_session: true }))
    }

    /// Re-seals a decoded session under the primary key, with the current time, so that its idle
    /// timeout begins again. It keeps its id, its creation time and its own idle timeout.
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
    /// [`EncodeErrorKind::Expired`] if the session has expired since it was decoded; otherwise as
    /// [`reseal`](Self::reseal).
    pub fn refresh(&self, decoded: &Decoded<K::Data>) -> Result<String, EncodeError> {
        let now = self.inner.now();
        if unix_millis(decoded.info.expires_at) <= now {
            return Err(EncodeErrorKind::Expired.into());
        }
        let mut header = self.header(decoded)?;
        header.refreshed_at = now;
        header.idle = header.idle.filter(|idle| idle.per_session);
        let otherwise = |key| CodecEventKind::Refreshed { key };
        self.encode_with(&decoded.data, header, now, Some(&decoded.info), otherwise)
    }

    /// Re-seals a decoded session under the primary key and keeps its times. This is what the
    /// middleware does after a rotation.
    ///
    /// ```
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let (old, new) = (Key::generate()?, Key::generate()?);
    /// # let codec = Codec::<Login>::new(Keyring::new(old.clone()))?;
    /// # let token = codec.encode(&Login { user_id: 7 })?;
    /// codec.replace_keyring(Keyring::new(new).with_previous(old)?);
    /// let decoded = codec.decode(&token)?;
    /// let resealed = codec.decode(codec.reseal(&decoded)?)?;
    /// assert_eq!((decoded.info.key_index, resealed.info.key_index), (1, 0));
    /// assert_eq!(decoded.info.expires_at, resealed.info.expires_at);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode); [`EncodeErrorKind::Ended`] if the session was ended since it was
    /// decoded, or the key that opened it was revoked; [`EncodeErrorKind::IdleTimeout`] for an idle
    /// timeout out of range, [`EncodeErrorKind::NoRoomForIdleTimeout`] for a session's own one under a
    /// fastify key.
    pub fn reseal(&self, decoded: &Decoded<K::Data>) -> Result<String, EncodeError> {
        let (header, now) = (self.header(decoded)?, self.inner.now());
        let otherwise = |key| CodecEventKind::Sealed { key };
        self.encode_with(&decoded.data, header, now, Some(&decoded.info), otherwise)
    }

    /// Seals a session that begins now.
    fn encode_new(&self, data: &K::Data, idle: Option<Idle>) -> Result<String, EncodeError> {
        let now = self.inner.now();
        let id = Some(draw_id(now)?);
        #[cfg(feature = "revocation")]
        let seen = self.seen_by(data);
        #[cfg(not(feature = "revocation"))]
        let seen = None;
        let header = Header { id, created_at: None, refreshed_at: now, idle, seen };
        self.encode_with(data, header, now, None, |key| CodecEventKind::Sealed { key })
    }

    fn header(&self, decoded: &Decoded<K::Data>) -> Result<Header, EncodeError> {
        let info = &decoded.info;
        if self.inner.is_revoked(info.key_id) {
            return Err(EncodeErrorKind::Ended.into());
        }
        let own = info.own_idle_timeout;
        let found = own.unwrap_or(info.idle_timeout);
        let seconds =
            check_timeout("idle", found).map_err(|_| EncodeErrorKind::IdleTimeout { found })?;
        let header = Header {
            id: info.id,
            // A format that does not say when the session began says when it was last refreshed.
            created_at: Some(unix_millis(info.created_at.unwrap_or(info.refreshed_at))),
            refreshed_at: unix_millis(info.refreshed_at),
            idle: Some(Idle { seconds, per_session: own.is_some() }),
            seen: info.seen,
        };
        #[cfg(feature = "revocation")]
        let header = self.reseal_header(decoded, header)?;
        Ok(header)
    }

    /// Seals a session, and tells of it: that it was re-sealed, if the key of `previous` is older than the
    /// one that seals, and otherwise what `otherwise` says.
    fn encode_with(
        &self,
        data: &K::Data,
        header: Header,
        now: u64,
        previous: Option<&TokenInfo>,
        otherwise: impl FnOnce(KeyId) -> CodecEventKind,
    ) -> Result<String, EncodeError> {
        let ring = self.inner.ring();
        self.inner.ring.tell_clash();
        let cipher = ring.sealing(now);
        let sealed = self.seal(cipher, data, header, now);
        let (token, id) = sealed.inspect_err(|error| self.inner.tell_if_too_large(error))?;
        let key = cipher.id();
        let previous = previous.filter(|info| ring.is_older(info.key_id, info.key_index, now));
        let kind = match previous {
            Some(info) => CodecEventKind::Resealed { key, previous: info.key_id },
            None => otherwise(key),
        };
        self.inner.tell(kind, Some(id).filter(|_| cipher.keeps_header()));
        Ok(token)
    }

    /// The token, and the session's id.
    fn seal(
        &self,
        cipher: &TokenCipher,
        data: &K::Data,
        header: Header,
        now: u64,
    ) -> Result<(String, SessionId), EncodeErrorKind> {
        let prefix_len = cipher.prefix_len(&header);
        let mut buffer = plaintext::serialize(prefix_len, data)
            .map_err(|error| EncodeErrorKind::serialize(&error))?;
        self.inner.check(cipher, &buffer[prefix_len..], &header)?;
        if header.idle.is_some_and(|idle| idle.per_session) && !cipher.keeps_header() {
            return Err(EncodeErrorKind::NoRoomForIdleTimeout);
        }
        // A session from a format without ids gets one here.
        let id = header.id.map_or_else(|| draw_id(now), Ok)?;
        let header = self.inner.complete(Header { id: Some(id), ..header });
        let mut token = Vec::new();
        cipher.seal(draw_nonce(now)?, &header, &mut buffer, &mut token)?;
        Ok((String::from_utf8(token).expect("a token is ASCII"), id))
    }

    /// The value of a `Set-Cookie` header that sets the cookie to this token, with the codec's cookie
    /// options. If the token's session is remembered, the cookie outlives the browser.
    ///
    /// ```
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    /// let token = codec.encode(&Login { user_id: 7 })?;
    /// let line = codec.set_cookie(&token)?;
    /// assert!(line.starts_with(&format!("login={token}; HttpOnly")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A response with this header is for one user only: send `Cache-Control: no-store` with it.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::NotAToken`] if the text has a character that no token has. A token that does
    /// not open is set nevertheless.
    #[allow(clippy::missing_panics_doc, reason = "a token and attributes are UTF-8")]
    pub fn set_cookie(&self, token: &str) -> Result<String, EncodeError> {
        // What the two token formats consist of. Other characters could end the value.
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.%+/=".contains(&byte);
        if !token.bytes().all(fits) {
            return Err(EncodeErrorKind::NotAToken.into());
        }
        let opened = self.inner.open(token.as_bytes()).ok();
        let live = opened.and_then(|Verified { validity, .. }| {
            let outlives = self.inner.outlives_browser(validity.idle);
            outlives.then(|| validity.expires_at.saturating_sub(self.inner.now()) / 1000)
        });
        let header = self.inner.cookie.header(token.len(), live, |header| {
            header.extend_from_slice(token.as_bytes());
            Ok::<(), EncodeError>(())
        });
        Ok(String::from_utf8(header?).expect("a token and attributes are UTF-8"))
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
    /// ```
    /// # use sealed_session::{Codec, DecodeErrorKind, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    /// let token = codec.encode(&Login { user_id: 7 })?;
    /// assert_eq!(codec.decode(&token)?.data.user_id, 7);
    /// let error = codec.decode(token + "x").unwrap_err();
    /// assert_eq!(*error.kind(), DecodeErrorKind::Malformed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`]; its kind says why. Log it, and do not return it to the client. A token that
    /// is longer than a cookie can be is refused before it is decoded, a forged one before any of it
    /// is parsed, an expired one before its JSON is parsed (in the fastify scheme, the time is in
    /// the JSON).
    pub fn decode(&self, token: impl AsRef<[u8]>) -> Result<Decoded<K::Data>, DecodeError> {
        let token = token.as_ref();
        let opened = self.open(token);
        match &opened {
            Ok((_, verified)) => self.inner.tell_opened(&verified.validity),
            Err(refusal) => self.inner.tell_refused(refusal, Some(token.len())),
        }
        Ok(self.decoded(opened?))
    }

    /// What an authentic token says of itself, even if it has expired, is from the future, or its
    /// session was ended: for a log, or a tool that explains why a token is refused. The data stays
    /// closed, and is not parsed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, DecodeErrorKind, Dynamic, Entries, Key, Keyring, TestClock};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let clock = TestClock::at(1_700_000_000);
    /// let codec = Codec::<Dynamic>::builder(keyring).clock(clock.clone()).build()?;
    /// let token = codec.encode(&Entries::new())?;
    /// clock.advance(Duration::from_secs(2 * 86_400));
    /// assert_eq!(*codec.decode(&token).unwrap_err().kind(), DecodeErrorKind::Expired);
    /// let info = codec.token_info(&token)?;
    /// assert_eq!(info.expires_at, info.refreshed_at + Duration::from_secs(86_400));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TooLong`], [`DecodeErrorKind::Malformed`],
    /// [`DecodeErrorKind::NoMatchingKey`], [`DecodeErrorKind::UnsupportedVersion`] or
    /// [`DecodeErrorKind::InvalidPayload`], as [`decode`](Self::decode).
    ///
    /// # Security
    ///
    /// It is no proof of a session, which may be over. Only [`decode`](Self::decode) decides that.
    pub fn token_info(&self, token: impl AsRef<[u8]>) -> Result<TokenInfo, DecodeError> {
        let (verified, _) = self.inner.open_unchecked(token.as_ref())?;
        Ok(verified.validity.info())
    }

    /// Opens the session in the value of a `Cookie` header. If several cookies have its name, the
    /// first that opens is used; at most four are tried.
    ///
    /// ```
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    /// # let token = codec.encode(&Login { user_id: 7 })?;
    /// let header = format!("theme=dark; login={token}");
    /// assert_eq!(codec.decode_cookie_header(header)?.data.user_id, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Missing`] if the header has no such cookie, otherwise the reason why the
    /// first one was refused. It is [`DecodeErrorKind::Ended`] if the header also
    /// [marks](CodecBuilder::mark_deletions) the session as deleted.
    pub fn decode_cookie_header(
        &self,
        header: impl AsRef<[u8]>,
    ) -> Result<Decoded<K::Data>, DecodeError> {
        self.decode_lines([header.as_ref()].into_iter())
    }

    /// The same, for a request with several `Cookie` headers: HTTP/2 may split one into several.
    ///
    /// ```
    /// # use sealed_session::{Codec, Key, Keyring, SessionKind};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
    /// # let token = codec.encode(&Login { user_id: 7 })?;
    /// let lines = ["theme=dark".to_owned(), format!("login={token}")];
    /// assert_eq!(codec.decode_cookie_lines(&lines)?.data.user_id, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`decode_cookie_header`](Self::decode_cookie_header).
    pub fn decode_cookie_lines<L: AsRef<[u8]>>(
        &self,
        lines: &[L],
    ) -> Result<Decoded<K::Data>, DecodeError> {
        self.decode_lines(lines.iter().map(AsRef::as_ref))
    }

    fn decode_lines<'h>(
        &self,
        lines: impl Iterator<Item = &'h [u8]> + Clone,
    ) -> Result<Decoded<K::Data>, DecodeError> {
        let opened = self.open_headers(lines);
        match &opened {
            Ok((_, verified)) => self.inner.tell_opened(&verified.validity),
            Err((refusal, _)) if refusal.kind == DecodeErrorKind::Missing => {}
            Err((refusal, length)) => self.inner.tell_refused(refusal, Some(*length)),
        }
        Ok(self.decoded(opened.map_err(|(refusal, _)| refusal)?))
    }

    #[cfg_attr(
        not(feature = "revocation"),
        allow(clippy::unused_self, reason = "the need of revocations")
    )]
    #[cfg_attr(not(feature = "revocation"), allow(unused_mut, reason = "as above"))]
    fn decoded(&self, (data, mut verified): Opened<K>) -> Decoded<K::Data> {
        let mut info = verified.validity.info();
        #[cfg(feature = "revocation")]
        {
            info.tags = self.session_tags(&mut verified);
        }
        Decoded { data, info }
    }

    /// Replaces the keys, also while the server runs: from now on the new keyring's primary seals, and
    /// all its keys open. This reaches every clone of the codec and every layer created from it.
    ///
    /// A codec with `Revocations` keeps its keys, and logs an error, if the new primary is a fastify
    /// key: a session that it seals could not be ended.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let (old, new) = (Key::generate()?, Key::generate()?);
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(old.clone()))?;
    /// codec.replace_keyring(Keyring::new(new).with_previous(old)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace_keyring(&self, keyring: Keyring) {
        #[cfg(feature = "revocation")]
        if !keyring.keeps_header() && self.inner.attached.is_some() {
            logging::keyring_refused(self.cookie_name());
            return;
        }
        if !keyring.keeps_header() {
            if self.inner.settings.remember.is_some() {
                logging::forgets_remembered(self.cookie_name());
            }
            if self.inner.marks_deletions() {
                logging::marks_no_more(self.cookie_name());
            }
        }
        keyring.demand(self.inner.demand());
        self.inner.replace_keyring(&keyring);
    }

    /// The name of the cookie, including its prefix.
    ///
    /// ```
    /// # use sealed_session::{Codec, CookieOptions, Dynamic, Key, Keyring};
    /// let codec = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
    ///     .cookie(CookieOptions::host_prefixed())
    ///     .build()?;
    /// assert_eq!(codec.cookie_name(), "__Host-session");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.inner.cookie.name()
    }

    /// The idle timeout that the codec was built with.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// assert_eq!(codec.idle_timeout(), Duration::from_secs(24 * 60 * 60));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.inner.settings.idle.into())
    }

    /// The absolute timeout that the codec was built with.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// assert_eq!(codec.absolute_timeout(), Duration::from_secs(30 * 24 * 60 * 60));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn absolute_timeout(&self) -> Duration {
        Duration::from_secs(self.inner.settings.absolute.into())
    }

    /// The time by the codec's [`Clock`](crate::Clock), for rules of your own about a session's age.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring, TestClock};
    /// let codec = Codec::<Dynamic>::builder(Keyring::new(Key::generate()?))
    ///     .clock(TestClock::at(1_800_000_000))
    ///     .build()?;
    /// let info = codec.decode(codec.encode(&Entries::new())?)?.info;
    /// assert_eq!(info.created_at, Some(codec.now()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn now(&self) -> SystemTime {
        decoded::time(self.inner.now())
    }

    pub(crate) fn inner(&self) -> &Arc<CodecInner> {
        &self.inner
    }

    /// Opens one token and parses its data.
    fn open(&self, token: &[u8]) -> Result<Opened<K>, Refusal> {
        let mut verified = self.inner.open(token)?;
        let data = kind::parse::<K>(&mut verified.json).map_err(Refusal::payload)?;
        #[cfg(feature = "revocation")]
        {
            verified.tags = self.check_tags(&data, &verified.validity)?;
        }
        Ok((data, verified))
    }

    /// The first cookie that opens, unless its session was deleted in that browser. If none opens: why
    /// the first was refused, and its length.
    pub(crate) fn open_headers<'h>(
        &self,
        headers: impl Iterator<Item = &'h [u8]> + Clone,
    ) -> Result<Opened<K>, (Refusal, usize)> {
        let marked = self.inner.marked(headers.clone());
        self.first(headers, |token| {
            let (data, verified) = self.open(token)?;
            match verified.validity.id {
                Some(id) if marked.contains(&id) => {
                    Err(Refusal { deleted_here: true, ..DecodeErrorKind::Ended.into() })
                }
                _ => Ok((data, verified)),
            }
        })
    }

    /// The result of `open` for the first cookie of this name that it opens.
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
                // It may be the one, so nothing can be said of the others.
                Err(refusal) if refusal.kind == DecodeErrorKind::Unavailable => {
                    return Err((refusal, token.len()));
                }
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
