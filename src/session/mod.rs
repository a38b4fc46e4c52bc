//! `Session<K>`: the handle a handler holds.
//!
//! Each method locks the state for as long as it takes to look or to write, never while the
//! caller's code (a closure, the data's `Serialize`, `Deserialize` or `Drop`) runs, and never across
//! an await. Data that a write replaces is handed out and dropped when the lock is free.

mod dynamic;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use self::state::{Incoming, Outcome};
use self::state::{State, Taken};
use crate::codec::{Codec, Core, Opened, check_timeout};
use crate::cookie_options::CookieOptions;
use crate::error::{ConfigErrorKind, SealErrorKind, SessionError};
use crate::kind::{Dynamic, Json, SessionKind};
use crate::plaintext::serialize_text;

/// The session of one request.
///
/// An axum handler takes it as an argument; elsewhere it is in the request's extensions, where
/// [`SessionLayer`](crate::SessionLayer) puts it. `Session` alone is `Session<Dynamic>`, which holds
/// entries by name.
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
/// Clones are the same session, and may be used from several tasks at once. The cookie is opened
/// when a method first needs it, and written when the response begins: once, and only if something
/// changed. A bad or expired cookie is an empty session.
///
/// # Errors
///
/// A write that would make the cookie larger than a browser keeps is an error in the handler, and
/// what was there before stays. So is a write after the response has begun.
pub struct Session<K: SessionKind = Dynamic> {
    shared: Arc<Shared<K>>,
}

struct Shared<K: SessionKind> {
    codec: Codec<K>,
    incoming: Incoming,
    state: Mutex<State<K>>,
}

impl<K: SessionKind> Session<K> {
    pub(crate) fn new(codec: Codec<K>, incoming: Incoming) -> Self {
        Self { shared: Arc::new(Shared { codec, incoming, state: Mutex::new(State::new()) }) }
    }

    /// The session's data, or `None` if there is no session. A `Dynamic` session always has data.
    ///
    /// Reading counts as activity: when a tenth of the idle timeout is used up, the response carries
    /// the session refreshed.
    #[must_use]
    pub fn data(&self) -> Option<K::Data> {
        let content = self.opened().take();
        Self::read_back(content)
    }

    /// Whether there is no session: no cookie, a bad or expired one, or nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opened().is_empty()
    }

    /// Writes the session's data. Writing what is already there changes nothing, also where a map
    /// has it in another order.
    ///
    /// The session keeps its age; see [`regenerate`](Self::regenerate) for a log-in.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Seal`](crate::SessionErrorKind::Seal) if the data is too large for a cookie,
    /// does not serialise, would not read back, or there is no randomness to seal it with; [`SessionErrorKind::ResponseStarted`](crate::SessionErrorKind::ResponseStarted) if it is too late.
    /// Then what was there before stays.
    pub fn set(&self, data: K::Data) -> Result<(), SessionError> {
        let (json, mut data) = Self::content(&data)?;
        self.opened().write(&self.shared.codec, None, json, &mut data)
    }

    /// Changes the session's data in place, however deep, and returns what the closure returns.
    /// `None` if there is no session; then the closure does not run.
    ///
    /// The closure works on a copy and holds no lock: it may read this session.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Cart { items: Vec<u32> }
    /// # impl sealed_session::SessionKind for Cart { type Data = Self; const NAME: &'static str = "cart"; }
    /// async fn add(cart: Session<Cart>) -> Result<(), SessionError> {
    ///     cart.update(|cart| cart.items.push(7))?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), and [`SessionErrorKind::Conflict`](crate::SessionErrorKind::Conflict) if something else wrote the session
    /// while the closure ran: then that write stays and the closure's is dropped.
    pub fn update<R>(
        &self,
        change: impl FnOnce(&mut K::Data) -> R,
    ) -> Result<Option<R>, SessionError> {
        let (content, revision) = {
            let mut state = self.opened();
            state.check_writable()?;
            (state.take(), state.revision())
        };
        let Some(mut data) = Self::read_back(content) else {
            return Ok(None);
        };
        let result = change(&mut data);
        let (json, mut data) = Self::content(&data)?;
        self.opened().write(&self.shared.codec, Some(revision), json, &mut data)?;
        Ok(Some(result))
    }

    /// Begins a new session in the place of this one: nothing of the old one survives, neither its
    /// data nor its age nor its own idle timeout. Call it when a user logs in, before writing who it
    /// is. (OWASP ASVS 7.2.4.)
    ///
    /// If nothing is written afterwards, the browser's cookie is removed; also if what is to be
    /// written is refused.
    pub fn regenerate(&self) {
        let old = self.opened().regenerate();
        drop(old);
    }

    /// Refreshes the session, as reading does when it is due: its idle timeout begins anew. Does
    /// nothing if there is no session.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Seal`](crate::SessionErrorKind::Seal) if there is no randomness to seal it with,
    /// [`SessionErrorKind::ResponseStarted`](crate::SessionErrorKind::ResponseStarted) if it is too late.
    pub fn touch(&self) -> Result<(), SessionError> {
        self.opened().touch(&self.shared.codec)
    }

    /// Ends the session: the response removes the cookie, if the request has one. Wins over every
    /// other write in this request, before or after it: those are dropped.
    ///
    /// # Security
    ///
    /// A copy of the cookie that someone kept still opens until it expires, as there is no list on
    /// the server to strike it from. Where that matters, keep the timeouts short, or a “not before”
    /// time with the user's record and compare it with [`Opened::created_at`].
    pub fn delete(&self) {
        let old = self.opened().delete();
        drop(old);
    }

    /// Gives this session an idle timeout of its own (“remember me”), in whole seconds; it stays with
    /// the session until [`regenerate`](Self::regenerate). The absolute timeout stays as it is.
    ///
    /// If it is longer than the codec's, the cookie outlives the browser: its `Max-Age` is then the
    /// time until the session ends, here and each time it is written again.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Config`](crate::SessionErrorKind::Config) if it is not between 1 second and 2^31 - 1 seconds in whole
    /// seconds, or longer than the absolute timeout; otherwise as [`touch`](Self::touch).
    pub fn set_idle_timeout(&self, timeout: Duration) -> Result<(), SessionError> {
        let seconds = check_timeout("session's own idle", timeout)?;
        let absolute = self.shared.codec.core().absolute;
        if seconds > absolute {
            let absolute = Duration::from_secs(absolute.into());
            return Err(ConfigErrorKind::IdleBeyondAbsolute { idle: timeout, absolute }.into());
        }
        self.opened().set_own_idle(&self.shared.codec, seconds)
    }

    /// The cookie options that the codec was built with, to change for this response.
    pub fn cookie_options(&self) -> CookieOptions {
        self.shared.codec.core().cookie_options.clone()
    }

    /// Sets the cookie's attributes for this response only. Alone it writes no cookie.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::{Session, SessionError};
    /// # async fn handler(session: Session) -> Result<(), SessionError> {
    /// let a_day = Duration::from_secs(24 * 60 * 60);
    /// session.set_cookie_options(session.cookie_options().max_age(a_day))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Config`](crate::SessionErrorKind::Config) if a browser would refuse them, or they would rename the cookie;
    /// [`SessionErrorKind::ResponseStarted`](crate::SessionErrorKind::ResponseStarted) if it is too late.
    pub fn set_cookie_options(&self, options: CookieOptions) -> Result<(), SessionError> {
        let cookie = options.prepare(K::NAME).map_err(|error| error.kind().clone())?;
        let name = self.shared.codec.cookie_name();
        if cookie.name() != name {
            let to = cookie.name().to_owned();
            return Err(ConfigErrorKind::Renamed { from: name.to_owned(), to }.into());
        }
        let mut state = self.lock();
        state.check_writable()?;
        state.set_cookie(cookie);
        Ok(())
    }

    /// What the seal of the cookie that came with this request vouches for: when the session was
    /// created, refreshed, when it expires, and which key opened it. `None` if no cookie opened, or
    /// since the session was regenerated or deleted.
    #[must_use]
    pub fn info(&self) -> Option<Opened<()>> {
        self.opened().info()
    }

    /// What the response has to carry; from now on nothing can be written.
    pub(crate) fn finish(&self) -> Outcome {
        let Shared { codec, incoming, .. } = &*self.shared;
        let mut state = self.lock();
        // While there is more than one key, every session is looked at, so that a rotation ends by
        // itself.
        if state.is_untouched() && incoming.is_some() && codec.core().is_rotating() {
            state = self.open(state);
        }
        state.finish(codec, incoming)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        self.shared.codec.core()
    }

    /// From now on nothing can be written: there is or will be no response to carry it.
    pub(crate) fn close(&self) {
        self.lock().close();
    }

    /// The state, whatever a thread that panicked has left of it: no method leaves it half-written.
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with the request's cookie opened, on the handler's behalf.
    fn opened(&self) -> MutexGuard<'_, State<K>> {
        let mut state = self.open(self.lock());
        state.note_read();
        state
    }

    /// Opens the cookie, if nobody has yet. The lock is given back meanwhile, as the data's own
    /// `Deserialize` runs; if two do it at once, the first to end counts.
    fn open<'s>(&'s self, state: MutexGuard<'s, State<K>>) -> MutexGuard<'s, State<K>> {
        if state.is_opened() {
            return state;
        }
        drop(state);
        let Shared { codec, incoming, .. } = &*self.shared;
        let opening = codec.open_headers(incoming.values());
        let mut state = self.lock();
        if state.is_opened() {
            drop(state);
            drop(opening);
            return self.lock();
        }
        state.install(codec, opening);
        state
    }

    /// The data to hand out: what opening has parsed, or else the JSON parsed anew.
    fn read_back(content: Taken<K>) -> Option<K::Data> {
        match content {
            Taken::Nothing => None,
            Taken::Data(data) => Some(data),
            Taken::Json(json) => K::parse(&mut json.into()).ok(),
        }
        .or_else(K::empty)
    }

    /// What to write for `data`: its JSON, and what that reads back as. Nothing for empty data.
    fn content(data: &K::Data) -> Result<(Option<Json>, Option<K::Data>), SessionError> {
        if K::is_empty(data) {
            return Ok((None, None));
        }
        let json = serialize_text(data).map_err(|error| SealErrorKind::from(&error))?;
        let mut json = Json::new(json);
        let data = K::parse(&mut json).map_err(|_| SealErrorKind::NotReadable)?;
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
