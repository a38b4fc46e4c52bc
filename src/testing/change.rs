//! `SessionChange`: what a response does with the session in the browser.

use std::fmt;

use crate::codec::{Codec, Decoded, TokenInfo};
use crate::cookies::{CookieAttributes, ReceivedCookie};
use crate::kind::SessionKind;

/// What a response says of the session: what it does with the browser's cookie.
///
/// ```
/// # #[cfg(feature = "tower")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # use sealed_session::{Codec, Key, Keyring, SessionKind};
/// # use sealed_session::testing::SessionChange;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Debug)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
/// # let mut response = http::Response::new(());
/// # let line = codec.set_cookie(&codec.encode(&Login { user_id: 7 })?)?.parse()?;
/// # response.headers_mut().insert("set-cookie", line);
/// let set = SessionChange::of(&codec, response.headers()).expect_set();
/// assert_eq!(set.data.user_id, 7);
/// assert_eq!(set.attributes.max_age, None);
/// # Ok(()) }
/// # #[cfg(feature = "tower")]
/// # example()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it says what the response does; a test asserts that"]
#[allow(clippy::large_enum_variant, reason = "a test has one of them")]
pub enum SessionChange<T> {
    /// The response leaves the cookie as it is: it neither sets nor removes it.
    Kept,
    /// The response removes the cookie.
    Removed,
    /// The response sets the cookie.
    Set(SetSession<T>),
}

/// A session that a response sets.
///
/// `Debug` shows the data, if it is `Debug` itself, but not the cookie's value.
#[non_exhaustive]
#[derive(Clone)]
pub struct SetSession<T> {
    /// The session's data.
    pub data: T,
    /// Its id, times and key.
    pub info: TokenInfo,
    /// The cookie's attributes.
    pub attributes: CookieAttributes,
    /// `name=token`
    header: String,
}

impl<T> SetSession<T> {
    /// The value of the `Cookie` header with which a browser sends the session back: `name=token`.
    /// [`CookieJar`](super::CookieJar) does that for all cookies.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::SessionChange;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// # let set_cookies = [codec.set_cookie(&codec.encode(Entries::new())?)?];
    /// let set = SessionChange::of_set_cookies(&codec, set_cookies).expect_set();
    /// assert!(codec.decode_cookie_header(set.header()).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }
}

impl<T: fmt::Debug> fmt::Debug for SetSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetSession")
            .field("data", &self.data)
            .field("info", &self.info)
            .field("attributes", &self.attributes)
            .finish_non_exhaustive()
    }
}

impl<T> SessionChange<T> {
    /// What a response with these `Set-Cookie` values does with the session of this codec. With the feature
    /// `tower`, `of` reads them from a `HeaderMap`.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session::testing::SessionChange;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// SessionChange::of_set_cookies(&codec, ["theme=dark; Path=/"]).assert_kept();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The codec has to be a clone of the application's, or one with the same keys and settings.
    ///
    /// # Panics
    ///
    /// If a browser could not use the session: its cookie is set twice, the codec does not open it, or it
    /// has another `Path`, `Domain` or `Partitioned` than the codec's, so that a browser would keep both.
    #[track_caller]
    pub fn of_set_cookies<K: SessionKind<Data = T>>(
        codec: &Codec<K>,
        set_cookies: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Self {
        match Self::read(codec, set_cookies) {
            Ok(change) => change,
            Err(what) => panic!("{what}"),
        }
    }

    fn read<K: SessionKind<Data = T>>(
        codec: &Codec<K>,
        set_cookies: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Self, String> {
        let core = codec.inner();
        let (name, now) = (codec.cookie_name(), core.now());
        let cookies = set_cookies.into_iter();
        let cookies = cookies.filter_map(|line| ReceivedCookie::parse(line.as_ref()));
        let cookies = cookies.filter(|cookie| cookie.name == name);
        let (ours, others): (Vec<_>, Vec<_>) =
            cookies.partition(|cookie| cookie.replaces(&core.cookie_options));
        // Removing a cookie that was once set under another path is a good deed.
        if let Some(other) = others.iter().find(|other| !other.is_removal(now)) {
            let usual = ReceivedCookie::parse(codec.remove_cookie().as_bytes());
            let usual = usual.map(|usual| usual.attributes.place()).unwrap_or_default();
            let place = other.attributes.place();
            return Err(format!(
                "the response sets a cookie `{name}` with {place}, but the codec's has {usual}: a \
                 browser keeps both"
            ));
        }
        let [cookie] = &ours[..] else {
            return match ours.len() {
                0 => Ok(Self::Kept),
                count => Err(format!("the response sets the cookie `{name}` {count} times")),
            };
        };
        if cookie.is_removal(now) {
            return Ok(Self::Removed);
        }
        let decoded = codec.look_into(cookie.value.as_bytes());
        let Decoded { data, info } = decoded.map_err(|error| {
            format!("the response sets a cookie `{name}` that the codec does not open: {error:?}")
        })?;
        let header = format!("{name}={}", cookie.value);
        Ok(Self::Set(SetSession { data, info, attributes: cookie.attributes.clone(), header }))
    }

    /// The session that the response sets.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::SessionChange;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// # let mut entries = Entries::new();
    /// # entries.insert("visits", &1)?;
    /// # let set_cookies = [codec.set_cookie(&codec.encode(entries)?)?];
    /// let set = SessionChange::of_set_cookies(&codec, set_cookies).expect_set();
    /// assert_eq!(set.data.get("visits")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If the response does not set it. The message says what it does instead.
    #[track_caller]
    pub fn expect_set(self) -> SetSession<T> {
        match self {
            Self::Set(set) => set,
            Self::Kept => fail("set the session", KEPT),
            Self::Removed => fail("set the session", REMOVED),
        }
    }
}

impl<T: fmt::Debug> SessionChange<T> {
    /// Asserts that the response leaves the session's cookie as it is.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session::testing::SessionChange;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// # let set_cookies: [&str; 0] = [];
    /// SessionChange::of_set_cookies(&codec, set_cookies).assert_kept();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If it does not. The message says what the response does instead, with the session's data.
    #[track_caller]
    pub fn assert_kept(self) {
        match self {
            Self::Kept => {}
            Self::Removed => fail("keep the session as it is", REMOVED),
            Self::Set(set) => fail("keep the session as it is", &set.in_words()),
        }
    }

    /// Asserts that the response removes the session's cookie.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session::testing::SessionChange;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// # let set_cookies = [codec.remove_cookie()];
    /// SessionChange::of_set_cookies(&codec, set_cookies).assert_removed();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If it does not. The message says what the response does instead, with the session's data.
    #[track_caller]
    pub fn assert_removed(self) {
        match self {
            Self::Removed => {}
            Self::Kept => fail("remove the session's cookie", KEPT),
            Self::Set(set) => fail("remove the session's cookie", &set.in_words()),
        }
    }
}

impl<T: fmt::Debug> SetSession<T> {
    fn in_words(&self) -> String {
        format!("it sets the session to {:?} ({})", self.data, self.attributes)
    }
}

const KEPT: &str = "it keeps the session as it is: no Set-Cookie has the session's name";
const REMOVED: &str = "it removes the session's cookie";

#[track_caller]
fn fail(expected: &str, but: &str) -> ! {
    panic!("the response should {expected}, but {but}")
}
