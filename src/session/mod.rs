//! `Session<K>`: the handle a handler holds.
//!
//! Each method locks the state for as long as it takes to look or to write, never while the
//! caller's code (a closure, the data's `Serialize`, `Deserialize` or `Drop`) runs, and never across
//! an await. Data that a write replaces is handed out and dropped when the lock is free.

mod dynamic;
mod response;
mod state;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub(crate) use self::response::{Outcome, Reply};
use self::state::{Basis, Circumstances, Event, Opened, Snapshot, State};
pub(crate) use self::state::{Incoming, Written};
use crate::codec::{Codec, CodecInner, TokenInfo, check_timeout};
use crate::cookies::CookieOptions;
use crate::error::{
    ConfigErrorKind, DecodeErrorKind, EncodeErrorKind, SessionError, SessionErrorKind,
};
use crate::kind::{self, Dynamic, SessionKind};
use crate::logging;
use crate::plaintext::{Json, serialize_text};
use crate::session_id::SessionId;
use crate::sync::{Mutex, MutexGuard};

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
    /// A handler has used the session in a way that counts as activity.
    active: AtomicBool,
    state: Mutex<State<K>>,
}

/// What became of [`Session::update`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "without a session the closure did not run; `update_or_default` begins one"]
pub enum Updated<R> {
    /// The session was changed; this is what the closure returned.
    Done(R),
    /// There is no session, so the closure did not run.
    NoSession,
}

impl<R> Updated<R> {
    /// What the closure returned, or `None` if it did not run.
    #[must_use]
    pub fn done(self) -> Option<R> {
        match self {
            Self::Done(result) => Some(result),
            Self::NoSession => None,
        }
    }

    /// Whether the session was changed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl<K: SessionKind> Session<K> {
    pub(crate) fn new(codec: Codec<K>, incoming: Incoming) -> Self {
        let (active, state) = (AtomicBool::new(false), Mutex::new(State::new()));
        Self { shared: Arc::new(Shared { codec, incoming, active, state }) }
    }

    /// The session's data, or `None` if there is no session. A `Dynamic` session always has data.
    ///
    /// Reading counts as activity: when a tenth of the idle timeout is used up, the response carries
    /// the session refreshed. [`peek_data`](Self::peek_data) does not count.
    #[must_use]
    pub fn data(&self) -> Option<K::Data> {
        let data = self.peek_data();
        if data.is_some() {
            self.note_read();
        }
        data
    }

    /// [`data`](Self::data), but looking does not count as activity: for what happens without the
    /// user, such as a page that polls, a metrics layer, or a banner on each page.
    ///
    /// ```
    /// # use sealed_session::Session;
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl sealed_session::SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn unread_messages(session: Session<Login>) -> String {
    ///     match session.peek_data() {
    ///         Some(login) => format!("messages of user {}", login.user_id),
    ///         None => "nobody is logged in".to_owned(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn peek_data(&self) -> Option<K::Data> {
        let content = self.opened().take();
        Self::read_back(content)
    }

    /// Whether there is no session: no cookie, a bad or expired one, or nothing in it. Asking does
    /// not count as activity.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opened().is_empty()
    }

    /// Why the cookie that came with this request is not a session: expired, forged and so on. `None`
    /// if there was no cookie, or if one opened. Asking does not count as activity.
    ///
    /// ```
    /// # use sealed_session::{DecodeErrorKind, Session};
    /// async fn log_in_page(session: Session) -> &'static str {
    ///     match session.refused() {
    ///         Some(DecodeErrorKind::Expired) => "Your session has expired. Please log in again.",
    ///         _ => "Please log in.",
    ///     }
    /// }
    /// ```
    ///
    /// # Security
    ///
    /// Tell the user no more than that a session has expired. The other reasons are for logs.
    #[must_use]
    pub fn refused(&self) -> Option<DecodeErrorKind> {
        self.opened().refused()
    }

    /// Writes the session's data. Writing what is already there changes nothing, also where a map
    /// has it in another order; it counts as activity.
    ///
    /// The session keeps its age; see [`regenerate`](Self::regenerate) for a log-in.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Encode`] if the data is too large for a cookie, does not serialise, would not
    /// read back, or there is no randomness to seal it with;
    /// [`SessionErrorKind::CookieHeaderTooLarge`] if all of the site's cookies together would be too
    /// large; [`SessionErrorKind::Deleted`] if the session was deleted in this request;
    /// [`SessionErrorKind::ResponseStarted`] if it is too late. Then what was there before stays.
    pub fn set(&self, data: K::Data) -> Result<(), SessionError> {
        self.write(Basis::Nothing, &data)
    }

    /// Changes the session's data in place, however deep. Without a session the closure does not
    /// run; [`update_or_default`](Self::update_or_default) begins one.
    ///
    /// The closure works on a copy and holds no lock: it may read this session.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, Updated};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { theme: String }
    /// # impl sealed_session::SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
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
    /// while the closure ran: then that write stays and the closure's is dropped.
    pub fn update<R>(
        &self,
        change: impl FnOnce(&mut K::Data) -> R,
    ) -> Result<Updated<R>, SessionError> {
        self.change(None::<fn() -> K::Data>, change)
    }

    /// [`update`](Self::update), but without a session one begins with the data that `begin` makes.
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

    /// [`update`](Self::update), but without a session one begins with default data: for a cart, or
    /// whatever a first visit begins.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone, Default)]
    /// # struct Cart { items: Vec<u32> }
    /// # impl sealed_session::SessionKind for Cart { type Data = Self; const NAME: &'static str = "cart"; }
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

    /// Takes the data out of the session and ends it: its cookie is removed, and what is written
    /// afterwards begins a new session. `None` if there was no session.
    ///
    /// Of several tasks that take it, one gets the data.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::ResponseStarted`] if it is too late; then the data is still there.
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
            // If another task was quicker, what it left is to be taken.
            if let Some(old) = old {
                drop(old?);
                self.shared.incoming.note_written(self.core(), 0);
                return Ok(Some(data));
            }
        }
    }

    /// Begins a new session in the place of this one: nothing of the old one survives, neither its
    /// data nor its age nor its own idle timeout. Call it when a user logs in, before writing who it
    /// is. (OWASP ASVS 7.2.4.)
    ///
    /// If nothing is written afterwards, the browser's cookie is removed; also if what is to be
    /// written is refused. After [`delete`](Self::delete) it begins the session that may be written
    /// again.
    pub fn regenerate(&self) {
        self.give_up("regenerate", State::regenerate);
    }

    /// Refreshes the session, as reading does when it is due: its idle timeout begins again. Does
    /// nothing if there is no session.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Encode`] if there is no randomness to seal it with,
    /// [`SessionErrorKind::ResponseStarted`] if it is too late.
    pub fn touch(&self) -> Result<(), SessionError> {
        let now = self.core().coarse_now();
        self.opened().touch(now)
    }

    /// Ends the session in this browser: the response removes the cookie, if the request has one.
    ///
    /// What comes after it in this request begins a new session or is an error:
    /// [`regenerate`](Self::regenerate) begins one, which can be written; so does an `insert` of a
    /// dynamic session, with that entry alone. A [`set`](Self::set) is
    /// [`SessionErrorKind::Deleted`], because it could bring the old data back, and an
    /// [`update`](Self::update) that began before is [`SessionErrorKind::Conflict`]. If a new session
    /// was written, the response sets it instead of removing the cookie.
    ///
    /// # Security
    ///
    /// A copy of the cookie that someone kept still opens until it expires, as the server keeps no
    /// revocation list. Where that matters, keep the timeouts short, or keep a generation number with
    /// the user's record: see [the guide](crate::guide::expiry).
    pub fn delete(&self) {
        self.give_up("delete", State::delete);
    }

    /// “Remember me”: gives this session the idle timeout that
    /// [`CodecBuilder::remember_timeout`](crate::CodecBuilder::remember_timeout) sets, and its cookie
    /// outlives the browser. It stays with the session until [`regenerate`](Self::regenerate), and
    /// may be called before the session's data is written or after.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl sealed_session::SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
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

    /// Gives this session an idle timeout of its own, in whole seconds; it stays with the session
    /// until [`regenerate`](Self::regenerate). The absolute timeout stays as it is. For “remember me”
    /// there is [`remember`](Self::remember), whose timeout is checked when the codec is built.
    ///
    /// If it is longer than the codec's, the cookie outlives the browser: its `Max-Age` is then the
    /// time until the session ends, here and each time it is written again.
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

    /// The cookie options that the codec was built with, to change for this response.
    pub fn cookie_options(&self) -> CookieOptions {
        self.shared.codec.inner().cookie_options.clone()
    }

    /// Sets the cookie's attributes for this response only. Alone it writes no cookie, and the next
    /// time that the session is written the codec's options count again.
    ///
    /// ```
    /// # use sealed_session::{SameSite, Session, SessionError};
    /// # async fn handler(session: Session) -> Result<(), SessionError> {
    /// let options = session.cookie_options().same_site(SameSite::Strict);
    /// session.set_cookie_options(options)?;
    /// # Ok(()) }
    /// ```
    ///
    /// For a cookie that outlives the browser there is [`remember`](Self::remember).
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Config`] if a browser would refuse them, or if they change the name,
    /// `Path`, `Domain` or `Partitioned`, which would make a second cookie beside the first;
    /// [`SessionErrorKind::ResponseStarted`] if it is too late.
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

    /// What the seal of the cookie that came with this request vouches for: when the session was
    /// created, refreshed, when it expires, and which key opened it. `None` if no cookie opened, or
    /// since the session was regenerated or deleted. Asking does not count as activity.
    #[must_use]
    pub fn info(&self) -> Option<TokenInfo> {
        self.opened().info()
    }

    /// The session's public name, which stays the same until it is regenerated: for logs and lists.
    /// `None` as long as nothing is written to a session that begins in this request, and for cookies
    /// in the format of `@fastify/secure-session`. Asking does not count as activity.
    ///
    /// It is no secret and no credential.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.opened().id()
    }

    /// What the response has to carry, if anything; from now on nothing can be written.
    pub(crate) fn finish(&self, reply: Reply<'_>, keep_writes_on_error: bool) -> Option<Outcome> {
        let Shared { codec, incoming, active, .. } = &*self.shared;
        let core = codec.inner();
        let active = active.load(Ordering::Relaxed);
        {
            // While there is more than one key, every session is looked at, so that a rotation ends
            // by itself.
            let mut state = self.lock();
            let rotating = incoming.is_some() && core.is_rotating();
            if !(state.is_untouched() && rotating) && state.is_settled(incoming, active) {
                return state.finish_settled();
            }
        }
        // Asked only where something may have to be sealed, and without the lock.
        let now = core.now();
        let circumstances = Circumstances { reply, now, active, keep_writes_on_error };
        let (outcome, event) = {
            let mut state = self.open(self.lock(), false);
            state.finish(core, incoming, &circumstances)
        };
        let cookie = core.cookie.name();
        match event {
            None => {}
            Some(Event::NotSent) => logging::not_sent(cookie, reply.status),
            Some(Event::NotSealed(reason)) => logging::not_sealed(cookie, &reason),
            Some(Event::Resealed(key)) => logging::resealed(cookie, key),
            Some(Event::Postponed(why)) => logging::postponed(cookie, why),
        }
        Some(outcome)
    }

    /// What the request's sessions have written, if this one knows; it is let know by `written`.
    pub(crate) fn join(&self, written: Option<&Arc<Written>>) -> Option<&Arc<Written>> {
        let ours = &self.shared.incoming.written;
        written.map(|written| ours.get_or_init(|| written.clone())).or_else(|| ours.get())
    }

    pub(crate) fn core(&self) -> &Arc<CodecInner> {
        self.shared.codec.inner()
    }

    /// From now on nothing can be written: there is or will be no response to carry it.
    pub(crate) fn close(&self) {
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

    /// A handler writes the session, perhaps what is there already.
    fn note_write(&self) {
        self.shared.active.store(true, Ordering::Relaxed);
    }

    /// The state with the cookie opened, for a handler that looks at it.
    fn opened(&self) -> MutexGuard<'_, State<K>> {
        let mut state = self.open(self.lock(), true);
        state.note_read();
        state
    }

    /// Opens the cookie, if nobody has yet; `wanted` says whether a handler asks for it. The lock is given back meanwhile, as the data's own
    /// `Deserialize`, the clock and the log's subscriber run; if two do it at once, the first to end
    /// counts.
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
        let opening = codec.open_headers(incoming.values()).map_err(|(refusal, length)| {
            if refusal.kind != DecodeErrorKind::Missing {
                logging::refused(codec.cookie_name(), &refusal, length);
            } else if wanted {
                logging::absent(codec.cookie_name());
            }
            refusal
        });
        let opened = opening.map(|(data, verified)| {
            let validity = verified.validity;
            if validity.key_index > 0 {
                logging::opened_by_older_key(codec.cookie_name(), validity.key_id, validity.id);
            }
            let empty = K::is_empty(&data);
            Opened { data, empty, verified }
        });
        let mut state = self.lock();
        if state.is_opened() {
            drop(state);
            drop(opened);
            return self.lock();
        }
        state.install(opened);
        state
    }

    /// Ends what there is of the session. The methods without a `Result` are not silent either.
    fn give_up(
        &self,
        method: &'static str,
        give_up: impl FnOnce(&mut State<K>) -> Result<Option<K::Data>, SessionError>,
    ) {
        let result = give_up(&mut self.opened());
        self.shared.incoming.note_written(self.core(), 0);
        // The lock is free: dropping the data is the user's code, and so is a subscriber's.
        match result {
            Ok(old) => drop(old),
            Err(_) => logging::too_late(self.core().cookie.name(), method),
        }
    }

    /// Changes the data, or what `begin` makes if there is none.
    fn change<R>(
        &self,
        begin: Option<impl FnOnce() -> K::Data>,
        change: impl FnOnce(&mut K::Data) -> R,
    ) -> Result<Updated<R>, SessionError> {
        let (content, revision) = {
            let mut state = self.opened();
            state.check_writable()?;
            if state.is_deleted() && begin.is_some() {
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

    /// Serialises, and writes.
    fn write(&self, basis: Basis, data: &K::Data) -> Result<(), SessionError> {
        let (json, mut data) = Self::content(data)?;
        self.write_json(basis, json, &mut data)
    }

    /// Writes what is serialised already. `data` is afterwards what was there before.
    fn write_json(
        &self,
        basis: Basis,
        json: Option<Json>,
        data: &mut Option<K::Data>,
    ) -> Result<(), SessionError> {
        let core = self.core();
        let now = core.coarse_now();
        self.opened().write(core, &self.shared.incoming, now, basis, json, data)?;
        self.note_write();
        Ok(())
    }

    /// The data to hand out: what opening has parsed, or else the JSON parsed again.
    fn read_back(content: Snapshot<K>) -> Option<K::Data> {
        match content {
            Snapshot::Nothing => None,
            Snapshot::Data(data) => Some(data),
            Snapshot::Json(json) => kind::parse::<K>(&mut json.into()).ok(),
        }
        .or_else(K::empty)
    }

    /// What to write for `data`: its JSON, and what that reads back as. Nothing for empty data.
    fn content(data: &K::Data) -> Result<(Option<Json>, Option<K::Data>), SessionError> {
        if K::is_empty(data) {
            return Ok((None, None));
        }
        let json = serialize_text(data).map_err(|error| EncodeErrorKind::from(&error))?;
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
