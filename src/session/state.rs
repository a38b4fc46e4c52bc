//! The state behind a session handle: the request's cookie, the current content, and the one `Change`
//! between them.
//!
//! It is used under a lock, so it does not read the clock or log. The handle does both.

use std::sync::Arc;

use super::caching::Sharing;
#[cfg(feature = "revocation")]
use super::ending::Ending;
use super::flash::{Flash, Lost};
use super::incoming::Incoming;
use super::refresh::{Circumstances, Refresh, postponed};
use super::response::Outcome;
use crate::codec::{
    CodecInner, Ring, TokenInfo, Validity, Verified, check_time, draw_id, draw_nonce,
};
use crate::cookies::{SetCookie, values};
use crate::crypto::key_id::KeyId;
use crate::crypto::secretbox::Nonce;
use crate::error::{DecodeErrorKind, EncodeErrorKind, Refusal, SessionError, SessionErrorKind};
use crate::events::CodecEventKind;
use crate::kind::{Dynamic, Entries, SessionKind};
#[cfg(feature = "revocation")]
use crate::marks::Tag;
use crate::members::say_the_same;
use crate::plaintext::{Json, WipedString};
use crate::scheme::{Header, Idle, TokenCipher};
use crate::session_id::SessionId;

/// What has happened to the session since the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    /// Re-sealed if the content differs from the cookie's, or in any case if `forced`.
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
    /// Inserting an entry has begun a new session.
    Replaced,
    /// `regenerate` has begun a new session, so anything may be written.
    Regenerated,
}

/// The base of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// None: it replaces the current content.
    Nothing,
    /// The data at this revision.
    Revision(u64),
    /// The current entries.
    Entries,
}

/// An event of a response, to log once the lock is released.
pub(super) enum Event {
    /// The response failed, so what was written is not sent.
    NotSent,
    /// The session could not be sealed.
    NotSealed(EncodeErrorKind),
    /// A refresh or rotation could undo another response's change, so it waits for the next request.
    Postponed(&'static str),
    /// The session was ended while the request was handled, so that what was written is not sent.
    Withheld,
}

/// What a response does with the browser's cookie, to tell once the lock is released.
pub(super) struct Deed {
    pub(super) kind: CodecEventKind,
    pub(super) session: Option<SessionId>,
}

impl Deed {
    /// What sealing did. `previous` has what the browser's cookie said, unless a handler wrote something
    /// else.
    fn seal(
        key: KeyId,
        session: Option<SessionId>,
        ring: &Ring,
        previous: Option<&Validity>,
        now: u64,
    ) -> Self {
        let kind = match previous {
            None => CodecEventKind::Sealed { key },
            Some(previous) if ring.is_older(previous.key_id, previous.key_index, now) => {
                CodecEventKind::Resealed { key, previous: previous.key_id }
            }
            Some(_) => CodecEventKind::Refreshed { key },
        };
        Self { kind, session }
    }
}

/// What a handler writes.
pub(super) struct Write<K: SessionKind> {
    pub(super) basis: Basis,
    /// `None` removes the content.
    pub(super) json: Option<Json>,
    /// The data of the JSON. Afterwards the previous data, which the caller has to drop without the lock.
    pub(super) data: Option<K::Data>,
    /// The tags of the data. `None` if the codec has no revocations.
    #[cfg(feature = "revocation")]
    pub(super) tags: Option<Vec<Tag>>,
}

pub(super) struct State<K: SessionKind> {
    opened: bool,
    /// A handler has used the session.
    read: bool,
    /// Why the request's cookie was refused.
    refused: Option<DecodeErrorKind>,
    /// It was refused because the session was deleted in this browser.
    deleted_here: bool,
    /// The content of the browser's cookie, if it opens and still belongs to this session.
    stored: Option<Verified>,
    content: Content,
    /// The parsed content. The first reader of a typed session takes it.
    data: Option<K::Data>,
    /// `None` for a session that begins in this request, until something is written to it.
    id: Option<SessionId>,
    /// `None` for a session that begins with this response.
    created_at: Option<u64>,
    /// What the session has seen of the marks that end sessions, if it has tags.
    seen: Option<u64>,
    #[cfg(feature = "revocation")]
    pub(super) ending: Ending,
    /// The session's own idle timeout.
    own_idle: Option<u32>,
    /// Whether it was set in this request.
    own_idle_is_new: bool,
    change: Change,
    deletion: Deletion,
    /// The cookie is sent even if the response failed: the browser's old one has ended.
    #[cfg(feature = "revocation")]
    sends_on_error: bool,
    /// The session that came, for the mark in the browser if its cookie is removed.
    came: Option<SessionId>,
    revision: u64,
    /// Drawn when something is written, so that a lack of randomness is an error in the handler.
    nonce: Option<Nonce>,
    /// Attributes for this response only.
    cookie: Option<Box<SetCookie>>,
    /// Messages for the next page, if a handler used them.
    pub(super) flash: Option<Box<Flash>>,
}

/// The content of a request's cookie.
pub(super) struct Opened<K: SessionKind> {
    pub(super) data: K::Data,
    /// Whether this is the data of an empty session.
    pub(super) empty: bool,
    pub(super) verified: Verified,
}

/// The session's current content.
enum Content {
    Nothing,
    /// The content of `stored`.
    Stored,
    Written(Json),
}

/// The session's content, for use without the lock.
pub(super) enum Snapshot<K: SessionKind> {
    Nothing,
    Data(K::Data),
    Json(Arc<WipedString>),
}

impl<K: SessionKind> State<K> {
    pub(super) fn new() -> Self {
        Self {
            opened: false,
            read: false,
            refused: None,
            deleted_here: false,
            stored: None,
            content: Content::Nothing,
            data: None,
            id: None,
            created_at: None,
            seen: None,
            #[cfg(feature = "revocation")]
            ending: Ending::default(),
            own_idle: None,
            own_idle_is_new: false,
            change: Change::None,
            deletion: Deletion::None,
            #[cfg(feature = "revocation")]
            sends_on_error: false,
            came: None,
            revision: 0,
            nonce: None,
            cookie: None,
            flash: None,
        }
    }

    pub(super) fn is_opened(&self) -> bool {
        self.opened
    }

    /// Whether the session was neither opened nor written.
    pub(super) fn is_untouched(&self) -> bool {
        !self.opened && self.change == Change::None
    }

    /// A handler uses the session.
    pub(super) fn note_read(&mut self) {
        self.read = true;
    }

    /// Takes over the content of the request's cookie.
    pub(super) fn install(&mut self, opened: Result<Opened<K>, &Refusal>) {
        self.opened = true;
        match opened {
            Ok(Opened { data, empty, verified }) => {
                let Validity { id, created_at, refreshed_at, idle, seen, .. } = verified.validity;
                (self.id, self.came) = (id, id);
                self.seen = seen;
                #[cfg(feature = "revocation")]
                {
                    self.ending.tags.clone_from(&verified.tags);
                }
                // A format that does not say when the session began says when it was last refreshed.
                self.created_at = created_at.or(Some(refreshed_at));
                self.own_idle = idle.per_session.then_some(idle.seconds);
                if !empty {
                    self.content = Content::Stored;
                }
                self.data = Some(data);
                self.stored = Some(verified);
            }
            Err(Refusal { kind: DecodeErrorKind::Missing, .. }) => {}
            Err(refusal) => {
                self.refused = Some(refusal.kind);
                self.deleted_here = refusal.deleted_here;
            }
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

    /// The content. The first caller takes the data that is already parsed.
    pub(super) fn take(&mut self) -> Snapshot<K> {
        if self.is_empty() {
            return Snapshot::Nothing;
        }
        match self.data.take() {
            Some(data) => Snapshot::Data(data),
            None => self.share().map_or(Snapshot::Nothing, Snapshot::Json),
        }
    }

    pub(super) fn is_unavailable(&self) -> bool {
        self.refused == Some(DecodeErrorKind::Unavailable)
    }

    pub(super) fn check_available(&self) -> Result<(), SessionError> {
        if self.is_unavailable() { Err(SessionErrorKind::Unavailable.into()) } else { Ok(()) }
    }

    pub(super) fn share(&mut self) -> Option<Arc<WipedString>> {
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
        self.check_not_closed()?;
        self.check_available()
    }

    /// An error if the response has begun.
    pub(super) fn check_not_closed(&self) -> Result<(), SessionError> {
        if self.change == Change::Closed {
            return Err(SessionErrorKind::ResponseStarted.into());
        }
        Ok(())
    }

    /// Replaces the content. An error if the new content would be too large, or if there was another
    /// write after the revision that this one is based on.
    pub(super) fn write(
        &mut self,
        core: &CodecInner,
        incoming: &Incoming,
        now: u64,
        write: &mut Write<K>,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        let basis = write.basis;
        if matches!(basis, Basis::Revision(revision) if revision != self.revision) {
            return Err(SessionErrorKind::Conflict.into());
        }
        let refuses_blind = matches!(self.deletion, Deletion::Requested | Deletion::Replaced);
        if refuses_blind && basis == Basis::Nothing {
            return Err(SessionErrorKind::Deleted.into());
        }
        let mut size = 0;
        #[cfg(feature = "revocation")]
        let (begins, seen) =
            self.ending.of_write(self.seen, self.stored.is_some(), incoming, write);
        #[cfg(not(feature = "revocation"))]
        let (begins, seen) = (false, self.seen);
        if let Some(json) = &write.json {
            let header = Header { seen, ..self.header(now) };
            size = core.check_at(now, json.as_str().as_bytes(), &header)?;
            incoming.check_room(core, size)?;
            self.make_ready(core, now)?;
            if begins {
                // As `regenerate_keeping`, with the idle timeout that was set in this request.
                let id = new_id(core, now)?;
                #[cfg(feature = "revocation")]
                {
                    self.ending.origins = self.origins();
                }
                self.id = id;
                (self.created_at, self.stored) = (None, None);
                self.own_idle = self.own_idle.filter(|_| self.own_idle_is_new);
            }
            if self.is_deleted() {
                self.deletion = Deletion::Replaced;
            }
        }
        incoming.note_written(core, size);
        self.seen = seen;
        #[cfg(feature = "revocation")]
        if write.tags.is_some() {
            self.ending.tags = write.tags.take();
        }
        self.content = write.json.take().map_or(Content::Nothing, Content::Written);
        std::mem::swap(&mut self.data, &mut write.data);
        self.revision += 1;
        self.written(false);
        Ok(())
    }

    /// Begins a new session with this content in place of the old one, which is kept until it is certain that
    /// the new one can be written. Returns the data that the caller has to drop without the lock.
    pub(super) fn begin_with(
        &mut self,
        core: &CodecInner,
        incoming: &Incoming,
        now: u64,
        write: &mut Write<K>,
    ) -> Result<Option<K::Data>, SessionError> {
        self.check_writable()?;
        if matches!(write.basis, Basis::Revision(revision) if revision != self.revision) {
            return Err(SessionErrorKind::Conflict.into());
        }
        let id = match &write.json {
            None => None,
            Some(json) => {
                let header = self.header(now);
                #[cfg(feature = "revocation")]
                let header = {
                    let seen = match write.tags.as_deref() {
                        None => header.seen,
                        Some([]) => None,
                        Some(_) => Some(header.seen.unwrap_or(incoming.seen)),
                    };
                    Header { seen, ..header }
                };
                let size = core.check_at(now, json.as_str().as_bytes(), &header)?;
                incoming.check_room(core, size)?;
                self.make_ready(core, now)?;
                new_id(core, now)?
            }
        };
        let old = self.regenerate_as(id)?;
        write.basis = Basis::Revision(self.revision);
        self.write(core, incoming, now, write)?;
        Ok(old)
    }

    /// The header of a token for the current content, but for its idle timeout.
    pub(super) fn header(&self, refreshed_at: u64) -> Header {
        let Self { id, created_at, seen, .. } = *self;
        Header { id, created_at, refreshed_at, idle: None, seen }
    }

    /// The fallible part of sealing, done while the handler can still get the error. Here and in
    /// everything that a handler calls, `now` is in milliseconds.
    pub(super) fn make_ready(&mut self, core: &CodecInner, now: u64) -> Result<(), SessionError> {
        check_time(now)?;
        if self.nonce.is_none() {
            self.nonce = Some(draw_nonce(now)?);
        }
        if self.id.is_none() {
            self.id = new_id(core, now)?;
        }
        Ok(())
    }

    /// Begins a new session of this id, which was drawn while nothing was given up yet. It is not sent if the
    /// old one is itself ended meanwhile. Of which tags the old one was does not matter any more: the new one
    /// has those of what is written to it.
    pub(super) fn regenerate_as(
        &mut self,
        id: Option<SessionId>,
    ) -> Result<Option<K::Data>, SessionError> {
        #[cfg(feature = "revocation")]
        let (seen, origins) = (self.seen, self.origins());
        let old = self.regenerate()?;
        self.id = id;
        #[cfg(feature = "revocation")]
        {
            self.seen = seen;
            self.ending.origins = origins;
        }
        Ok(old)
    }

    fn written(&mut self, force: bool) {
        self.change = match self.change {
            Change::None => Change::Written { forced: force },
            Change::Written { forced } => Change::Written { forced: forced || force },
            Change::Closed => Change::Closed,
        };
    }

    /// Returns the data that no longer belongs to the session. An error if the response has begun.
    pub(super) fn regenerate(&mut self) -> Result<Option<K::Data>, SessionError> {
        self.check_writable()?;
        if self.deletion != Deletion::None {
            self.deletion = Deletion::Regenerated;
        }
        self.written(false);
        Ok(self.clear())
    }

    /// Returns the data that no longer belongs to the session. An error if the response has begun.
    pub(super) fn delete(&mut self) -> Result<Option<K::Data>, SessionError> {
        self.check_writable()?;
        self.deletion = Deletion::Requested;
        self.written(false);
        Ok(self.clear())
    }

    pub(super) fn clear(&mut self) -> Option<K::Data> {
        self.id = None;
        self.created_at = None;
        self.seen = None;
        #[cfg(feature = "revocation")]
        self.ending.begin_anew();
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

    pub(super) fn touch(&mut self, core: &CodecInner, now: u64) -> Result<(), SessionError> {
        self.check_writable()?;
        if !self.is_empty() {
            self.make_ready(core, now)?;
            self.written(true);
        }
        Ok(())
    }

    /// Gives the session a separate idle timeout, even if nothing is written to it yet.
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
        if !core.keeps_header_at(now) {
            return Err(EncodeErrorKind::NoRoomForIdleTimeout.into());
        }
        if self.own_idle != Some(seconds) {
            self.touch(core, now)?;
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

    /// The id of the session that came with the request.
    #[cfg(feature = "revocation")]
    pub(super) fn came(&self) -> Option<SessionId> {
        self.came
    }

    /// When the session began, and its own idle timeout.
    #[cfg(feature = "registry")]
    pub(super) fn begun(&self) -> (Option<u64>, Option<u32>) {
        (self.created_at, self.own_idle)
    }

    #[cfg(feature = "revocation")]
    pub(super) fn seen(&self) -> Option<u64> {
        self.seen
    }

    #[cfg(feature = "revocation")]
    pub(super) fn stored_validity(&self) -> Option<&Validity> {
        self.stored.as_ref().map(|stored| &stored.validity)
    }

    /// The session that came was refused after all.
    #[cfg(feature = "revocation")]
    pub(super) fn refuse_as(&mut self, kind: DecodeErrorKind) {
        self.refused = Some(kind);
    }

    /// The session goes on under a new id, as one that has seen this mark.
    #[cfg(feature = "revocation")]
    pub(super) fn renew(
        &mut self,
        core: &CodecInner,
        now: u64,
        seen: u64,
    ) -> Result<(), SessionError> {
        // A session that begins in this request has a new id already.
        if self.stored.is_some() {
            self.id = new_id(core, now)?;
        }
        if let Some(json) = self.share() {
            self.content = Content::Written(json.into());
        }
        self.stored = None;
        self.seen = Some(seen);
        self.revision += 1;
        self.sends_on_error = true;
        self.written(true);
        Ok(())
    }

    pub(super) fn id(&self) -> Option<SessionId> {
        self.id
    }

    /// Whether the response needs no cookie, regardless of the time.
    pub(super) fn is_settled(&self, incoming: &Incoming, active: bool) -> bool {
        match (self.change, &self.stored, &self.content) {
            (Change::Closed, _, _) => true,
            (Change::Written { .. }, _, _) => false,
            (Change::None, Some(stored), Content::Stored) => {
                stored.validity.refresh(incoming.arrival, active).is_none()
            }
            (Change::None, _, _) => !self.deleted_here,
        }
    }

    /// Whether the response depends on the session in that case. From now on nothing can be written.
    pub(super) fn finish_settled(&mut self) -> bool {
        let vary = self.read && self.change != Change::Closed;
        self.close();
        vary
    }

    /// The headers for the response, and in `deed` what they do. From now on nothing can be written.
    pub(super) fn finish(
        &mut self,
        core: &CodecInner,
        incoming: &Incoming,
        circumstances: &Circumstances<'_>,
        deed: &mut Option<Deed>,
    ) -> (Outcome, Option<Event>) {
        let change = std::mem::replace(&mut self.change, Change::Closed);
        let nonce = self.nonce.take();
        let removed = matches!(change, Change::Written { .. }) && self.json().is_none();
        let (set_cookie, event) = match (change, self.json()) {
            (Change::Closed, _) => return (Outcome::default(), None),
            (_, Some(_)) if circumstances.ended || self.is_of_revoked_key(core) => {
                self.withhold(core, incoming, change)
            }
            // A response that was sent during the log-out has brought the cookie back.
            (Change::None, None)
                if self.deleted_here
                    && !circumstances.response.is_failure()
                    && circumstances.response.sharing(circumstances.now) == Sharing::No =>
            {
                (self.removal(core, incoming), None)
            }
            (Change::None, None) => (None, None),
            (Change::Written { .. }, None) => (self.removal(core, incoming), None),
            (Change::Written { forced }, Some(json)) if forced || self.differs() => {
                self.send_write(core, incoming, circumstances, nonce, json, deed)
            }
            (Change::None | Change::Written { .. }, Some(json)) => {
                self.send_refresh(core, incoming, circumstances, nonce, json, deed)
            }
        };
        // Also where another session takes the place of a deleted one.
        let ended = removed || self.deletion != Deletion::None;
        let mark = self.came.filter(|_| ended);
        let mark = mark.and_then(|id| core.mark(id, incoming.values(), circumstances.now));
        let (mark, event) = match mark.transpose() {
            Ok(mark) => (mark, event),
            Err(error) => (None, Some(Event::NotSealed(error))),
        };
        if set_cookie.is_some() && deed.is_none() {
            *deed = Some(Deed { kind: CodecEventKind::Removed, session: self.came });
        }
        let vary = self.read || set_cookie.is_some();
        (Outcome { set_cookie, mark, flash: None, vary }, event)
    }

    /// The cookie with messages for the next page, if the response needs one.
    pub(super) fn finish_flash(
        &mut self,
        core: &CodecInner,
        circumstances: &Circumstances<'_>,
    ) -> Result<Option<Vec<u8>>, Lost> {
        self.flash.take().map_or(Ok(None), |flash| flash.finish(core, circumstances))
    }

    /// Whether the key that opened the session was revoked meanwhile.
    fn is_of_revoked_key(&self, core: &CodecInner) -> bool {
        let stored = self.stored.as_ref();
        stored.is_some_and(|stored| core.is_revoked(stored.validity.key_id))
    }

    /// The removal of a session that was ended while the request was handled, if a handler wrote it. What
    /// nobody wrote leaves the browser as it is: another response may have set a new cookie.
    fn withhold(
        &self,
        core: &CodecInner,
        incoming: &Incoming,
        change: Change,
    ) -> (Option<Vec<u8>>, Option<Event>) {
        let written = matches!(change, Change::Written { .. });
        let removal = written.then(|| self.removal(core, incoming)).flatten();
        (removal, Some(Event::Withheld))
    }

    /// Whether the content differs from that of the browser's cookie.
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
        deed: &mut Option<Deed>,
    ) -> (Option<Vec<u8>>, Option<Event>) {
        #[cfg(feature = "revocation")]
        let sends_on_error = self.sends_on_error;
        #[cfg(not(feature = "revocation"))]
        let sends_on_error = false;
        let sends_on_error = sends_on_error || circumstances.response.keep_writes_on_error;
        if circumstances.response.is_failure() && !sends_on_error {
            let deleted = self.deletion != Deletion::None;
            let removal = deleted.then(|| self.removal(core, incoming)).flatten();
            return (removal, Some(Event::NotSent));
        }
        // The response's time, which may be long after the session was opened or written.
        let now = circumstances.now;
        let ring = core.ring();
        // The keys may have changed since the write. The newest key that can carry the session seals.
        let carries = |cipher: &&TokenCipher| {
            let has_room = !self.own_idle_is_new || cipher.keeps_header();
            has_room && core.check(cipher, json.as_bytes(), &self.header(now)).is_ok()
        };
        let cipher = ring.not_newer(now).iter().find(carries).unwrap_or(ring.sealing(now));
        // Otherwise it was only kept alive, or given another idle timeout.
        let stored = self.stored.as_ref().filter(|_| matches!(self.content, Content::Stored));
        let previous = stored.map(|stored| &stored.validity);
        match self.seal(core, cipher, nonce, now, now, json) {
            Ok((cookie, id)) => {
                *deed = Some(Deed::seal(cipher.id(), id, &ring, previous, now));
                (Some(cookie), None)
            }
            // If the new session cannot be written, the older one must not stay in its place.
            Err(error) if self.stored.is_none() || error == EncodeErrorKind::Expired => {
                (self.removal(core, incoming), Some(Event::NotSealed(error)))
            }
            Err(error) => (None, Some(Event::NotSealed(error))),
        }
    }

    /// The cookie of a session that no handler wrote, if it is due for a refresh or was sealed under an
    /// older key. It is left out where it could undo another response's change.
    fn send_refresh(
        &self,
        core: &CodecInner,
        incoming: &Incoming,
        circumstances: &Circumstances<'_>,
        nonce: Option<Nonce>,
        json: &str,
        deed: &mut Option<Deed>,
    ) -> (Option<Vec<u8>>, Option<Event>) {
        let Some(Verified { validity, .. }) = &self.stored else { return (None, None) };
        let now = circumstances.now;
        let (refreshed_at, used) = match validity.refresh(incoming.arrival, circumstances.active) {
            None => return (None, None),
            Some(Refresh::Due) => (now, validity.used(incoming.arrival)),
            // It does not make the session last longer, so it is never urgent.
            Some(Refresh::OlderKey) => (validity.refreshed_at, 0),
        };
        if let Some(why) = postponed(incoming, circumstances, validity, used) {
            return (None, Some(Event::Postponed(why)));
        }
        let ring = core.ring();
        let cipher = ring.sealing(now);
        match self.seal(core, cipher, nonce, now, refreshed_at, json) {
            Ok((cookie, id)) => {
                *deed = Some(Deed::seal(cipher.id(), id, &ring, Some(validity), now));
                (Some(cookie), None)
            }
            // The browser's cookie still opens.
            Err(error) => (None, Some(Event::NotSealed(error))),
        }
    }

    /// The cookie, and the id that it carries.
    fn seal(
        &self,
        core: &CodecInner,
        cipher: &TokenCipher,
        nonce: Option<Nonce>,
        now: u64,
        refreshed_at: u64,
        json: &str,
    ) -> Result<(Vec<u8>, Option<SessionId>), EncodeErrorKind> {
        let own = self.own_idle.filter(|_| cipher.keeps_header());
        let own = own.map(|seconds| Idle { seconds, per_session: true });
        // A rotation alone must not make the session last longer. A refresh uses the codec's timeout.
        let kept = self.stored.as_ref().map(|stored| stored.validity);
        let kept = kept.filter(|kept| kept.refreshed_at == refreshed_at).map(|kept| kept.idle);
        let idle = own.or(kept);
        // A format that does not say when the session began cannot limit its life either.
        let created_at = self.created_at.or(Some(refreshed_at)).filter(|_| cipher.keeps_header());
        let counts = idle.unwrap_or_else(|| core.usual_idle());
        let expires_at = core.expires_at(created_at, refreshed_at, counts);
        if expires_at <= now {
            return Err(EncodeErrorKind::Expired);
        }
        let cookie = self.cookie.as_deref().unwrap_or(&core.cookie);
        // The cookie of a remembered session outlives the browser.
        let live = own
            .filter(|own| core.outlives_browser(*own))
            .filter(|_| cookie.max_age() == core.cookie.max_age())
            .map(|_| (expires_at - now) / 1000);
        let nonce = nonce.map_or_else(|| draw_nonce(now), Ok)?;
        // A session from a format without ids gets one here.
        let id = Some(self.id.map_or_else(|| draw_id(now), Ok)?);
        let session = id.filter(|_| cipher.keeps_header());
        let token = Header { id, created_at, refreshed_at, idle, seen: self.seen };
        core.check(cipher, json.as_bytes(), &token)?;
        let value_len = cipher.token_len(json.len(), &token);
        let header = cookie
            .header(value_len, live, |header| core.seal(cipher, nonce, token, json, header))?;
        Ok((header, session))
    }

    /// The `Set-Cookie` that removes the cookie, if the request has one of this name, valid or not.
    fn removal(&self, core: &CodecInner, incoming: &Incoming) -> Option<Vec<u8>> {
        let name = core.cookie.name().as_bytes();
        let came = incoming.values().any(|header| values(header, name).next().is_some());
        let cookie = self.cookie.as_deref().unwrap_or(&core.cookie);
        came.then(|| cookie.removal().as_bytes().to_vec())
    }
}

/// A name for a session that begins, where the primary key's tokens have one.
pub(super) fn new_id(core: &CodecInner, now: u64) -> Result<Option<SessionId>, EncodeErrorKind> {
    core.keeps_header_at(now).then(|| draw_id(now)).transpose()
}

impl State<Dynamic> {
    pub(super) fn entries(&mut self) -> &mut Entries {
        if self.data.is_none() {
            self.data = self.share().and_then(|json| Entries::parse(json).ok());
        }
        self.data.get_or_insert_default()
    }

    /// Replaces the entries.
    pub(super) fn write_entries(
        &mut self,
        core: &CodecInner,
        incoming: &Incoming,
        now: u64,
        entries: Entries,
    ) -> Result<(), SessionError> {
        self.write(core, incoming, now, &mut Write::of_entries(entries))
    }
}

impl Write<Dynamic> {
    /// Replaces the entries.
    pub(super) fn of_entries(entries: Entries) -> Self {
        let json = (!entries.is_empty()).then(|| entries.json().clone().into());
        Self {
            basis: Basis::Entries,
            json,
            data: Some(entries),
            // Entries have no tags.
            #[cfg(feature = "revocation")]
            tags: None,
        }
    }
}
