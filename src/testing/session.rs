//! `TestSession`: a session for the unit test of a handler, without a layer.

use std::fmt;

use super::{SessionChange, TestCookie};
use crate::adapter::{HeaderChange, RequestHead, ResponseHead};
use crate::codec::Codec;
use crate::crypto::key::Key;
use crate::crypto::keyring::Keyring;
use crate::kind::{Dynamic, SessionKind};
use crate::session::Session;

/// The session of one request, for a test that calls a handler as a function.
///
/// ```
/// # use sealed_session::{Session, SessionError, SessionKind};
/// # use sealed_session::testing::TestSession;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Debug)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// async fn log_in(session: Session<Login>) -> Result<(), SessionError> {
///     session.regenerate();
///     session.set(Login { user_id: 7 })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let test = TestSession::<Login>::empty();
/// log_in(test.session()).await?;
/// assert_eq!(test.finish().expect_set().data.user_id, 7);
///
/// let test = TestSession::<Login>::with(Login { user_id: 7 });
/// test.session().delete();
/// test.finish().assert_removed();
/// # Ok(()) }
/// ```
pub struct TestSession<K: SessionKind = Dynamic> {
    codec: Codec<K>,
    session: Session<K>,
}

impl<K: SessionKind> TestSession<K> {
    /// The session of a request without a cookie. Its codec has the default settings and a random key.
    ///
    /// ```
    /// # use sealed_session::Dynamic;
    /// # use sealed_session::testing::TestSession;
    /// let test = TestSession::<Dynamic>::empty();
    /// assert!(test.session().is_empty());
    /// ```
    ///
    /// # Panics
    ///
    /// If the kind's name is not a valid cookie name.
    #[must_use]
    #[track_caller]
    pub fn empty() -> Self {
        Self::without_cookie(&default_codec())
    }

    /// The session of a request whose session has this data. Its codec has the default settings and a
    /// random key.
    ///
    /// ```
    /// # use sealed_session::{Dynamic, Entries};
    /// # use sealed_session::testing::TestSession;
    /// let mut entries = Entries::new();
    /// entries.insert("visits", &1)?;
    /// let test = TestSession::<Dynamic>::with(entries);
    /// assert_eq!(test.session().get("visits")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`empty`](Self::empty) and [`TestCookie::token`].
    #[must_use]
    #[track_caller]
    pub fn with(data: K::Data) -> Self {
        Self::from_cookie(TestCookie::new(&default_codec(), data))
    }

    /// The session of a request without a cookie, for a codec with other settings.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # use sealed_session::testing::TestSession;
    /// # let keyring = Keyring::new(Key::generate()?);
    /// # let month = Duration::from_secs(30 * 24 * 60 * 60);
    /// let codec = Codec::<Dynamic>::builder(keyring).remember_timeout(month).build()?;
    /// let test = TestSession::without_cookie(&codec);
    /// test.session().insert("user", 7)?;
    /// test.session().remember()?;
    /// assert_eq!(test.finish().expect_set().attributes.max_age, Some(month));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn without_cookie(codec: &Codec<K>) -> Self {
        Self::new(codec, None)
    }

    /// The session of a request with this cookie, which may be one that is old, remembered or expired.
    ///
    /// ```
    /// # use sealed_session::{Codec, DecodeErrorKind, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::{TestCookie, TestSession};
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let test = TestSession::from_cookie(TestCookie::new(&codec, Entries::new()).expired());
    /// assert_eq!(test.session().refused(), Some(DecodeErrorKind::Expired));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`TestCookie::token`].
    #[must_use]
    #[track_caller]
    pub fn from_cookie(cookie: TestCookie<K>) -> Self {
        let codec = cookie.codec().clone();
        Self::new(&codec, Some(cookie.header()))
    }

    fn new(codec: &Codec<K>, cookie: Option<String>) -> Self {
        let mut head = RequestHead::new("GET");
        if let Some(cookie) = cookie {
            head.header("cookie", cookie.as_bytes());
        }
        Self { codec: codec.clone(), session: Session::new(codec.clone(), head) }
    }

    /// The session, for the handler. All that this returns are handles to the same session.
    ///
    /// The messages that a handler left with `flash` are read with `take_flash`, before `finish`.
    ///
    /// ```
    /// # use sealed_session::{Dynamic, Session};
    /// # use sealed_session::testing::TestSession;
    /// # let test = TestSession::<Dynamic>::empty();
    /// fn greeting(session: &Session) -> &'static str {
    ///     if session.is_empty() { "Welcome" } else { "Welcome back" }
    /// }
    /// assert_eq!(greeting(&test.session()), "Welcome");
    /// ```
    #[must_use]
    pub fn session(&self) -> Session<K> {
        self.session.clone()
    }

    /// The response begins: what it does with the session if it is a plain `200 OK`. Later writes of the
    /// handler are an error.
    ///
    /// A deletion of a session that came without a cookie changes nothing in the browser.
    ///
    /// ```
    /// # use sealed_session::Dynamic;
    /// # use sealed_session::testing::TestSession;
    /// let test = TestSession::<Dynamic>::empty();
    /// let visits = test.session().get::<u32>("visits")?;
    /// test.finish().assert_kept();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn finish(self) -> SessionChange<K::Data> {
        let headers: [(&str, &str); 0] = [];
        self.finish_with(ResponseHead::new(200, &headers.as_slice()))
    }

    /// The same for the response that the handler made: what it does with the session also depends on its
    /// status and on `Cache-Control`.
    ///
    /// ```
    /// # use sealed_session::Dynamic;
    /// # use sealed_session::adapter::ResponseHead;
    /// # use sealed_session::testing::TestSession;
    /// let test = TestSession::<Dynamic>::empty();
    /// test.session().insert("visits", 1)?;
    /// let headers = [("content-type", "text/html")]; // or an `http::HeaderMap`
    /// test.finish_with(ResponseHead::new(500, &headers.as_slice())).assert_kept();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn finish_with(self, response: ResponseHead<'_>) -> SessionChange<K::Data> {
        let set_cookies = self.session.finish(response).filter_map(|change| match change {
            HeaderChange::Append { name: "set-cookie", value } => Some(value),
            _ => None,
        });
        SessionChange::of_set_cookies(&self.codec, set_cookies)
    }
}

impl<K: SessionKind> fmt::Debug for TestSession<K> {
    /// The cookie's name; nothing of the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

#[track_caller]
fn default_codec<K: SessionKind>() -> Codec<K> {
    let codec = Key::generate().map(|key| Codec::new(Keyring::new(key)));
    match codec {
        Ok(Ok(codec)) => codec,
        Ok(Err(error)) => panic!("{error}"),
        Err(error) => panic!("{error}"),
    }
}
