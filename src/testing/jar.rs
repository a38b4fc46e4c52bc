//! `CookieJar`: the cookies of a browser, for tests of one site.

use std::fmt;
use std::sync::Arc;

use super::TestCookie;
use crate::clock::{Clock, SystemClock, unix_millis};
use crate::cookies::{MAX_COOKIE_LEN, ReceivedCookie};
use crate::kind::SessionKind;

/// The cookies that a browser keeps of one site.
///
/// With the feature `tower`, `call` sends a request through a service, with the cookies of the jar, and
/// keeps those of the response:
///
/// ```
/// # #[cfg(feature = "axum")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use axum::{Router, body::Body, http::{Request, StatusCode}, routing::{get, post}};
/// # use sealed_session::{Codec, Current, Key, Keyring, Session, SessionError, SessionKind, SessionLayer};
/// # use sealed_session::testing::CookieJar;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// # async fn log_in(session: Session<Login>) -> Result<(), SessionError> {
/// #     session.regenerate();
/// #     session.set(Login { user_id: 7 })
/// # }
/// # async fn me(Current(login): Current<Login>) -> String { login.user_id.to_string() }
/// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
/// # let app = Router::new().route("/login", post(log_in)).route("/me", get(me));
/// # let app = app.layer(SessionLayer::new(codec));
/// let mut jar = CookieJar::new();
/// jar.call(&app, Request::post("/login").body(Body::empty())?).await?;
/// let response = jar.call(&app, Request::get("/me").body(Body::empty())?).await?;
/// assert_eq!(response.status(), StatusCode::OK);
/// # Ok(()) }
/// # #[cfg(not(feature = "axum"))] fn main() {}
/// ```
///
/// It keeps a cookie by name, domain and path, for as long as `Max-Age` or `Expires` says, and sends it to
/// its path (RFC 6265, sections 5.1.4, 5.3 and 5.4). All requests go to one host, over HTTPS, from the site
/// itself: so it does not look at the host, `Secure` or `SameSite`.
#[derive(Clone)]
pub struct CookieJar {
    cookies: Vec<Kept>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Kept {
    name: String,
    value: String,
    domain: Option<String>,
    partitioned: bool,
    path: String,
    /// In milliseconds since the Unix epoch. `None`: until the browser is closed.
    until: Option<u64>,
}

impl Kept {
    fn is_over(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn is_replaced_by(&self, new: &Self) -> bool {
        let identity = |kept: &Self| {
            (kept.name.clone(), kept.domain.clone(), kept.path.clone(), kept.partitioned)
        };
        identity(self) == identity(new)
    }
}

impl CookieJar {
    /// An empty jar.
    ///
    /// ```
    /// # use sealed_session::testing::CookieJar;
    /// assert_eq!(CookieJar::new().header("/"), None);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { cookies: Vec::new(), clock: Arc::new(SystemClock) }
    }

    /// The clock by which cookies are over. Default: [`SystemClock`]. Give it the codec's
    /// [`TestClock`](crate::TestClock).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::TestClock;
    /// # use sealed_session::testing::CookieJar;
    /// let clock = TestClock::at(1_700_000_000);
    /// let mut jar = CookieJar::new().clock(clock.clone());
    /// jar.keep("/", "theme=dark; Path=/; Max-Age=60");
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(jar.get("theme"), None);
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Puts a session's cookie into the jar, with the attributes of its codec.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};
    /// # use sealed_session::testing::{CookieJar, TestCookie};
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let mut jar = CookieJar::new();
    /// jar.add(TestCookie::new(&codec, Entries::new()));
    /// assert!(jar.get("session").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`TestCookie::token`].
    #[track_caller]
    pub fn add<K: SessionKind>(&mut self, cookie: TestCookie<K>) {
        let codec = cookie.codec().clone();
        let line = codec.set_cookie(&cookie.token()).expect("what was sealed is a token");
        self.keep("/", line);
    }

    /// Keeps what the value of a `Set-Cookie` header says: a cookie, or its removal. `path` is the path of
    /// the request that it answers, for a cookie without `Path`. A line that is no cookie changes nothing.
    ///
    /// ```
    /// # use sealed_session::testing::CookieJar;
    /// let mut jar = CookieJar::new();
    /// jar.keep("/", "theme=dark; Path=/");
    /// assert_eq!(jar.header("/settings").as_deref(), Some("theme=dark"));
    /// jar.keep("/", "theme=; Path=/; Max-Age=0");
    /// assert_eq!(jar.header("/settings"), None);
    /// ```
    ///
    /// # Panics
    ///
    /// If name and value are larger together than 4096 bytes, which browsers ignore.
    #[track_caller]
    pub fn keep(&mut self, path: &str, set_cookie: impl AsRef<[u8]>) {
        let Some(cookie) = ReceivedCookie::parse(set_cookie.as_ref()) else { return };
        let size = cookie.name.len() + cookie.value.len();
        assert!(
            size <= MAX_COOKIE_LEN,
            "the cookie `{}` has {size} bytes; browsers keep at most {MAX_COOKIE_LEN}",
            cookie.name
        );
        let now = unix_millis(self.clock.now());
        let until = cookie.keep_until(now);
        let ReceivedCookie { name, value, attributes, .. } = cookie;
        let path = attributes.path.unwrap_or_else(|| folder(path).to_owned());
        let domain = attributes.domain.map(|domain| domain.to_ascii_lowercase());
        let partitioned = attributes.partitioned;
        let new = Kept { name, value, domain, partitioned, path, until };
        let old = self.cookies.iter().position(|old| old.is_replaced_by(&new));
        match old {
            // At its place: cookies are sent in the order in which they were first set.
            Some(old) => self.cookies[old] = new,
            None => self.cookies.push(new),
        }
        self.cookies.retain(|kept| !kept.is_over(now));
    }

    /// The value of the `Cookie` header that a browser sends to this path. `None` without a cookie.
    ///
    /// ```
    /// # use sealed_session::testing::CookieJar;
    /// let mut jar = CookieJar::new();
    /// jar.keep("/", "theme=dark; Path=/");
    /// jar.keep("/", "cart=7; Path=/shop");
    /// assert_eq!(jar.header("/shop/7").as_deref(), Some("cart=7; theme=dark"));
    /// ```
    #[must_use]
    pub fn header(&self, path: &str) -> Option<String> {
        let mut sent: Vec<_> = self.current().filter(|kept| is_under(path, &kept.path)).collect();
        sent.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        let pairs: Vec<_> =
            sent.iter().map(|kept| format!("{}={}", kept.name, kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of the cookie with this name. If several paths have one: of the one that was set first.
    ///
    /// ```
    /// # use sealed_session::testing::CookieJar;
    /// let mut jar = CookieJar::new();
    /// jar.keep("/", "theme=dark; Path=/");
    /// assert_eq!(jar.get("theme"), Some("dark"));
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.current().find(|kept| kept.name == name).map(|kept| kept.value.as_str())
    }

    /// What happens when the browser is closed: it forgets the cookies without `Max-Age` or `Expires`.
    ///
    /// ```
    /// # use sealed_session::testing::CookieJar;
    /// let mut jar = CookieJar::new();
    /// jar.keep("/", "login=7; Path=/");
    /// jar.keep("/", "theme=dark; Path=/; Max-Age=3600");
    /// jar.close_browser();
    /// assert_eq!(jar.header("/").as_deref(), Some("theme=dark"));
    /// ```
    pub fn close_browser(&mut self) {
        self.cookies.retain(|kept| kept.until.is_some());
    }

    fn current(&self) -> impl Iterator<Item = &Kept> {
        let now = unix_millis(self.clock.now());
        self.cookies.iter().filter(move |kept| !kept.is_over(now))
    }
}

impl Default for CookieJar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CookieJar {
    /// The names of the cookies; no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.cookies.iter().map(|kept| &kept.name).collect();
        f.debug_struct("CookieJar").field("names", &names).finish_non_exhaustive()
    }
}

/// The path of a cookie without `Path`: all up to the last `/` (RFC 6265, section 5.1.4).
fn folder(path: &str) -> &str {
    match path.rfind('/') {
        Some(end @ 1..) if path.starts_with('/') => &path[..end],
        _ => "/",
    }
}

/// Whether a cookie with this path is sent to `path` (the same section).
fn is_under(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}
