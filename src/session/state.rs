//! What a session handle guards: the cookie as it came, the content as it is now, and the one
//! `Change` between them.
//!
//! It reads no clock and says nothing to the log, as it is used under a lock; both are the handle's.

use std::sync::{Arc, OnceLock, PoisonError};

use http::HeaderValue;

use super::response::{Outcome, Reply, Sharing};
use crate::codec::{
    CodecInner, Refresh, Refusal, TokenInfo, Validity, Verified, check_time, draw_id, draw_nonce,
};
use crate::cookies::{SetCookie, pairs, values};
use crate::crypto::key_id::KeyId;
use crate::crypto::secretbox::Nonce;
use crate::error::{DecodeErrorKind, EncodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::{Dynamic, Entries, SessionKind};
use crate::members::say_the_same;
use crate::plaintext::{Json, WipedString};
use crate::scheme::{Header, Idle, TokenCipher};
use crate::session_id::SessionId;
use crate::sync::Mutex;

/// A request that takes longer is slow: what the browser's cookie says may have changed meanwhile,
/// by another response. In milliseconds.
const SLOW: u64 = 1000;
/// How many cookies an error about too many of them names.
const NAMED_COOKIES: usize = 4;
const NAMED_LEN: usize = 64;

/// What is known of a request.
#[derive(Default)]
pub(crate) struct Incoming {
    /// Its Cookie headers. HTTP/2 may split one into several.
    pub(crate) first: Option<HeaderValue>,
    pub(crate) rest: Vec<HeaderValue>,
    /// When it arrived, in milliseconds since the Unix epoch; 0 without a cookie.
    pub(crate) arrival: u64,
    /// Whether the browser is opening a page (`Sec-Fetch-Mode: navigate`).
    pub(crate) navigates: bool,
    /// What the sessions of this request have written, if there are several.
    pub(crate) written: OnceLock<Arc<Written>>,
}

/// The sizes of the cookies that the sessions of one request have written: names and values together.
#[derive(Default)]
pub(crate) struct Written(Mutex<Vec<(String, usize)>>);

impl Written {
    fn sizes(&self) -> Vec<(String, usize)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, name: &str, size: usize) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sizes.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = size,
            None => sizes.push((name.to_owned(), size)),
        }
    }
}

impl Incoming {
    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.first.iter().chain(&self.rest).map(HeaderValue::as_bytes)
    }

    pub(super) fn is_some(&self) -> bool {
        self.first.is_some()
    }

    /// Tells the other sessions of the request how large this cookie will be; 0 if there is none.
    pub(super) fn note_written(&self, core: &CodecInner, size: usize) {
        if let Some(written) = self.written.get() {
            written.note(core.cookie.name(), size);
        }
    }

    /// Whether the next request's Cookie line is short enough with this cookie in it, of so many
    /// bytes of name and value. What came already in a longer line may stay as long.
    pub(super) fn check_room(&self, core: &CodecInner, cookie: usize) -> Result<(), SessionError> {
        let limit = core.settings.max_cookie_header;
        let before: usize = self.values().map(|line| line.len() + "; ".len()).sum();
        let written = self.written.get().map(|written| written.sizes()).unwrap_or_default();
        let others = written.iter().map(|(_, size)| size + "=; ".len()).sum::<usize>();
        if before + cookie + others < limit {
            return Ok(());
        }
        let name = core.cookie.name();
        let new = written.iter().filter(|(other, _)| other != name);
        let new: Vec<_> = new.map(|(name, size)| (name.as_bytes(), *size)).collect();
        let is_replaced = |old: &[u8]| {
            old == name.as_bytes() || written.iter().any(|(name, _)| name.as_bytes() == old)
        };
        // What came and stays, what the other sessions of this request have written, and this.
        let stays = self.values().flat_map(pairs).filter(|(name, _)| !is_replaced(name));
        let stays = stays.map(|(name, value)| (name, name.len() + value));
        let mut cookies: Vec<_> = stays.chain(new).chain([(name.as_bytes(), cookie)]).collect();
        cookies.retain(|(_, size)| *size > 0);
        let size = cookies.iter().map(|(_, size)| size + "=; ".len()).sum::<usize>() - "; ".len();
        if size <= limit.max(before.saturating_sub("; ".len())) {
            return Ok(());
        }
        cookies.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let named =
            |name: &[u8]| String::from_utf8_lossy(&name[..name.len().min(NAMED_LEN)]).into_owned();
        let cookies = cookies.into_iter().take(NAMED_COOKIES);
        let cookies = cookies.map(|(name, size)| (named(name), size)).collect();
        Err(SessionErrorKind::CookieHeaderTooLarge { size, limit, cookies }.into())
    }
}

/// What has become of the session since the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    /// Sealed again if the content differs from the cookie's; if `forced`, in any case.
    Written {
        forced: bool,
    },
    /// The response has begun.
    Closed,
}

/// Whether a handler has deleted the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deletion {
    None,
    /// The cookie is removed, unless a new session begins.
    Requested,
    /// An entry has begun a new session in its place.
    Replaced,
    /// `regenerate` has: from here on anything may be written.
    Regenerated,
}

/// What a write is based on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// Nothing: what it writes replaces whatever there is.
    Nothing,
    /// The data as they were at this revision.
    Revision(u64),
    /// The entries as they are now.
    Entries,
}

/// What the log is to be told of a response, once the lock is free.
pub(super) enum Event {
    /// The response failed, so what was written is not sent.
    NotSent,
    /// What was to be sealed could not be.
    NotSealed(EncodeErrorKind),
    /// The cookie was sealed by an older key, and is now sealed by the primary.
    Resealed(KeyId),
    /// A refresh or rotation could undo what another response did, so it waits for the next request.
    Postponed(&'static str),
}

pub(super) struct State<K: SessionKind> {
    opened: bool,
    /// A handler has looked at the session.
    read: bool,
    /// Why the cookie that came is not this session's.
    refused: Option<DecodeErrorKind>,
    /// What the browser's cookie says, if it opens and is still this session's.
    stored: Option<Verified>,
    content: Content,
    /// The content parsed. A typed session's first reader takes it.
    data: Option<K::Data>,
    /// `None` as long as nothing is written to a session that begins in this request.
    id: Option<SessionId>,
    /// `None` for a session that begins with this response.
    created_at: Option<u64>,
    /// The session's own idle timeout.
    own_idle: Option<u32>,
    /// Whether it was set in this request.
    own_idle_is_new: bool,
    change: Change,
    deletion: Deletion,
    /// The session that was deleted, for the mark in the browser.
    deleted: Option<SessionId>,
    revision: u64,
    /// Drawn when something is written, so that a lack of randomness is the handler's error.
    nonce: Option<Nonce>,
    /// Attributes for this response only.
    cookie: Option<Box<SetCookie>>,
}

/// What a request's cookie says.
pub(super) struct Opened<K: SessionKind> {
    pub(super) data: K::Data,
    /// Whether that is the data of a session before anything is written to it.
    pub(super) empty: bool,
    pub(super) verified: Verified,
}

/// What the session holds now.
enum Content {
    Nothing,
    /// What is `stored`.
    Stored,
    Written(Json),
}

/// The session's content, for use without the lock.
pub(super) enum Snapshot<K: SessionKind> {
    Nothing,
    Data(K::Data),
    Json(Arc<WipedString>),
}

/// What the end of a request is judged by.
pub(super) struct Circumstances<'r> {
    pub(super) reply: Reply<'r>,
    /// Milliseconds since the Unix epoch.
    pub(super) now: u64,
    /// Whether a handler's use of the session counts as activity.
    pub(super) active: bool,
    /// Whether what was written is sent although the response failed.
    pub(super) keep_writes_on_error: bool,
}

impl<K: SessionKind> State<K> {
    pub(super) fn new() -> Self {
        Self {
            opened: false,
            read: false,
            refused: None,
            stored: None,
            content: Content::Nothing,
            data: None,
            id: None,
            created_at: None,
            own_idle: None,
            own_idle_is_new: false,
            change: Change::None,
            deletion: Deletion::None,
            deleted: None,
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
    pub(super) fn install(&mut self, opened: Result<Opened<K>, Refusal>) {
        self.opened = true;
        match opened {
            Ok(Opened { data, empty, verified }) => {
                let Validity { id, created_at, idle, .. } = verified.validity;
                (self.id, self.created_at) = (id, created_at);
                self.own_idle = idle.per_session.then_some(idle.seconds);
                if !empty {
                    self.content = Content::Stored;
                }
                self.data = Some(data);
                self.stored = Some(verified);
            }
            Err(Refusal { kind: DecodeErrorKind::Missing, .. }) => {}
            Err(refusal) => self.refused = Some(refusal.kind),
        }
    }

    pub(super) fn refused(&self) -> Option<DecodeErrorKind> {
        self.refused
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.content, Content::Nothing)
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deletion == Deletion::Requested
    }

    /// The first to ask takes the data that is parsed already.
    pub(super) fn take(&mut self) -> Snapshot<K> {
        if self.is_empty() {
            return Snapshot::Nothing;
        }
        match self.data.take() {
            Some(data) => Snapshot::Data(data),
            None => self.share().map_or(Snapshot::Nothing, Snapshot::Json),
        }
    }

    fn share(&mut self) -> Option<Arc<WipedString>> {
        match (&mut self.content, &mut self.stored) {
            (Content::Written(json), _) | (Content::Stored, Some(Verified { json, .. })) => {
                Some(json.share())
            }
            _ => None,
        }
    }

    fn json(&self) -> Option<&str> {
        match (&self.content, &self.stored) {
            (Content::Written(json), _) | (Content::Stored, Some(Verified { json, .. })) => {
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

    /// Replaces the content, unless that would be too large, or another write has come since the
    /// revision that it is based on. `data` is afterwards what the caller has to drop, without the
    /// lock.
    pub(super) fn write(
        &mut self,
        core: &CodecInner,
        incoming: &Incoming,
        now: u64,
        basis: Basis,
        json: Option<Json>,
        data: &mut Option<K::Data>,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        if matches!(basis, Basis::Revision(revision) if revision != self.revision) {
            return Err(SessionErrorKind::Conflict.into());
        }
        let refuses_blind = matches!(self.deletion, Deletion::Requested | Deletion::Replaced);
        if refuses_blind && basis == Basis::Nothing {
            return Err(SessionErrorKind::Deleted.into());
        }
        let mut size = 0;
        if let Some(json) = &json {
            size = core.check(&core.ring()[0], json.as_str().as_bytes(), now)?;
            incoming.check_room(core, size)?;
            self.make_ready(now)?;
            if self.is_deleted() {
                self.deletion = Deletion::Replaced;
            }
        }
        incoming.note_written(core, size);
        self.content = json.map_or(Content::Nothing, Content::Written);
        std::mem::swap(&mut self.data, data);
        self.revision += 1;
        self.written(false);
        Ok(())
    }

    /// What can fail of sealing, done while the handler can still be told. `now` is in milliseconds
    /// here and in all that a handler calls.
    pub(super) fn make_ready(&mut self, now: u64) -> Result<(), SessionError> {
        check_time(now)?;
        if self.nonce.is_none() {
            self.nonce = Some(draw_nonce(now)?);
        }
        if self.id.is_none() {
            self.id = Some(draw_id(now)?);
        }
        Ok(())
    }

    fn written(&mut self, force: bool) {
        self.change = match self.change {
            Change::None => Change::Written { forced: force },
            Change::Written { forced } => Change::Written { forced: forced || force },
            Change::Closed => Change::Closed,
        };
    }

    /// Hands out the data that is no longer the session's. An error if it is too late.
    pub(super) fn regenerate(&mut self) -> Result<Option<K::Data>, SessionError> {
        self.check_writable()?;
        if self.deletion != Deletion::None {
            self.deletion = Deletion::Regenerated;
        }
        self.written(false);
        Ok(self.clear())
    }

    /// Hands out the data that is no longer the session's. An error if it is too late.
    pub(super) fn delete(&mut self) -> Result<Option<K::Data>, SessionError> {
        self.check_writable()?;
        self.deletion = Deletion::Requested;
        let stored = self.stored.as_ref().and_then(|stored| stored.validity.id);
        self.deleted = self.deleted.or(stored);
        self.written(false);
        Ok(self.clear())
    }

    fn clear(&mut self) -> Option<K::Data> {
        self.id = None;
        self.created_at = None;
        self.own_idle = None;
        self.own_idle_is_new = false;
        self.stored = None;
        self.content = Content::Nothing;
        self.revision += 1;
        self.data.take()
    }

    pub(super) fn close(&mut self) {
        self.change = Change::Closed;
    }

    pub(super) fn touch(&mut self, now: u64) -> Result<(), SessionError> {
        self.check_writable()?;
        if !self.is_empty() {
            self.make_ready(now)?;
            self.written(true);
        }
        Ok(())
    }

    /// Gives the session an idle timeout of its own, also one that nothing is written to yet.
    pub(super) fn set_own_idle(
        &mut self,
        core: &CodecInner,
        now: u64,
        seconds: u32,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        if self.is_deleted() {
            return Err(SessionErrorKind::Deleted.into());
        }
        if !core.ring()[0].keeps_header() {
            return Err(EncodeErrorKind::NoRoomForIdleTimeout.into());
        }
        if self.own_idle != Some(seconds) {
            self.touch(now)?;
            self.own_idle = Some(seconds);
            self.own_idle_is_new = true;
        }
        Ok(())
    }

    pub(super) fn set_cookie(&mut self, cookie: SetCookie) {
        self.cookie = Some(Box::new(cookie));
    }

    pub(super) fn info(&self) -> Option<TokenInfo> {
        self.stored.as_ref().map(|stored| stored.validity.info())
    }

    pub(super) fn id(&self) -> Option<SessionId> {
        self.id
    }

    /// Whether the response has nothing to carry, whatever the time.
    pub(super) fn is_settled(&self, incoming: &Incoming, active: bool) -> bool {
        match (self.change, &self.stored, &self.content) {
            (Change::Closed, _, _) => true,
            (Change::Written { .. }, _, _) => false,
            (Change::None, Some(stored), Content::Stored) => {
                stored.validity.refresh(incoming.arrival, active).is_none()
            }
            (Change::None, _, _) => self.refused != Some(DecodeErrorKind::Ended),
        }
    }

    /// What the response has to carry then; from now on nothing can be written.
    pub(super) fn finish_settled(&mut self) -> Option<Outcome> {
        let vary = self.read && self.change != Change::Closed;
        self.close();
        vary.then(|| Outcome { vary, ..Outcome::default() })
    }

    /// What the response has to carry; from now on nothing can be written.
    pub(super) fn finish(
        &mut self,
        core: &CodecInner,
        incoming: &Incoming,
        circumstances: &Circumstances<'_>,
    ) -> (Outcome, Option<Event>) {
        let change = std::mem::replace(&mut self.change, Change::Closed);
        let nonce = self.nonce.take();
        let (set_cookie, event) = match (change, self.json()) {
            (Change::Closed, _) => return (Outcome::default(), None),
            // A response that was on its way during the log-out has brought the cookie back.
            (Change::None, None)
                if self.refused == Some(DecodeErrorKind::Ended)
                    && !circumstances.reply.is_failure()
                    && circumstances.reply.sharing(circumstances.now) == Sharing::No =>
            {
                (self.removal(core, incoming), None)
            }
            (Change::None, None) => (None, None),
            (Change::Written { .. }, None) => (self.removal(core, incoming), None),
            (Change::Written { forced }, Some(json)) if forced || self.differs() => {
                self.send_write(core, incoming, circumstances, nonce, json)
            }
            (Change::None | Change::Written { .. }, Some(json)) => {
                self.send_refresh(core, incoming, circumstances, nonce, json)
            }
        };
        let mark = self.deleted.and_then(|id| core.mark(id, incoming.values(), circumstances.now));
        let (mark, event) = match mark.transpose() {
            Ok(mark) => (mark.and_then(|mark| HeaderValue::try_from(mark).ok()), event),
            Err(error) => (None, Some(Event::NotSealed(error))),
        };
        let vary = self.read || set_cookie.is_some();
        let shared = set_cookie.is_some()
            && circumstances.reply.sharing(circumstances.now) == Sharing::Chosen;
        (Outcome { set_cookie, mark, shared, vary }, event)
    }

    /// Whether the content is not what the browser's cookie says already.
    fn differs(&self) -> bool {
        match (&self.content, &self.stored) {
            (Content::Written(new), Some(Verified { json, .. })) => {
                !say_the_same(json.as_str(), new.as_str())
            }
            (_, None) => true,
            (Content::Nothing | Content::Stored, Some(_)) => false,
        }
    }

    /// The cookie for what a handler wrote.
    fn send_write(
        &self,
        core: &CodecInner,
        incoming: &Incoming,
        circumstances: &Circumstances<'_>,
        nonce: Option<Nonce>,
        json: &str,
    ) -> (Option<HeaderValue>, Option<Event>) {
        if circumstances.reply.is_failure() && !circumstances.keep_writes_on_error {
            let deleted = self.deletion != Deletion::None;
            let removal = deleted.then(|| self.removal(core, incoming)).flatten();
            return (removal, Some(Event::NotSent));
        }
        // The response's time, which may be long after the session was opened or written.
        let now = circumstances.now;
        let ring = core.ring();
        // The keys may have changed since it was written. Then the newest that can carry it seals.
        let carries = |cipher: &&TokenCipher| {
            let has_room = !self.own_idle_is_new || cipher.keeps_header();
            has_room && core.check(cipher, json.as_bytes(), now).is_ok()
        };
        let cipher = ring.iter().find(carries).unwrap_or(&ring[0]);
        match self.seal(core, cipher, nonce, now, now, json) {
            Ok(cookie) => (cookie, None),
            // What cannot be written must not leave an older session in its place.
            Err(error) if self.stored.is_none() => {
                (self.removal(core, incoming), Some(Event::NotSealed(error)))
            }
            Err(error) => (None, Some(Event::NotSealed(error))),
        }
    }

    /// The cookie of a session that no handler wrote, if it is due for a refresh or was sealed by an
    /// older key. As nobody asked for it, it is left out where it could undo something.
    fn send_refresh(
        &self,
        core: &CodecInner,
        incoming: &Incoming,
        circumstances: &Circumstances<'_>,
        nonce: Option<Nonce>,
        json: &str,
    ) -> (Option<HeaderValue>, Option<Event>) {
        let Some(Verified { validity, .. }) = &self.stored else { return (None, None) };
        let now = circumstances.now;
        let (refreshed_at, used) = match validity.refresh(incoming.arrival, circumstances.active) {
            None => return (None, None),
            Some(Refresh::Due) => (now, validity.used(incoming.arrival)),
            // It lengthens no session's life, so it is never urgent.
            Some(Refresh::OlderKey) => (validity.refreshed_at, 0),
        };
        if let Some(why) = postponed(incoming, circumstances, validity, used) {
            return (None, Some(Event::Postponed(why)));
        }
        let cipher = &core.ring()[0];
        match self.seal(core, cipher, nonce, now, refreshed_at, json) {
            Ok(cookie) => (cookie, (validity.key_index > 0).then(|| Event::Resealed(cipher.id()))),
            // The browser's cookie still opens.
            Err(error) => (None, Some(Event::NotSealed(error))),
        }
    }

    fn seal(
        &self,
        core: &CodecInner,
        cipher: &TokenCipher,
        nonce: Option<Nonce>,
        now: u64,
        refreshed_at: u64,
        json: &str,
    ) -> Result<Option<HeaderValue>, EncodeErrorKind> {
        let own = self.own_idle.filter(|_| cipher.keeps_header());
        let own = own.map(|seconds| Idle { seconds, per_session: true });
        // A rotation alone must not lengthen the session's life; a refresh takes the codec's timeout.
        let kept = self.stored.as_ref().map(|stored| stored.validity);
        let kept = kept.filter(|kept| kept.refreshed_at == refreshed_at).map(|kept| kept.idle);
        let idle = own.or(kept);
        let cookie = self.cookie.as_deref().unwrap_or(&core.cookie);
        // A session that is remembered lives on in the browser as well.
        let live = own
            .filter(|own| own.seconds > core.settings.idle)
            .filter(|_| cookie.max_age() == core.cookie.max_age())
            .map(|own| {
                let created_at = self.created_at.or(Some(refreshed_at));
                core.expires_at(created_at, refreshed_at, own).saturating_sub(now) / 1000
            });
        let nonce = nonce.map_or_else(|| draw_nonce(now), Ok)?;
        // A session from a format that names none gets a name here.
        let id = Some(self.id.map_or_else(|| draw_id(now), Ok)?);
        let token = Header { id, created_at: self.created_at, refreshed_at, idle };
        core.check(cipher, json.as_bytes(), refreshed_at)?;
        let value_len = cipher.token_len(json.len(), refreshed_at);
        let header = cookie
            .header(value_len, live, |header| core.seal(cipher, nonce, token, json, header))?;
        let mut header = HeaderValue::try_from(header).ok();
        if let Some(header) = &mut header {
            // Kept out of `Debug`, and out of HTTP/2's tables.
            header.set_sensitive(true);
        }
        Ok(header)
    }

    /// Removes the cookie, if the request has one of this name, good or bad.
    fn removal(&self, core: &CodecInner, incoming: &Incoming) -> Option<HeaderValue> {
        let name = core.cookie.name().as_bytes();
        let came = incoming.values().any(|header| values(header, name).next().is_some());
        let cookie = self.cookie.as_deref().unwrap_or(&core.cookie);
        came.then(|| HeaderValue::try_from(cookie.removal()).ok()).flatten()
    }
}

/// Why a cookie that nobody asked for is better left out of this response, if it is.
///
/// Another response may have removed or replaced the cookie meanwhile, or a cache may hand this one
/// to others. The next request brings it again, unless the session ends before: so one that has used
/// up much of its time is refreshed all the same, or a service whose every answer is slow would log
/// its users out.
fn postponed(
    incoming: &Incoming,
    circumstances: &Circumstances<'_>,
    validity: &Validity,
    used: u64,
) -> Option<&'static str> {
    let reply = circumstances.reply;
    let idle = validity.idle.millis();
    if reply.is_failure() {
        return Some("the response failed");
    }
    if reply.sharing(circumstances.now) != Sharing::No {
        return Some("the response is publicly cacheable");
    }
    if circumstances.now >= validity.expires_at {
        return Some("the session has expired meanwhile");
    }
    let urgent = (incoming.navigates && used.saturating_mul(2) > idle)
        || used.saturating_mul(4) > idle.saturating_mul(3);
    if urgent {
        return None;
    }
    let took = circumstances.now.checked_sub(incoming.arrival);
    if took.is_none_or(|took| took > SLOW) {
        return Some("the request was slow");
    }
    reply.is_not_modified().then_some("the response is a 304")
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
        core: &CodecInner,
        incoming: &Incoming,
        now: u64,
        entries: Entries,
    ) -> Result<(), SessionError> {
        let json = (!entries.is_empty()).then(|| entries.json().clone().into());
        self.write(core, incoming, now, Basis::Entries, json, &mut Some(entries))
    }
}
