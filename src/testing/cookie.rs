//! `TestCookie`: the cookie of a session that a test makes up.

use std::fmt;
use std::time::Duration;

use crate::clock::millis;
use crate::codec::{Codec, check_timeout};
use crate::crypto::keyring::Keyring;
use crate::error::{ConfigErrorKind, EncodeErrorKind};
use crate::kind::SessionKind;
use crate::scheme::{Header, Idle};

/// How long an expired session has been over, in milliseconds.
const OVER_FOR: u64 = 1000;

/// The cookie of a session with this data, so that a test does not have to log in first.
///
/// Without further calls it is the cookie of a session that begins now, by the codec's clock.
///
/// ```
/// # use sealed_session::{Codec, Key, Keyring, SessionKind};
/// # use sealed_session::testing::TestCookie;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
/// let cookie = TestCookie::new(&codec, Login { user_id: 7 }).header(); // login=…
/// assert_eq!(codec.decode_cookie_header(cookie)?.data.user_id, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The events of the codec do not count it, and a registry does not list its session.
#[must_use = "it is a cookie once `header` or `token` is called"]
pub struct TestCookie<K: SessionKind> {
    codec: Codec<K>,
    data: K::Data,
    created_ago: Option<Duration>,
    refreshed_ago: Option<Duration>,
    is_expired: bool,
    own_idle: Option<u32>,
    keyring: Option<Keyring>,
}

impl<K: SessionKind> TestCookie<K> {
    /// The cookie of a session of this codec.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let mut cart = Entries::new();
    /// cart.insert("items", &[7])?;
    /// let cookie = TestCookie::new(&codec, cart).header();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(codec: &Codec<K>, data: K::Data) -> Self {
        Self {
            codec: codec.clone(),
            data,
            created_ago: None,
            refreshed_ago: None,
            is_expired: false,
            own_idle: None,
            keyring: None,
        }
    }

    /// A remembered session, as after [`Session::remember`](crate::Session).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let month = Duration::from_secs(30 * 24 * 60 * 60);
    /// let codec = Codec::<Dynamic>::builder(keyring).remember_timeout(month).build()?;
    /// let token = TestCookie::new(&codec, Entries::new()).remembered().token();
    /// assert_eq!(codec.decode(token)?.info.own_idle_timeout, Some(month));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the codec was built without a remember timeout.
    #[track_caller]
    pub fn remembered(mut self) -> Self {
        let Some(seconds) = self.codec.inner().settings.remember else {
            panic!("{}", ConfigErrorKind::NoRememberTimeout);
        };
        self.own_idle = Some(seconds);
        self
    }

    /// A session with a separate idle timeout, in whole seconds, as after
    /// [`Session::set_idle_timeout`](crate::Session).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let five_minutes = Duration::from_secs(5 * 60);
    /// let cookie = TestCookie::new(&codec, Entries::new()).idle_timeout(five_minutes).header();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `Session::set_idle_timeout` would refuse it.
    #[track_caller]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        let seconds = check_timeout("session's own idle", timeout).ok();
        let seconds = seconds.filter(|own| *own <= self.codec.inner().settings.absolute);
        let Some(seconds) = seconds else {
            panic!("{}", EncodeErrorKind::IdleTimeout { found: timeout });
        };
        self.own_idle = Some(seconds);
        self
    }

    /// A session that began so long ago. It was last refreshed now, unless
    /// [`refreshed_ago`](Self::refreshed_ago) says otherwise.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// /// For a page that asks for the password again after an hour.
    /// let hours = Duration::from_secs(2 * 60 * 60);
    /// let cookie = TestCookie::new(&codec, Entries::new()).created_ago(hours).header();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Longer ago than the absolute timeout, it is an expired session.
    pub fn created_ago(mut self, age: Duration) -> Self {
        self.created_ago = Some(age);
        self
    }

    /// A session that was last used so long ago. It began then, unless
    /// [`created_ago`](Self::created_ago) says that it is older.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// /// More than a tenth of 24 hours: reading it refreshes it.
    /// let hours = Duration::from_secs(3 * 60 * 60);
    /// let cookie = TestCookie::new(&codec, Entries::new()).refreshed_ago(hours).header();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refreshed_ago(mut self, ago: Duration) -> Self {
        self.refreshed_ago = Some(ago);
        self
    }

    /// A session that expired a second ago, because nobody had used it.
    ///
    /// ```
    /// # use sealed_session::{Codec, DecodeErrorKind, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let token = TestCookie::new(&codec, Entries::new()).expired().token();
    /// assert_eq!(*codec.decode(token).unwrap_err().kind(), DecodeErrorKind::Expired);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expired(mut self) -> Self {
        self.is_expired = true;
        self
    }

    /// Seals it under another key, or the newest of another keyring: one that the codec's keyring has as
    /// a previous key, or one that it does not have.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// let (old, new) = (Key::generate()?, Key::generate()?);
    /// let codec = Codec::<Dynamic>::new(Keyring::new(new).with_previous(old.clone())?)?;
    /// let token = TestCookie::new(&codec, Entries::new()).under(old).token();
    /// assert_eq!(codec.decode(token)?.info.key_index, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A cookie of Node's `@fastify/secure-session` is one under `Keyring::fastify`.
    pub fn under(mut self, keyring: impl Into<Keyring>) -> Self {
        self.keyring = Some(keyring.into());
        self
    }

    /// The value of a request's `Cookie` header: `name=token`.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let cookie = TestCookie::new(&codec, Entries::new()).header();
    /// let several = format!("theme=dark; {cookie}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`token`](Self::token).
    #[must_use]
    #[track_caller]
    pub fn header(self) -> String {
        let name = self.codec.cookie_name().to_owned();
        format!("{name}={}", self.token())
    }

    /// The cookie's value.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::TestCookie;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let token = TestCookie::new(&codec, Entries::new()).token();
    /// let cookie = (codec.cookie_name(), token); // for a client that wants them apart
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the data cannot be sealed (it is too large, for example), if the cookie would not be what was
    /// asked for because the clock is too close to 1970, or if the key's format cannot hold an idle timeout
    /// of the session's own or when it began.
    #[must_use]
    #[track_caller]
    pub fn token(self) -> String {
        let (header, now) = self.times();
        let is_native = match &self.keyring {
            Some(keyring) => keyring.keeps_header(),
            None => self.codec.inner().keeps_header_at(now),
        };
        if self.created_ago.is_some() && !is_native {
            panic!(
                "a token in Node's format does not say when its session began: leave `created_ago` out"
            );
        }
        match self.codec.seal_under(self.keyring.as_ref(), &self.data, header, now) {
            Ok(token) => token,
            Err(error) => panic!("the session cannot be sealed: {error}"),
        }
    }

    pub(super) fn codec(&self) -> &Codec<K> {
        &self.codec
    }

    /// The token's times, and the current one in milliseconds since the Unix epoch.
    #[track_caller]
    fn times(&self) -> (Header, u64) {
        let core = self.codec.inner();
        let now = core.now();
        let own = self.own_idle.map(|seconds| Idle { seconds, per_session: true });
        let idle = own.unwrap_or_else(|| core.usual_idle());
        let before = |ago: u64| match now.checked_sub(ago) {
            Some(then) => then,
            None => panic!("the codec's clock is so close to 1970 that the session began before"),
        };
        let refreshed_at = match self.refreshed_ago {
            _ if self.is_expired => before(idle.millis().saturating_add(OVER_FOR)),
            ago => before(ago.map_or(0, millis)),
        };
        let created_at = self.created_ago.map_or(refreshed_at, |age| before(millis(age)));
        let created_at = created_at.min(refreshed_at);
        let header =
            Header { id: None, created_at: Some(created_at), refreshed_at, idle: own, seen: None };
        (header, now)
    }
}

impl<K: SessionKind> fmt::Debug for TestCookie<K> {
    /// The cookie's name; nothing of the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestCookie")
            .field("cookie_name", &self.codec.cookie_name())
            .field("expired", &self.is_expired)
            .finish_non_exhaustive()
    }
}
