//! `Request`: what a session store of tower-sessions does, for the session of one request.
//!
//! It knows no version of tower-sessions: ids are numbers, and data are maps. It reads and writes the
//! sealed session, and decides nothing about cookies, but for how long the browser keeps one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(feature = "revocation")]
use sealed_session::RevocationErrorKind;
use sealed_session::{
    Codec, DecodeErrorKind, EncodeErrorKind, Session, SessionError, SessionErrorKind, SessionId,
    SessionKind,
};
use serde_json::Value;

use crate::data::SessionData;
use crate::lifetime::Lifetime;

/// What all requests of a layer share.
pub(crate) struct Settings<K> {
    pub(crate) codec: Codec<K>,
    /// The lifetime of a session for which nothing else was set.
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) always_save: bool,
    pub(crate) keep_writes_on_error: bool,
    /// It was logged that a lifetime is longer than the absolute timeout.
    pub(crate) has_warned: Arc<AtomicBool>,
}

// Not derived, because that would require the kind to be `Clone` as well.
impl<K> Clone for Settings<K> {
    fn clone(&self) -> Self {
        Self {
            codec: self.codec.clone(),
            lifetime: self.lifetime,
            always_save: self.always_save,
            keep_writes_on_error: self.keep_writes_on_error,
            has_warned: self.has_warned.clone(),
        }
    }
}

/// The session of one request.
#[doc(hidden)]
pub struct Request<K: SessionKind<Data = SessionData>> {
    sealed: Session<K>,
    settings: Arc<Settings<K>>,
    state: Mutex<State>,
    /// A call failed because it is not known whether the session was ended.
    was_unavailable: AtomicBool,
}

struct State {
    record: Record,
    /// The lifetime of the record: as it came, or as it was last written.
    lifetime: Option<Lifetime>,
}

/// The record that the request's session stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Record {
    None,
    Is(i128),
    /// A handler has deleted it.
    Deleted(i128),
    /// It was ended elsewhere while this request was handled, before a handler deleted it here.
    #[cfg_attr(not(feature = "revocation"), allow(dead_code, reason = "nothing else ends one"))]
    Ended(i128),
    /// A handler has given it an expiry that is past.
    Expired(i128),
    /// It is not known whether it was ended. The id is made up, so that it names nothing.
    Unknown(i128),
}

/// Why a call failed, in the words of tower-sessions' `session_store::Error`. Nothing of the session is
/// in it.
#[doc(hidden)]
#[derive(Debug)]
pub enum StoreError {
    Encode(String),
    Decode(String),
    Backend(String),
}

/// A record, as the store returns it.
#[doc(hidden)]
pub struct Loaded {
    pub data: HashMap<String, Value>,
    /// In seconds since the Unix epoch.
    pub expires_at: i64,
}

impl<K: SessionKind<Data = SessionData>> Request<K> {
    /// Opens the cookie, because tower-sessions tells a session's id before it asks for the record.
    /// `random` makes up an id where there is none to tell.
    pub(crate) fn new(
        sealed: Session<K>,
        settings: Arc<Settings<K>>,
        random: impl Fn() -> i128,
    ) -> Self {
        let mut lifetime = settings.lifetime;
        let record = if sealed.refused() == Some(DecodeErrorKind::Unavailable) {
            Record::Unknown(random())
        } else {
            match sealed.peek_data().map(|data| data.expiry()) {
                // A session whose expiry cannot be read must not live longer than it says.
                None | Some(Err(_)) => Record::None,
                Some(Ok(own)) => {
                    let came = own.or(lifetime);
                    if came.is_some_and(|came| came.has_ended(seconds(settings.codec.now()))) {
                        Record::None
                    } else {
                        lifetime = came;
                        // A token of Node's plugin has no id.
                        Record::Is(sealed.id().map_or_else(random, tower_id))
                    }
                }
            }
        };
        let state = Mutex::new(State { record, lifetime });
        Self { sealed, settings, state, was_unavailable: AtomicBool::new(false) }
    }

    /// The id to begin the request with, as a store's user takes it from a cookie.
    pub(crate) fn id(&self) -> Option<i128> {
        match self.lock().record {
            Record::Is(id) | Record::Unknown(id) => Some(id),
            Record::None | Record::Deleted(_) | Record::Ended(_) | Record::Expired(_) => None,
        }
    }

    /// The expiry to begin the request with.
    pub(crate) fn lifetime(&self) -> Option<Lifetime> {
        self.lock().lifetime
    }

    /// The expiry of a session that begins.
    pub(crate) fn layers_lifetime(&self) -> Option<Lifetime> {
        self.settings.lifetime
    }

    pub(crate) fn settings(&self) -> &Settings<K> {
        &self.settings
    }

    pub(crate) fn was_unavailable(&self) -> bool {
        self.was_unavailable.load(Ordering::Relaxed)
    }

    /// Whether a handler has deleted the record of this id, and nothing was begun since.
    pub(crate) fn is_deleted(&self, id: i128) -> bool {
        self.lock().record == Record::Deleted(id)
    }

    #[doc(hidden)]
    pub fn load(&self, id: i128) -> Result<Option<Loaded>, StoreError> {
        match self.record()? {
            Record::Is(current) if current == id => {}
            _ => return Ok(None),
        }
        // This counts as activity.
        let Some(data) = self.sealed.data() else { return Ok(None) };
        let data = data.entries().map_err(|_| {
            StoreError::Decode("an entry of the session could not be deserialized".to_owned())
        })?;
        let expires_at = match self.lifetime() {
            Some(Lifetime::At(time)) => time,
            _ => self.sealed.info().map_or_else(|| self.now(), |info| seconds(info.expires_at)),
        };
        Ok(Some(Loaded { data, expires_at }))
    }

    /// Begins a new session with this data, and returns its id. `record` is the id that the record had,
    /// which is never adopted.
    #[doc(hidden)]
    pub fn create(
        &self,
        record: i128,
        data: &HashMap<String, Value>,
        lifetime: Option<Lifetime>,
    ) -> Result<i128, StoreError> {
        let old = self.record()?;
        // After `flush` the record keeps its id; after `cycle_id` it has another. A log-out elsewhere must
        // not be undone by what goes on here under another id.
        if matches!(old, Record::Ended(ended) if ended != record) {
            return Err(StoreError::Backend("the session was ended meanwhile".to_owned()));
        }
        // What was flushed is gone even if this response fails.
        if old == Record::Deleted(record) {
            self.sealed.delete();
        }
        self.sealed.regenerate();
        {
            let mut state = self.lock();
            // Its idle timeout is gone as well.
            state.lifetime = None;
            if matches!(state.record, Record::Is(_)) {
                state.record = Record::None;
            }
        }
        if !self.write(data, lifetime)? {
            self.lock().record = Record::Expired(record);
            return Ok(record);
        }
        let id = self.sealed.id().map_or(record, tower_id);
        self.lock().record = Record::Is(id);
        Ok(id)
    }

    #[doc(hidden)]
    pub fn save(
        &self,
        id: i128,
        data: &HashMap<String, Value>,
        lifetime: Option<Lifetime>,
    ) -> Result<(), StoreError> {
        match self.record()? {
            Record::Is(current) if current == id => self.write(data, lifetime).map(drop),
            Record::Deleted(deleted) if deleted == id => Err(StoreError::Backend(
                "the session was deleted in this request, and saving it would bring it back; call \
                 `flush` instead of `delete` to begin a new one"
                    .to_owned(),
            )),
            Record::Expired(expired) if expired == id => self.create(id, data, lifetime).map(drop),
            _ => Err(StoreError::Backend("this request has no session of this id".to_owned())),
        }
    }

    /// Ends the session: on all servers if the codec has revocations, otherwise in this browser.
    #[doc(hidden)]
    pub async fn delete(&self, id: i128) -> Result<(), StoreError> {
        if self.record()? != Record::Is(id) {
            // `cycle_id` deletes the record of a session that was never saved.
            return Ok(());
        }
        // Asked of the store, because this server may not have heard of a log-out on another one.
        #[cfg(feature = "revocation")]
        if let Err(error) = self.sealed.verify_now().await
            && *error.kind() == SessionErrorKind::Ended
        {
            self.lock().record = Record::Ended(id);
            return Ok(());
        }
        #[cfg(feature = "revocation")]
        match self.sealed.end().await.map_err(|error| error.kind().clone()) {
            Ok(()) => {
                self.lock().record = Record::Deleted(id);
                return Ok(());
            }
            Err(SessionErrorKind::Revocation(RevocationErrorKind::NoRevocations)) => {}
            Err(SessionErrorKind::NoId) => {
                self.lock().record = Record::Deleted(id);
                tracing::warn!(
                    cookie = self.settings.codec.cookie_name(),
                    "a session in Node's format has no id, so it was deleted in this browser alone"
                );
                return Ok(());
            }
            Err(error) => {
                // It has ended on this server, though nobody has confirmed it.
                if matches!(error, SessionErrorKind::Revocation(_)) {
                    self.lock().record = Record::Deleted(id);
                }
                return Err(self.failed(&error.into()));
            }
        }
        // It ends the session as `regenerate` does, and says so if the response has begun.
        self.sealed.take_data().map(drop).map_err(|error| self.failed(&error))?;
        self.lock().record = Record::Deleted(id);
        Ok(())
    }

    /// Refreshes the session, also if it was not changed.
    pub(crate) fn touch(&self) {
        if let Err(error) = self.sealed.touch() {
            let cookie = self.settings.codec.cookie_name();
            tracing::error!(cookie, %error, "the session could not be refreshed");
        }
    }

    /// Tells the browser how long to keep the cookie, if this response has one.
    pub(crate) fn set_max_age(&self) {
        let State { record, lifetime } = *self.lock();
        let (Record::Is(_), Some(lifetime)) = (record, lifetime) else { return };
        let max_age = lifetime.max_age(self.now(), self.begun(), self.absolute());
        let Some(max_age) = max_age else { return };
        let options = self.sealed.cookie_options().max_age(max_age);
        if let Err(error) = self.sealed.set_cookie_options(options) {
            let cookie = self.settings.codec.cookie_name();
            tracing::error!(cookie, %error, "the cookie's Max-Age could not be set");
        }
    }

    /// Writes the record. `false` if it has expired already, so that there is no session.
    fn write(
        &self,
        data: &HashMap<String, Value>,
        lifetime: Option<Lifetime>,
    ) -> Result<bool, StoreError> {
        if let Some(key) = SessionData::reserved(data) {
            return Err(StoreError::Encode(format!("the session key `{key}` is reserved")));
        }
        let layers = self.settings.lifetime;
        let own = lifetime.filter(|_| lifetime != layers).map(|own| self.clamp(own));
        let lifetime = own.or(lifetime);
        let now = self.now();
        if lifetime.is_some_and(|lifetime| lifetime.has_ended(now)) {
            self.sealed.take_data().map_err(|error| self.failed(&error))?;
            self.lock().record = Record::None;
            return Ok(false);
        }
        let is_deep = data.values().any(|value| is_deeper_than(value, SURELY_READABLE));
        let data = SessionData::new(data, own)
            .map_err(|_| StoreError::Encode("the session could not be serialized".to_owned()))?;
        if is_deep && data.entries().is_err() {
            let text = "the session's data is nested too deeply to be read again";
            return Err(StoreError::Encode(text.to_owned()));
        }
        self.sealed.set(data).map_err(|error| self.failed(&error))?;
        let rest = lifetime.and_then(|lifetime| lifetime.rest(now));
        let idle = match rest {
            Some(rest) => Some(Duration::from_secs(rest.min(self.absolute()).unsigned_abs())),
            // Back to the codec's, if it had another.
            None => {
                let before = self.lifetime().and_then(|before| before.rest(now));
                before.map(|_| self.settings.codec.idle_timeout())
            }
        };
        if let Some(idle) = idle {
            self.sealed.set_idle_timeout(idle).map_err(|error| self.failed(&error))?;
        }
        self.lock().lifetime = lifetime;
        Ok(true)
    }

    /// A lifetime that a handler has set, within what the codec allows.
    fn clamp(&self, own: Lifetime) -> Lifetime {
        let clamped = own.clamp(self.begun(), self.absolute());
        if clamped != own && !self.settings.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                cookie = self.settings.codec.cookie_name(),
                absolute_timeout = self.absolute(),
                "a handler has set an expiry beyond the codec's absolute timeout, which applies \
                 instead; this is logged once"
            );
        }
        clamped
    }

    /// When the session began. One without a beginning begins now.
    fn begun(&self) -> i64 {
        let created_at = self.sealed.info().and_then(|info| info.created_at);
        created_at.map_or_else(|| self.now(), seconds)
    }

    fn absolute(&self) -> i64 {
        whole(self.settings.codec.absolute_timeout())
    }

    fn now(&self) -> i64 {
        seconds(self.settings.codec.now())
    }

    /// The record, if it can be judged now.
    fn record(&self) -> Result<Record, StoreError> {
        match self.lock().record {
            Record::Unknown(_) => Err(self.failed(&SessionErrorKind::Unavailable.into())),
            record => Ok(record),
        }
    }

    fn failed(&self, error: &SessionError) -> StoreError {
        let kind = error.kind();
        if matches!(kind, SessionErrorKind::Unavailable) {
            self.was_unavailable.store(true, Ordering::Relaxed);
        }
        match kind {
            SessionErrorKind::Encode(
                EncodeErrorKind::TooLarge(_)
                | EncodeErrorKind::Serialize { .. }
                | EncodeErrorKind::NotReadable,
            )
            | SessionErrorKind::CookieHeaderTooLarge { .. } => StoreError::Encode(kind.to_string()),
            _ => StoreError::Backend(kind.to_string()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of a record: the same bytes.
pub(crate) fn tower_id(id: SessionId) -> i128 {
    i128::from_le_bytes(*id.as_bytes())
}

/// The session of a record's id: the same bytes.
pub(crate) fn sealed_id(id: i128) -> SessionId {
    SessionId::from_bytes(id.to_le_bytes())
}

/// Seconds since the Unix epoch.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    whole(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The whole seconds of a duration.
pub(crate) fn whole(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Data that is nested less deeply can be read again in any case.
const SURELY_READABLE: usize = 64;

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let is_deeper = |value: &Value| levels == 0 || is_deeper_than(value, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(is_deeper),
        Value::Object(members) => members.values().any(is_deeper),
        _ => false,
    }
}
