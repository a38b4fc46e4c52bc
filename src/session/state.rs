//! What a session handle guards: the cookie as it came, the content as it is now, and the one
//! `Change` between them.

use http::HeaderValue;

use crate::codec::{Codec, Core, Opened, Opening, Validity, check_time, draw_nonce};
use crate::cookie_header::values;
use crate::cookie_options::SetCookie;
use crate::crypto::secretbox::NONCE_LEN;
use crate::error::{OpenErrorKind, SealErrorKind, SessionError, SessionErrorKind};
use crate::kind::{Dynamic, Entries, Json, SessionKind, SharedJson};
use crate::members::say_the_same;
use crate::scheme::{Idle, Times};

/// A request's Cookie headers. HTTP/2 may split one into several.
#[derive(Default)]
pub(crate) struct Incoming {
    pub(crate) first: Option<HeaderValue>,
    pub(crate) rest: Vec<HeaderValue>,
}

impl Incoming {
    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.first.iter().chain(&self.rest).map(HeaderValue::as_bytes)
    }

    pub(super) fn is_some(&self) -> bool {
        self.first.is_some()
    }
}

/// What the response has to carry.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) set_cookie: Option<HeaderValue>,
    /// The response depends on the session.
    pub(crate) vary: bool,
}

/// What has become of the session since the request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Sealed anew if the content differs from the cookie's; if `forced`, in any case.
    Written {
        forced: bool,
    },
    Deleted,
    /// The response has begun.
    Closed,
}

pub(super) struct State<K: SessionKind> {
    opened: bool,
    /// A handler has looked at the session.
    read: bool,
    /// What the browser's cookie says, if it opens and is still this session's.
    stored: Option<Stored>,
    content: Content,
    /// The content parsed. A typed session's first reader takes it.
    data: Option<K::Data>,
    /// `None` for a session that begins with this response.
    created_at: Option<u64>,
    own_idle: Option<u32>,
    change: Change,
    revision: u64,
    /// Drawn when something is written, so that a lack of randomness is the handler's error.
    nonce: Option<[u8; NONCE_LEN]>,
    /// Attributes for this response only.
    cookie: Option<Box<SetCookie>>,
}

struct Stored {
    json: Json,
    validity: Validity,
}

/// What the session holds now.
enum Content {
    Nothing,
    /// What is `stored`.
    Stored,
    Written(Json),
}

/// The session's content, for use without the lock.
pub(super) enum Taken<K: SessionKind> {
    Nothing,
    Data(K::Data),
    Json(SharedJson),
}

impl<K: SessionKind> State<K> {
    pub(super) fn new() -> Self {
        Self {
            opened: false,
            read: false,
            stored: None,
            content: Content::Nothing,
            data: None,
            created_at: None,
            own_idle: None,
            change: Change::None,
            revision: 0,
            nonce: None,
            cookie: None,
        }
    }

    pub(super) fn is_opened(&self) -> bool {
        self.opened
    }

    /// Whether nobody has looked at the session nor written it.
    pub(super) fn is_untouched(&self) -> bool {
        !self.opened && self.change == Change::None
    }

    /// A handler looks at the session.
    pub(super) fn note_read(&mut self) {
        self.read = true;
    }

    /// Takes over what the request's cookie says.
    pub(super) fn install(
        &mut self,
        _codec: &Codec<K>,
        opening: Result<Opening<K>, OpenErrorKind>,
    ) {
        self.opened = true;
        match opening {
            Ok(opening) => {
                self.created_at = opening.validity.created_at;
                let idle = opening.validity.idle;
                self.own_idle = idle.own.then_some(idle.seconds);
                if !K::is_empty(&opening.data) {
                    self.content = Content::Stored;
                }
                self.data = Some(opening.data);
                self.stored = Some(Stored { json: opening.json, validity: opening.validity });
            }
            Err(OpenErrorKind::Missing) => {}
            Err(_reason) => {
                #[cfg(feature = "tracing")]
                tracing::debug!(
                    cookie = _codec.cookie_name(),
                    reason = %_reason,
                    "session cookie refused"
                );
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.content, Content::Nothing)
    }

    /// The first to ask takes the data that is parsed already.
    pub(super) fn take(&mut self) -> Taken<K> {
        if self.is_empty() {
            return Taken::Nothing;
        }
        match self.data.take() {
            Some(data) => Taken::Data(data),
            None => self.share().map_or(Taken::Nothing, Taken::Json),
        }
    }

    fn share(&mut self) -> Option<SharedJson> {
        match (&mut self.content, &mut self.stored) {
            (Content::Written(json), _) | (Content::Stored, Some(Stored { json, .. })) => {
                Some(json.share())
            }
            _ => None,
        }
    }

    fn json(&self) -> Option<&str> {
        match (&self.content, &self.stored) {
            (Content::Written(json), _) | (Content::Stored, Some(Stored { json, .. })) => {
                Some(json.as_str())
            }
            _ => None,
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn check_writable(&self) -> Result<(), SessionError> {
        if self.change == Change::Closed {
            return Err(SessionErrorKind::ResponseStarted.into());
        }
        Ok(())
    }

    /// Replaces the content, unless that would be too large, or another write has come since
    /// `revision`. `data` is afterwards what the caller has to drop, without the lock.
    pub(super) fn write(
        &mut self,
        codec: &Codec<K>,
        revision: Option<u64>,
        json: Option<Json>,
        data: &mut Option<K::Data>,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        if self.change == Change::Deleted {
            #[cfg(feature = "tracing")]
            tracing::debug!(cookie = codec.cookie_name(), "write dropped: the session is deleted");
            return Ok(());
        }
        if revision.is_some_and(|revision| revision != self.revision) {
            return Err(SessionErrorKind::Conflict.into());
        }
        if let Some(json) = &json {
            let core = codec.core();
            let now = core.now();
            core.check(&core.ring(), json.as_str().as_bytes(), now)?;
            self.make_ready(now)?;
        }
        self.content = json.map_or(Content::Nothing, Content::Written);
        std::mem::swap(&mut self.data, data);
        self.revision += 1;
        self.written(false);
        Ok(())
    }

    /// What can fail of sealing, done while the handler can still be told.
    pub(super) fn make_ready(&mut self, now: u64) -> Result<(), SessionError> {
        check_time(now)?;
        if self.nonce.is_none() {
            self.nonce = Some(draw_nonce()?);
        }
        Ok(())
    }

    fn written(&mut self, force: bool) {
        self.change = match self.change {
            Change::None => Change::Written { forced: force },
            Change::Written { forced } => Change::Written { forced: forced || force },
            last @ (Change::Deleted | Change::Closed) => last,
        };
    }

    /// Hands out the data that is no longer the session's.
    pub(super) fn regenerate(&mut self) -> Option<K::Data> {
        self.report_too_late("regenerate");
        if matches!(self.change, Change::Deleted | Change::Closed) {
            return None;
        }
        self.created_at = None;
        self.own_idle = None;
        self.written(false);
        self.clear()
    }

    /// Hands out the data that is no longer the session's.
    pub(super) fn delete(&mut self) -> Option<K::Data> {
        self.report_too_late("delete");
        if self.change == Change::Closed {
            return None;
        }
        self.change = Change::Deleted;
        self.clear()
    }

    fn clear(&mut self) -> Option<K::Data> {
        self.stored = None;
        self.content = Content::Nothing;
        self.revision += 1;
        self.data.take()
    }

    pub(super) fn close(&mut self) {
        self.change = Change::Closed;
    }

    /// The methods without a `Result` are not silent either.
    fn report_too_late(&self, _method: &str) {
        #[cfg(feature = "tracing")]
        if self.change == Change::Closed {
            tracing::error!(method = _method, "too late: the response has begun");
        }
    }

    pub(super) fn touch(&mut self, codec: &Codec<K>) -> Result<(), SessionError> {
        self.check_writable()?;
        if !self.is_empty() {
            self.make_ready(codec.core().now())?;
            self.written(true);
        }
        Ok(())
    }

    pub(super) fn set_own_idle(
        &mut self,
        codec: &Codec<K>,
        seconds: u32,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        if !codec.core().ring()[0].keeps_times() {
            return Err(SealErrorKind::NoRoomForIdleTimeout.into());
        }
        if self.own_idle != Some(seconds) {
            self.touch(codec)?;
            self.own_idle = Some(seconds);
        }
        Ok(())
    }

    pub(super) fn set_cookie(&mut self, cookie: SetCookie) {
        self.cookie = Some(Box::new(cookie));
    }

    pub(super) fn info(&self) -> Option<Opened<()>> {
        self.stored.as_ref().map(|stored| stored.validity.opened(()))
    }

    /// What the response has to carry; from now on nothing can be written.
    pub(super) fn finish(&mut self, codec: &Codec<K>, incoming: &Incoming) -> Outcome {
        let change = std::mem::replace(&mut self.change, Change::Closed);
        let nonce = self.nonce.take();
        let core = codec.core();
        let set_cookie = match (change, self.json()) {
            (Change::Closed, _) => return Outcome::default(),
            (Change::Deleted, _) | (Change::Written { .. }, None) => self.removal(core, incoming),
            (Change::None, None) => None,
            (Change::None | Change::Written { .. }, Some(json)) => {
                // The response's time, which may be long after the session was opened or written.
                let now = core.now();
                let sealed = self
                    .to_seal(change, now)
                    .map(|refreshed_at| self.seal(core, nonce, now, refreshed_at, json));
                match sealed {
                    // What cannot be written must not leave an older session in its place.
                    Some(None) if self.stored.is_none() => self.removal(core, incoming),
                    sealed => sealed.flatten(),
                }
            }
        };
        Outcome { vary: self.read || set_cookie.is_some(), set_cookie }
    }

    /// Whether the session is to be sealed anew, and if so, when it was last refreshed.
    fn to_seal(&self, change: Change, now: u64) -> Option<u64> {
        let Some(Stored { json, validity }) = &self.stored else {
            return Some(now);
        };
        let differs = || match &self.content {
            Content::Written(new) => !say_the_same(json.as_str(), new.as_str()),
            Content::Nothing | Content::Stored => false,
        };
        let used = now.saturating_sub(validity.refreshed_at);
        let due = self.read && used.saturating_mul(10) >= validity.idle.seconds.into();
        match change {
            Change::Written { forced } if forced || differs() => Some(now),
            _ if due || validity.undated => Some(now),
            _ if validity.key_index > 0 => Some(validity.refreshed_at),
            _ => None,
        }
    }

    fn seal(
        &self,
        core: &Core,
        nonce: Option<[u8; NONCE_LEN]>,
        now: u64,
        refreshed_at: u64,
        json: &str,
    ) -> Option<HeaderValue> {
        let ring = core.ring();
        let own = self.own_idle.filter(|_| ring[0].keeps_times());
        let own = own.map(|seconds| Idle { seconds, own: true });
        // A rotation alone must not lengthen the session's life; a refresh takes the codec's timeout.
        let kept = self.stored.as_ref().map(|stored| stored.validity);
        let kept = kept.filter(|kept| kept.refreshed_at == refreshed_at).map(|kept| kept.idle);
        let idle = own.or(kept);
        let times = Times { created_at: self.created_at, refreshed_at, idle };
        let cookie = self.cookie.as_deref().unwrap_or(&core.cookie);
        // A session that is remembered lives on in the browser, too.
        let live = own
            .filter(|own| own.seconds > core.idle)
            .filter(|_| cookie.max_age() == core.cookie.max_age())
            .map(|own| {
                let created_at = self.created_at.or(Some(refreshed_at));
                core.expires_at(created_at, refreshed_at, own).saturating_sub(now)
            });
        let nonce = nonce.map_or_else(draw_nonce, Ok);
        let sealed = nonce.and_then(|nonce| {
            core.check(&ring, json.as_bytes(), refreshed_at)?;
            cookie.header(ring[0].token_len(json.len(), refreshed_at), live, |header| {
                core.seal(&ring, &nonce, times, json, header)
            })
        });
        match sealed {
            Ok(header) => {
                let mut header = HeaderValue::try_from(header).ok()?;
                // Kept out of `Debug`, and out of HTTP/2's tables.
                header.set_sensitive(true);
                Some(header)
            }
            Err(_reason) => {
                // What a handler wrote was ready to seal. So this was a refresh or a rotation, and the
                // browser's cookie still opens; or the keyring's scheme has changed meanwhile.
                #[cfg(feature = "tracing")]
                tracing::error!(cookie = core.cookie.name(), reason = %_reason, "session not sealed");
                None
            }
        }
    }

    /// Removes the cookie, if the request has one of this name, good or bad.
    fn removal(&self, core: &Core, incoming: &Incoming) -> Option<HeaderValue> {
        let name = core.cookie.name().as_bytes();
        let came = incoming.values().any(|header| values(header, name).next().is_some());
        let cookie = self.cookie.as_deref().unwrap_or(&core.cookie);
        came.then(|| HeaderValue::try_from(cookie.removal()).ok()).flatten()
    }
}

impl State<Dynamic> {
    pub(super) fn entries(&mut self) -> &mut Entries {
        if self.data.is_none() {
            self.data = self.share().and_then(|json| Entries::parse(json).ok());
        }
        self.data.get_or_insert_default()
    }

    /// Writes entries in the place of those there are.
    pub(super) fn write_entries(
        &mut self,
        codec: &Codec<Dynamic>,
        entries: Entries,
    ) -> Result<(), SessionError> {
        let json = (!entries.is_empty()).then(|| entries.json().clone().into());
        self.write(codec, None, json, &mut Some(entries))
    }
}
