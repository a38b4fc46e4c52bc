//! `Session<K>`: the handle that handlers use.
//!
//! Each method locks the state only while it reads or writes it: never while the caller's code runs
//! (a closure, the data's `Serialize`, `Deserialize` or `Drop`), and never across an await. Data that
//! a write replaces is returned, and dropped after the lock is released.

mod caching;
mod conflict;
mod dynamic;
#[cfg(feature = "revocation")]
mod ending;
mod flash;
mod incoming;
mod refresh;
mod request;
mod response;
mod several;
mod state;

use std::borrow::Borrow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use self::caching::Sharing;
#[cfg(feature = "tower")]
pub(crate) use self::conflict::LayerConflict;
#[cfg(feature = "revocation")]
pub(crate) use self::ending::Survivor;
use self::incoming::Incoming;
pub(crate) use self::incoming::Written;
use self::refresh::Circumstances;
pub use self::request::RequestHead;
pub(crate) use self::request::{CookieLines, Head};
#[cfg(feature = "tower")]
pub(crate) use self::request::{SEC_FETCH_MODE, SEC_PURPOSE, is_navigation, is_prefetch};
use self::response::Outcome;
pub use self::response::{HeaderChange, HeaderChanges, Headers, ResponseHead};
pub use self::several::Sessions;
use self::state::{Basis, Deed, Event, Opened, Snapshot, State, Write};
use crate::codec::{Codec, CodecInner, TokenInfo, check_timeout};
use crate::cookies::CookieOptions;
use crate::error::{
    ConfigErrorKind, DecodeErrorKind, EncodeErrorKind, SessionError, SessionErrorKind,
};
use crate::events::CodecEventKind;
use crate::kind::{self, Dynamic, SessionKind};
use crate::logging;
use crate::plaintext::{Json, serialize_text};
use crate::session_id::SessionId;
use crate::sync::{Mutex, MutexGuard};

/// The session of one request.
///
/// | I want to … | method |
/// |---|---|
/// | read the data, or one entry | [`data`](Self::data), [`get`](Session::get) |
/// | read it, but not keep the session alive | [`peek_data`](Self::peek_data), [`peek`](Session::peek) |
/// | write the data, or one entry | [`set`](Self::set), [`insert`](Session::insert) |
/// | change the data in place | [`update`](Self::update) |
/// | the same, and begin a session | [`update_or_default`](Self::update_or_default) |
/// | remove one entry | [`remove`](Session::remove), [`take`](Session::take) |
/// | log a user in | [`regenerate`](Self::regenerate), then [`set`](Self::set) |
/// | log a user in and keep something | [`regenerate_with`](Self::regenerate_with), [`regenerate_keeping`](Session::regenerate_keeping) |
/// | “remember me” | [`remember`](Self::remember) |
/// | log a user out of this browser | [`delete`](Self::delete) |
/// | log a user out, also where the cookie was copied to | `end`, with the feature `revocation` |
/// | leave a message for the next page | [`flash`](Self::flash), [`take_flash`](Self::take_flash) |
/// | keep the session alive | [`touch`](Self::touch) |
/// | know whether there is a session | [`is_empty`](Self::is_empty) |
/// | know why there is none | [`refused`](Self::refused) |
/// | know its age and its expiry | [`info`](Self::info) |
/// | name it in a log | [`id`](Self::id) |
/// | change the cookie's attributes once | [`set_cookie_options`](Self::set_cookie_options) |
///
/// An axum handler takes it as an argument. Elsewhere it is in the request's extensions, where
/// [`SessionLayer`](crate::SessionLayer) puts it. `Session` alone means `Session<Dynamic>`, which
/// holds entries by name.
///
/// ```
/// # use sealed_session::{Session, SessionError};
/// async fn visits(session: Session) -> Result<String, SessionError> {
///     let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
///     session.insert("visits", visits)?;
///     Ok(visits.to_string())
/// }
/// ```
///
/// All clones refer to the same session, and several tasks may use them at once. The cookie is opened
/// when a method first needs it. It is written once, when the response begins, and only if something
/// has changed. A bad or expired cookie is an empty session.
///
/// # Errors
///
/// A write that would make the cookie larger than a browser stores is an error in the handler, and
/// the session is unchanged. So is a write after the response has begun.
pub struct Session<K: SessionKind = Dynamic> {
    shared: Arc<Shared<K>>,
}

struct Shared<K: SessionKind, L: ?Sized = dyn CookieLines> {
    codec: Codec<K>,
    /// A handler has used the session in a way that counts as activity.
    active: AtomicBool,
    state: Mutex<State<K>>,
    /// The last field, because its size differs between frameworks.
    incoming: Incoming<L>,
}

/// The outcome of [`Session::update`].
///
/// ```
/// # use sealed_session::{Session, SessionError, SessionKind, Updated};
/// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
/// # struct Login { theme: String }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// fn darken(session: &Session<Login>) -> Result<&'static str, SessionError> {
///     Ok(match session.update(|login| login.theme = "dark".to_owned())? {
///         Updated::Done(()) => "changed",
///         Updated::NoSession => "log in first",
///     })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "without a session the closure did not run; `update_or_default` begins one"]
pub enum Updated<R> {
    /// The session was changed. This is the closure's result.
    Done(R),
    /// There is no session, so the closure did not run.
    NoSession,
}

impl<R> Updated<R> {
    /// The closure's result, or `None` if it did not run.
    ///
    /// ```
    /// # use sealed_session::Updated;
    /// assert_eq!(Updated::Done(7).done(), Some(7));
    /// assert_eq!(Updated::<u32>::NoSession.done(), None);
    /// ```
    #[must_use]
    pub fn done(self) -> Option<R> {
        match self {
            Self::Done(result) => Some(result),
            Self::NoSession => None,
        }
    }

    /// Whether the session was changed.
    ///
    /// ```
    /// # use sealed_session::Updated;
    /// assert!(Updated::Done(()).is_done());
    /// ```
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl<K: SessionKind> Session<K> {
    /// The session of a request, for an [adapter](crate::adapter) or a test of a handler. Behind
    /// [`SessionLayer`](crate::SessionLayer) a request has one already.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, Session};
    /// use sealed_session::adapter::RequestHead;
    ///
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let session = Session::new(codec, RequestHead::new("GET"));
    /// session.insert("visits", 1)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(codec: Codec<K>, request: RequestHead) -> Self {
        Self::begin(codec, request.0)
    }

    /// The same, with the cookies in a framework's own form.
    pub(crate) fn begin<L: CookieLines>(codec: Codec<K>, head: Head<L>) -> Self {
        let incoming = Incoming::new(head, codec.inner());
        let (active, state) = (AtomicBool::new(false), Mutex::new(State::new()));
        Self { shared: Arc::new(Shared { codec, active, state, incoming }) }
    }

    /// The session's data, or `None` if there is no session. A `Dynamic` session always has data.
    ///
    /// Reading counts as activity: if a tenth of the idle timeout has passed, the response refreshes
    /// the session. [`peek_data`](Self::peek_data) does not count.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn home(session: Session<Login>) -> String {
    ///     match session.data() {
    ///         Some(login) => format!("Hello, user {}", login.user_id),
    ///         None => "Please log in.".to_owned(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn data(&self) -> Option<K::Data> {
        let data = self.peek_data();
        if data.is_some() {
            self.note_read();
        }
        data
    }

    /// Like [`data`](Self::data), but it does not count as activity: for requests that the user did
    /// not cause, such as those of a page that polls, and for a metrics layer.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn unread_messages(session: Session<Login>) -> String {
    ///     match session.peek_data() {
    ///         Some(login) => format!("messages of user {}", login.user_id),
    ///         None => "nobody is logged in".to_owned(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn peek_data(&self) -> Option<K::Data> {
        let content = {
            let mut state = self.opened();
            if state.is_unavailable() {
                return None;
            }
            state.take()
        };
        Self::read_back(content)
    }

    /// Whether there is no session: no cookie, a bad or expired one, or one without content. A session
    /// that [cannot be judged](DecodeErrorKind::Unavailable) is not empty. This does not count as
    /// activity.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// async fn greeting(session: Session) -> &'static str {
    ///     if session.is_empty() { "Welcome" } else { "Welcome back" }
    /// }
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let state = self.opened();
        state.is_empty() && !state.is_unavailable()
    }

    /// Why the cookie of this request was refused: it has expired, no key opens it, and so on. `None`
    /// if there was no cookie, or if one opened. This does not count as activity.
    ///
    /// ```
    /// # use sealed_session::{DecodeErrorKind, Session};
    /// async fn log_in_page(session: Session) -> &'static str {
    ///     match session.refused() {
    ///         Some(DecodeErrorKind::Expired) => "Your session has expired. Log in again.",
    ///         _ => "Log in.",
    ///     }
    /// }
    /// ```
    ///
    /// # Security
    ///
    /// Tell the user at most that the session has expired. The other reasons are for logs.
    #[must_use]
    pub fn refused(&self) -> Option<DecodeErrorKind> {
        self.opened().refused()
    }

    /// Writes the session's data. Writing the same data again changes nothing, even if a map has
    /// another order; it counts as activity.
    ///
    /// The session keeps its age. For a log-in, call [`regenerate`](Self::regenerate) first.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn log_in(session: Session<Login>) -> Result<(), SessionError> {
    ///     session.regenerate();
    ///     session.set(Login { user_id: 7 })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Encode`] if the data is too large for a cookie, could not be serialized,
    /// could not be deserialized again, or there is no randomness to seal it with;
    /// [`SessionErrorKind::CookieHeaderTooLarge`] if all cookies of the request together would be too
    /// large; [`SessionErrorKind::Deleted`] if the session was deleted in this request;
    /// [`SessionErrorKind::ResponseStarted`] if the response has begun. In each case the session is
    /// unchanged.
    pub fn set(&self, data: impl Borrow<K::Data>) -> Result<(), SessionError> {
        self.write(Basis::Nothing, data.borrow())
    }

    /// Changes the session's data in place. Without a session the closure does not run;
    /// [`update_or_default`](Self::update_or_default) begins one.
    ///
    /// The closure works on a copy and holds no lock, so it may read this session.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind, Updated};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { theme: String }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn dark(login: Session<Login>) -> Result<&'static str, SessionError> {
    ///     Ok(match login.update(|login| login.theme = "dark".to_owned())? {
    ///         Updated::Done(()) => "changed",
    ///         Updated::NoSession => "log in first",
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), and [`SessionErrorKind::Conflict`] if something else wrote the session
    /// while the closure ran. Then that write is kept and the closure's is dropped.
    pub fn update<R>(
        &self,
        change: impl FnOnce(&mut K::Data) -> R,
    ) -> Result<Updated<R>, SessionError> {
        self.change(None::<fn() -> K::Data>, change)
    }

    /// Like [`update`](Self::update), but without a session it begins one with the data that `begin`
    /// returns.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Cart { currency: String, items: Vec<u32> }
    /// # impl Cart {
    /// #     fn new(currency: &str) -> Self { Self { currency: currency.into(), items: vec![] } }
    /// # }
    /// # impl SessionKind for Cart { type Data = Self; const NAME: &'static str = "cart"; }
    /// async fn add(cart: Session<Cart>) -> Result<(), SessionError> {
    ///     cart.update_or_insert_with(|| Cart::new("EUR"), |cart| cart.items.push(7))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub fn update_or_insert_with<R>(
        &self,
        begin: impl FnOnce() -> K::Data,
        change: impl FnOnce(&mut K::Data) -> R,
    ) -> Result<R, SessionError> {
        let updated = self.change(Some(begin), change)?;
        updated.done().ok_or_else(|| SessionErrorKind::NoSession.into())
    }

    /// Like [`update`](Self::update), but without a session it begins one with default data: for
    /// example for a cart that begins at the first visit.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone, Default)]
    /// # struct Cart { items: Vec<u32> }
    /// # impl SessionKind for Cart { type Data = Self; const NAME: &'static str = "cart"; }
    /// async fn add(cart: Session<Cart>) -> Result<String, SessionError> {
    ///     let count = cart.update_or_default(|cart| {
    ///         cart.items.push(7);
    ///         cart.items.len()
    ///     })?;
    ///     Ok(format!("{count} items"))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub fn update_or_default<R>(
        &self,
        change: impl FnOnce(&mut K::Data) -> R,
    ) -> Result<R, SessionError>
    where
        K::Data: Default,
    {
        self.update_or_insert_with(K::Data::default, change)
    }

    /// Takes the data out of the session and ends it: its cookie is removed, and a later write begins
    /// a new session. `None` if there was no session.
    ///
    /// If several tasks take it, only one gets the data.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Cart { items: Vec<u32> }
    /// # impl SessionKind for Cart { type Data = Self; const NAME: &'static str = "cart"; }
    /// async fn order(cart: Session<Cart>) -> Result<String, SessionError> {
    ///     let items = cart.take_data()?.map_or(0, |cart| cart.items.len());
    ///     Ok(format!("{items} items ordered"))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::ResponseStarted`] if the response has begun; then the data is still there.
    pub fn take_data(&self) -> Result<Option<K::Data>, SessionError> {
        loop {
            let (content, revision) = {
                let mut state = self.opened();
                state.check_writable()?;
                (state.take(), state.revision())
            };
            let data = match content {
                Snapshot::Nothing => None,
                content => Self::read_back(content),
            };
            let Some(data) = data else { return Ok(None) };
            let old = {
                let mut state = self.opened();
                (state.revision() == revision).then(|| state.regenerate())
            };
            // If another task was faster, take what it left.
            if let Some(old) = old {
                drop(old?);
                self.shared.incoming.note_written(self.core(), 0);
                return Ok(Some(data));
            }
        }
    }

    /// Begins a new session in place of this one. Nothing of the old one survives: neither its data
    /// nor its id, its age or its own idle timeout. Call it when a user logs in, before you write who
    /// the user is. (OWASP ASVS 5.0, 7.2.4.)
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn log_in(session: Session<Login>) -> Result<(), SessionError> {
    ///     session.regenerate();
    ///     session.set(Login { user_id: 7 })
    /// }
    /// ```
    ///
    /// If nothing is written afterwards, or the write is an error, the browser's cookie is removed.
    /// After [`delete`](Self::delete) it begins a new session, which may be written.
    pub fn regenerate(&self) {
        self.give_up("regenerate", State::regenerate);
    }

    /// Begins a new session with data that is made from that of the old one: for a log-in that keeps a
    /// shopping cart. As after [`regenerate`](Self::regenerate), nothing else of the old session survives. For
    /// named entries, [`regenerate_keeping`](Session::regenerate_keeping) is shorter.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone, Default)]
    /// # struct Visit { user_id: Option<u64>, cart: Vec<u32> }
    /// # impl SessionKind for Visit { type Data = Self; const NAME: &'static str = "visit"; }
    /// async fn log_in(session: Session<Visit>) -> Result<(), SessionError> {
    ///     session.regenerate_with(|old| Visit {
    ///         user_id: Some(7),
    ///         cart: old.map(|visit| visit.cart).unwrap_or_default(),
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update); then the old session is unchanged.
    ///
    /// # Security
    ///
    /// What the old session holds may be somebody else's, who has planted its cookie: keep only what does no
    /// harm, and nothing that decides what the user may do.
    pub fn regenerate_with(
        &self,
        begin: impl FnOnce(Option<K::Data>) -> K::Data,
    ) -> Result<(), SessionError> {
        let (content, revision) = {
            let mut state = self.opened();
            state.check_writable()?;
            (state.take(), state.revision())
        };
        let data = begin(Self::read_back(content));
        self.write_with(Basis::Revision(revision), &data, State::begin_with)
    }

    /// Refreshes the session, so that its idle timeout begins again. It does nothing if there is no
    /// session.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// /// The page calls this while its user types.
    /// async fn keep_alive(session: Session) -> Result<(), SessionError> {
    ///     session.touch()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Encode`] if there is no randomness to seal it with,
    /// [`SessionErrorKind::ResponseStarted`] if the response has begun.
    pub fn touch(&self) -> Result<(), SessionError> {
        let core = self.core();
        let now = core.coarse_now();
        self.opened().touch(core, now)
    }

    /// Ends the session in this browser: the response removes the cookie, if the request has one.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// async fn log_out(session: Session) {
    ///     session.delete();
    /// }
    /// ```
    ///
    /// A later call in this request begins a new session or is an error.
    /// [`regenerate`](Self::regenerate) begins one, which may be written. An `insert` into a dynamic
    /// session also begins one, with that entry alone. A [`set`](Self::set) is
    /// [`SessionErrorKind::Deleted`], because it could bring the old data back, and an
    /// [`update`](Self::update) that began earlier is [`SessionErrorKind::Conflict`]. If a new session
    /// is written, the response sets its cookie instead of removing the old one.
    ///
    /// # Security
    ///
    /// A copy of the cookie still opens until it expires. For a log-out, use `end`, with the feature
    /// `revocation`: see [the guide](crate::guide::ending_sessions).
    pub fn delete(&self) {
        self.give_up("delete", State::delete);
    }

    /// “Remember me”: gives this session the idle timeout that
    /// [`CodecBuilder::remember_timeout`](crate::CodecBuilder::remember_timeout) sets, and its cookie
    /// outlives the browser. The session keeps it until [`regenerate`](Self::regenerate). Call it
    /// before or after the session's data is written.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// fn log_in(session: &Session<Login>, remember: bool) -> Result<(), SessionError> {
    ///     session.regenerate();
    ///     session.set(Login { user_id: 7 })?;
    ///     if remember {
    ///         session.remember()?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Config`] if the codec was built without a remember timeout; otherwise as
    /// [`touch`](Self::touch).
    pub fn remember(&self) -> Result<(), SessionError> {
        let core = self.core();
        let seconds = core.settings.remember.ok_or(ConfigErrorKind::NoRememberTimeout)?;
        let now = core.coarse_now();
        self.opened().set_own_idle(core, now, seconds)
    }

    /// Gives this session a separate idle timeout, in whole seconds. The session keeps it until
    /// [`regenerate`](Self::regenerate). The absolute timeout does not change. For “remember me”, use
    /// [`remember`](Self::remember), whose timeout is checked when the codec is built.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Session, SessionError};
    /// async fn shared_computer(session: Session) -> Result<(), SessionError> {
    ///     session.insert("shared", true)?;
    ///     session.set_idle_timeout(Duration::from_secs(5 * 60))
    /// }
    /// ```
    ///
    /// If it is longer than the codec's, the cookie outlives the browser: whenever it is written, its
    /// `Max-Age` is the time until the session ends.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Config`] if it is not between 1 second and 2^31 - 1 seconds in whole
    /// seconds, or longer than the absolute timeout; [`SessionErrorKind::NoSession`] if there is no
    /// session; otherwise as [`touch`](Self::touch).
    pub fn set_idle_timeout(&self, timeout: Duration) -> Result<(), SessionError> {
        let seconds = check_timeout("session's own idle", timeout)?;
        let core = self.core();
        let absolute = core.settings.absolute;
        if seconds > absolute {
            let absolute = Duration::from_secs(absolute.into());
            return Err(ConfigErrorKind::IdleBeyondAbsolute { idle: timeout, absolute }.into());
        }
        let now = core.coarse_now();
        let mut state = self.opened();
        state.check_writable()?;
        if state.is_empty() {
            return Err(SessionErrorKind::NoSession.into());
        }
        state.set_own_idle(core, now, seconds)
    }

    /// The cookie options that the codec was built with. Change them for this response with
    /// [`set_cookie_options`](Self::set_cookie_options).
    ///
    /// ```
    /// # use sealed_session::{SameSite, Session};
    /// # fn handler(session: &Session) {
    /// let options = session.cookie_options().same_site(SameSite::Strict);
    /// # }
    /// ```
    pub fn cookie_options(&self) -> CookieOptions {
        self.shared.codec.inner().cookie_options.clone()
    }

    /// Sets the cookie's attributes for this response only. It does not write a cookie by itself. The
    /// next time that the session is written, the codec's options apply again.
    ///
    /// ```
    /// # use sealed_session::{SameSite, Session, SessionError};
    /// # async fn handler(session: Session) -> Result<(), SessionError> {
    /// let options = session.cookie_options().same_site(SameSite::Strict);
    /// session.set_cookie_options(options)?;
    /// # Ok(()) }
    /// ```
    ///
    /// For a cookie that outlives the browser, use [`remember`](Self::remember).
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Config`] if a browser would refuse them, or if they change the name,
    /// `Path`, `Domain` or `Partitioned`, which would create a second cookie beside the first;
    /// [`SessionErrorKind::ResponseStarted`] if the response has begun.
    pub fn set_cookie_options(&self, options: CookieOptions) -> Result<(), SessionError> {
        let cookie = options.prepare(K::NAME).map_err(|error| error.kind().clone())?;
        let core = self.core();
        let name = core.cookie.name();
        if cookie.name() != name {
            let to = cookie.name().to_owned();
            return Err(ConfigErrorKind::Renamed { from: name.to_owned(), to }.into());
        }
        if let Some(attribute) = options.moved_from(&core.cookie_options) {
            return Err(ConfigErrorKind::Moved { attribute }.into());
        }
        let mut state = self.lock();
        state.check_writable()?;
        state.set_cookie(cookie);
        Ok(())
    }

    /// The authenticated metadata of the cookie that came with this request: when the session was
    /// created and refreshed, when it expires, and which key opened it. `None` if no cookie opened, or
    /// after the session was regenerated or deleted. This does not count as activity.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// async fn expiry(session: Session) -> String {
    ///     match session.info() {
    ///         Some(info) => format!("expires at {:?}", info.expires_at),
    ///         None => "no session".to_owned(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn info(&self) -> Option<TokenInfo> {
        let info = self.opened().info();
        #[cfg(feature = "revocation")]
        let info = self.with_tags(info);
        info
    }

    /// The session's public name, for logs and lists. It stays the same until the session is
    /// regenerated. `None` for a session that begins in this request until something is written to
    /// it, and for cookies in the format of `@fastify/secure-session`. This does not count as
    /// activity.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// # fn handler(session: &Session) {
    /// if let Some(id) = session.id() {
    ///     println!("order placed in session {id}");
    /// }
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// It is neither a secret nor a credential.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.opened().id()
    }

    /// What the session changes in the headers of its response, for an [adapter](crate::adapter). From now on
    /// nothing can be written.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, Session};
    /// use sealed_session::adapter::{HeaderChange, RequestHead, ResponseHead};
    ///
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let session = Session::new(codec, RequestHead::new("GET"));
    /// session.insert("visits", 1)?;
    ///
    /// let headers = [("content-type", "text/html")];
    /// for change in session.finish(ResponseHead::new(200, &headers)) {
    ///     match change {
    ///         HeaderChange::Append { name, .. } => println!("+ {name}"), // + set-cookie, + vary
    ///         HeaderChange::Set { name, .. } => println!("= {name}"), // = cache-control
    ///         HeaderChange::Remove { name } => println!("- {name}"),
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish(&self, response: ResponseHead<'_>) -> HeaderChanges {
        self.changes(response).unwrap_or_default()
    }

    /// The same; `None` if it changes nothing, as for most requests.
    pub(crate) fn changes(&self, response: ResponseHead<'_>) -> Option<HeaderChanges> {
        let Shared { codec, incoming, active, .. } = &*self.shared;
        let core = codec.inner();
        let active = active.load(Ordering::Relaxed);
        let settled = {
            // While there is an older key, every session is opened, so that a rotation ends by itself.
            let mut state = self.lock();
            let rotating = incoming.has_cookies() && core.is_rotating(incoming.arrival);
            let settled = !(state.is_untouched() && rotating) && state.is_settled(incoming, active);
            if settled && !state.flash.as_ref().is_some_and(|flash| flash.is_changed()) {
                if !state.finish_settled() {
                    return None;
                }
                drop(state);
                return Some(HeaderChanges::vary(response));
            }
            settled
        };
        // Only read if something may have to be sealed, and without the lock.
        let now = core.now();
        let mut deed = None;
        if !settled {
            drop(self.open(self.lock(), false));
        }
        #[cfg(feature = "revocation")]
        let ended = !settled && self.was_ended();
        #[cfg(not(feature = "revocation"))]
        let ended = false;
        let circumstances = Circumstances { response, now, active, ended };
        let (mut outcome, event) = if settled {
            let vary = self.lock().finish_settled();
            (Outcome { vary, ..Outcome::default() }, None)
        } else {
            self.lock().finish(core, incoming, &circumstances, &mut deed)
        };
        let flash = self.lock().finish_flash(core, &circumstances);
        outcome.flash = flash.unwrap_or_else(|lost| {
            logging::messages_lost(core.cookie.name(), &lost);
            None
        });
        outcome.vary |= outcome.sets_cookie();
        #[cfg(feature = "registry")]
        if outcome.set_cookie.is_some() && !ended && !self.lock().is_empty() {
            self.tell_refreshed(now);
        }
        let cookie = core.cookie.name();
        match event {
            None => {}
            Some(Event::NotSent) => logging::not_sent(cookie, response.status),
            Some(Event::NotSealed(reason)) => {
                logging::not_sealed(cookie, &reason);
                core.tell_if_too_large(&reason);
            }
            Some(Event::Postponed(why)) => logging::postponed(cookie, why),
            Some(Event::Withheld) => logging::withheld(cookie),
        }
        if let Some(Deed { kind, session }) = deed {
            core.tell(kind, session);
        }
        if outcome.sets_cookie() && response.sharing(now) == Sharing::Chosen {
            logging::made_private(cookie);
        }
        Some(outcome.changes(response))
    }

    /// What the request's sessions have written, if this one knows it. `written` tells it.
    pub(crate) fn join(&self, written: Option<&Arc<Written>>) -> Option<&Arc<Written>> {
        let incoming = &self.shared.incoming;
        match written {
            Some(written) => Some(incoming.join(self.core(), written)),
            None => incoming.written(),
        }
    }

    pub(crate) fn core(&self) -> &Arc<CodecInner> {
        self.shared.codec.inner()
    }

    /// From now on nothing can be written, because no response can carry it: for an
    /// [adapter](crate::adapter) whose request is dropped or fails without a response.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, Session};
    /// # use sealed_session::adapter::RequestHead;
    /// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let session = Session::new(codec, RequestHead::new("GET"));
    /// session.close();
    /// assert!(session.insert("visits", 1).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.lock().close();
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handler reads the session's data.
    fn note_read(&self) {
        if self.core().settings.refresh_on_read {
            self.note_write();
        }
    }

    /// A handler writes the session, possibly without changing it.
    fn note_write(&self) {
        self.shared.active.store(true, Ordering::Relaxed);
    }

    /// The state with the cookie opened, for a handler that uses the session.
    fn opened(&self) -> MutexGuard<'_, State<K>> {
        let mut state = self.open(self.lock(), true);
        state.note_read();
        state
    }

    /// The same. An error if it is not known whether the session was ended.
    fn available(&self) -> Result<MutexGuard<'_, State<K>>, SessionError> {
        let state = self.opened();
        state.check_available()?;
        Ok(state)
    }

    /// Opens the cookie, if it has not been opened yet. `wanted` says whether a handler asked for it.
    /// The lock is released meanwhile, because foreign code runs: the data's `Deserialize`, the clock
    /// and the log's subscriber. If two tasks do this at once, the result of the first one is used.
    fn open<'s>(
        &'s self,
        state: MutexGuard<'s, State<K>>,
        wanted: bool,
    ) -> MutexGuard<'s, State<K>> {
        if state.is_opened() {
            return state;
        }
        drop(state);
        let Shared { codec, incoming, .. } = &*self.shared;
        let core = codec.inner();
        let opening = codec.open_headers(incoming.values());
        let is_missing =
            matches!(&opening, Err((refusal, _)) if refusal.kind == DecodeErrorKind::Missing);
        if is_missing && wanted {
            logging::absent(codec.cookie_name());
        }
        let opened = opening.map(|(data, verified)| {
            let empty = K::is_empty(&data);
            Opened { data, empty, verified }
        });
        let mut state = self.lock();
        if state.is_opened() {
            drop(state);
            drop(opened);
            return self.lock();
        }
        // What is told comes after, so that whoever hears it and uses the session does not open it again.
        match opened {
            Ok(opened) => {
                let validity = opened.verified.validity;
                state.install(Ok(opened));
                if !validity.has_older_key() && !core.events.is_heard() {
                    return state;
                }
                drop(state);
                core.tell_opened(&validity);
            }
            Err((refusal, length)) => {
                state.install(Err(&refusal));
                if is_missing {
                    return state;
                }
                drop(state);
                core.tell_refused(&refusal, Some(length));
            }
        }
        self.lock()
    }

    /// Ends the current session. The caller returns nothing, so an error is logged.
    fn give_up(
        &self,
        method: &'static str,
        give_up: impl FnOnce(&mut State<K>) -> Result<Option<K::Data>, SessionError>,
    ) {
        let result = give_up(&mut self.opened());
        self.shared.incoming.note_written(self.core(), 0);
        // Without the lock, because dropping the data and logging run foreign code.
        match result {
            Ok(old) => drop(old),
            Err(error) => {
                let cookie = self.core().cookie.name();
                match error.kind() {
                    SessionErrorKind::Unavailable => logging::not_judged(cookie, method),
                    _ => logging::too_late(cookie, method),
                }
            }
        }
    }

    /// Changes the data, or the result of `begin` if there is none.
    fn change<R>(
        &self,
        begin: Option<impl FnOnce() -> K::Data>,
        change: impl FnOnce(&mut K::Data) -> R,
    ) -> Result<Updated<R>, SessionError> {
        let (content, revision) = {
            let mut state = self.opened();
            state.check_writable()?;
            // Where a session has data before anything is written, the change begins with that.
            if state.is_deleted() && begin.is_some() && K::empty().is_none() {
                return Err(SessionErrorKind::Deleted.into());
            }
            (state.take(), state.revision())
        };
        let Some(mut data) = Self::read_back(content).or_else(|| begin.map(|begin| begin())) else {
            return Ok(Updated::NoSession);
        };
        let result = change(&mut data);
        self.write(Basis::Revision(revision), &data)?;
        Ok(Updated::Done(result))
    }

    /// Serializes the data and writes it.
    fn write(&self, basis: Basis, data: &K::Data) -> Result<(), SessionError> {
        self.write_with(basis, data, State::write)
    }

    fn write_with<T>(
        &self,
        basis: Basis,
        data: &K::Data,
        write_to: impl FnOnce(
            &mut State<K>,
            &CodecInner,
            &Incoming,
            u64,
            &mut Write<K>,
        ) -> Result<T, SessionError>,
    ) -> Result<(), SessionError> {
        #[cfg(feature = "revocation")]
        let tags = self.tags_for_write(data);
        let (json, data) = Self::content(data)?;
        let mut write = Write {
            basis,
            json,
            data,
            #[cfg(feature = "revocation")]
            tags,
        };
        let core = self.core();
        let now = core.coarse_now();
        let incoming = &self.shared.incoming;
        let written = write_to(&mut self.opened(), core, incoming, now, &mut write);
        // What it returns is dropped without the lock.
        drop(self.tell_if_too_large(written)?);
        self.note_write();
        Ok(())
    }

    /// Tells of a write that was refused because it is too large.
    fn tell_if_too_large<T>(&self, written: Result<T, SessionError>) -> Result<T, SessionError> {
        written.inspect_err(|error| match error.kind() {
            SessionErrorKind::Encode(error) => self.core().tell_if_too_large(error),
            SessionErrorKind::CookieHeaderTooLarge { size, limit, .. } => {
                let (size, limit) = (*size, *limit);
                self.core().tell(CodecEventKind::TooLarge { size, limit }, None);
            }
            _ => {}
        })
    }

    /// The data for a caller: the data that was parsed when the cookie was opened, or the JSON parsed
    /// again.
    fn read_back(content: Snapshot<K>) -> Option<K::Data> {
        match content {
            Snapshot::Nothing => None,
            Snapshot::Data(data) => Some(data),
            Snapshot::Json(json) => kind::parse::<K>(&mut json.into()).ok(),
        }
        .or_else(K::empty)
    }

    /// What to write for `data`: its JSON, and the data deserialized from it again. Nothing if the
    /// data is empty.
    fn content(data: &K::Data) -> Result<(Option<Json>, Option<K::Data>), SessionError> {
        if K::is_empty(data) {
            return Ok((None, None));
        }
        let json = serialize_text(data).map_err(|error| EncodeErrorKind::serialize(&error))?;
        let mut json = Json::new(json);
        let data = kind::parse::<K>(&mut json).map_err(|_| EncodeErrorKind::NotReadable)?;
        Ok((Some(json), Some(data)))
    }
}

impl<K: SessionKind> Clone for Session<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: SessionKind> fmt::Debug for Session<K> {
    /// The cookie's name; nothing of the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("cookie_name", &self.shared.codec.cookie_name())
            .finish_non_exhaustive()
    }
}
