//! What a session's state knows of how it can end. The methods that end sessions wait for a store, so they are
//! in `revocation/`.

use super::Session;
use super::incoming::Incoming;
use super::state::{State, Write};
use crate::codec::{CodecInner, SessionTags, Tags, TokenInfo};
use crate::error::{DecodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::{self, SessionKind};
use crate::marks::Tag;
use crate::session_id::SessionId;

/// What a registry records of a session. Times are in milliseconds since the Unix epoch, timeouts in
/// seconds.
#[cfg(feature = "registry")]
pub(crate) struct Standing {
    pub(crate) id: SessionId,
    /// `None` for a session that begins with this response.
    pub(crate) created_at: Option<u64>,
    pub(crate) idle_timeout: u32,
    pub(crate) absolute_timeout: u32,
    pub(crate) tags: Vec<Tag>,
    pub(crate) seen: Option<u64>,
}

/// What `end` ends elsewhere.
pub(crate) struct Ended {
    pub(crate) ids: Vec<SessionId>,
    #[cfg(feature = "registry")]
    pub(crate) tags: Vec<Tag>,
}

/// A session that goes on while all others of a tag are ended.
pub(crate) struct Survivor {
    /// The sessions that it was made from.
    pub(crate) ids: Vec<SessionId>,
    pub(crate) tags: Vec<Tag>,
    /// Marks of its tags up to this number do not end it.
    pub(crate) survives: u64,
}

/// What a session's state knows about how it can end.
#[derive(Default)]
pub(super) struct Ending {
    /// The tags of the content. `None` if they are not known yet, or the codec has no revocations.
    pub(super) tags: Option<Vec<Tag>>,
    /// The sessions that this one was made from. If one of them is ended meanwhile, so is this one.
    pub(super) origins: Vec<SessionId>,
    /// The last mark that was made through this handle, and that this session has seen.
    raised: Option<(Tag, u64)>,
}

impl Ending {
    /// Nothing of the session stays.
    pub(super) fn begin_anew(&mut self) {
        self.tags = Some(Vec::new());
        self.origins.clear();
    }

    /// Whether a write begins a new session in place of a stored one, because it gives it a tag, and
    /// what the session has seen afterwards.
    pub(super) fn of_write<K: SessionKind>(
        &self,
        seen: Option<u64>,
        is_stored: bool,
        incoming: &Incoming,
        write: &Write<K>,
    ) -> (bool, Option<u64>) {
        let Some(new) = &write.tags else { return (false, seen) };
        if new.is_empty() {
            return (false, None);
        }
        let old = self.tags.as_deref().unwrap_or_default();
        if new.iter().all(|tag| old.contains(tag)) {
            return (false, seen);
        }
        // It has not seen what may have ended another tag meanwhile.
        let raised = self.raised.filter(|(tag, _)| new.iter().all(|new| new == tag));
        (is_stored, Some(raised.map_or(incoming.seen, |(_, number)| number.max(incoming.seen))))
    }
}

impl<K: SessionKind> State<K> {
    /// The sessions that what is sent belongs to.
    pub(super) fn origins(&self) -> Vec<SessionId> {
        self.ending.origins.iter().copied().chain(self.id()).collect()
    }

    /// Marks of the session's tags up to this number do not end it.
    fn survives(&self) -> u64 {
        match (self.seen(), self.stored_validity()) {
            (None, Some(validity)) => validity.survives(),
            (seen, _) => seen.unwrap_or(0),
        }
    }

    /// The session has ended. Returns the data that the caller has to drop without the lock.
    fn refuse(&mut self) -> Option<K::Data> {
        self.refuse_as(DecodeErrorKind::Ended);
        self.clear()
    }

    /// The session goes on under a new id, as one that has seen this mark.
    fn outlive(
        &mut self,
        core: &CodecInner,
        now: u64,
        tag: Tag,
        number: u64,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        self.ending.raised = Some((tag, number));
        if self.is_empty() {
            return Ok(());
        }
        let origins = self.origins();
        self.make_ready(core, now)?;
        self.renew(core, now, number)?;
        self.ending.origins = origins;
        Ok(())
    }
}

impl<K: SessionKind> Session<K> {
    /// The session ends in this browser. Returns the sessions to end elsewhere.
    pub(crate) fn begin_end(&self) -> Result<Ended, SessionError> {
        let (came, sent, is_stored) = {
            let state = self.available()?;
            // Once the response has begun, the browser may have what was sealed under this id.
            let sent = state.id().filter(|_| state.check_writable().is_err());
            (state.came(), sent, state.stored_validity().is_some())
        };
        #[cfg(feature = "registry")]
        let tags = self.known_tags().unwrap_or_default();
        let old = self.opened().delete();
        drop(old);
        self.shared.incoming.note_written(self.core(), 0);
        let mut ids: Vec<_> = came.into_iter().chain(sent).collect();
        ids.dedup();
        if ids.is_empty() && is_stored {
            return Err(SessionErrorKind::NoId.into());
        }
        Ok(Ended {
            ids,
            #[cfg(feature = "registry")]
            tags,
        })
    }

    /// What is known of this session before all others of a tag are ended.
    pub(crate) fn begin_end_others(&self, tag: &Tag) -> Result<Survivor, SessionError> {
        {
            let state = self.opened();
            state.check_writable()?;
            // It must not end those that went on without it.
            if state.is_empty() && state.refused() == Some(DecodeErrorKind::Ended) {
                return Err(SessionErrorKind::Ended.into());
            }
        }
        let tags = self.known_tags().unwrap_or_default();
        let state = self.opened();
        Ok(if state.is_empty() {
            // What is written later in this request must not outlive what had ended it by now.
            Survivor { ids: Vec::new(), tags: vec![*tag], survives: self.shared.incoming.seen }
        } else {
            Survivor { ids: state.origins(), tags, survives: state.survives() }
        })
    }

    /// The session goes on under a new id, as one that has seen this mark.
    pub(crate) fn outlive(&self, tag: Tag, number: u64) -> Result<(), SessionError> {
        let core = self.core();
        let now = core.coarse_now();
        self.opened().outlive(core, now, tag, number)?;
        self.note_write();
        Ok(())
    }

    /// An error if there is no session, or it has ended, or that is not known.
    pub(crate) fn check_present(&self) -> Result<(), SessionError> {
        let state = self.available()?;
        if state.refused() == Some(DecodeErrorKind::Ended) {
            return Err(SessionErrorKind::Ended.into());
        }
        if state.is_empty() {
            return Err(SessionErrorKind::NoSession.into());
        }
        Ok(())
    }

    /// From now on the session is empty, because it has ended.
    pub(crate) fn refuse(&self) -> SessionError {
        let (old, is_new) = {
            let mut state = self.opened();
            let is_new = state.refused() != Some(DecodeErrorKind::Ended);
            (state.refuse(), is_new)
        };
        // Without the lock, because dropping the data and telling run foreign code.
        drop(old);
        if is_new {
            self.core().tell_refused(&DecodeErrorKind::Ended.into(), None);
        }
        SessionErrorKind::Ended.into()
    }

    /// Whether the session was ended since its cookie was opened.
    pub(crate) fn was_ended(&self) -> bool {
        let Some(attached) = &self.core().attached else { return false };
        let marks = &*attached.marks;
        if marks.is_empty() {
            return false;
        }
        let (ids, survives, is_empty) = {
            let state = self.lock();
            (state.origins(), state.survives(), state.is_empty())
        };
        if is_empty {
            return false;
        }
        // Where the tags cannot be told, the session could be one that was ended.
        ids.iter().any(|id| marks.has_id(*id))
            || marks.has_tags()
                && self.known_tags().is_none_or(|tags| marks.has_tag(&tags, survives))
    }

    /// The metadata of the cookie, with what is needed to ask later whether the session has ended.
    pub(super) fn with_tags(&self, info: Option<TokenInfo>) -> Option<TokenInfo> {
        let mut info = info?;
        if self.core().attached.is_some() {
            let tags = self.known_tags().unwrap_or_default();
            let tags = Tags::Known(tags);
            info.tags = SessionTags { tags, survives: self.lock().survives() };
        }
        Some(info)
    }

    /// What a registry records of the session.
    #[cfg(feature = "registry")]
    pub(crate) fn standing(&self) -> Result<Standing, SessionError> {
        drop(self.opened());
        let tags = self.known_tags().unwrap_or_default();
        let state = self.available()?;
        let id = state.id().filter(|_| !state.is_empty());
        let settings = &self.core().settings;
        let (created_at, own_idle) = state.begun();
        Ok(Standing {
            id: id.ok_or(SessionErrorKind::NoSession)?,
            created_at,
            idle_timeout: own_idle.unwrap_or(settings.idle),
            absolute_timeout: settings.absolute,
            tags,
            seen: state.seen(),
        })
    }

    /// Tells the registry that a session's cookie was refreshed, if there is one.
    #[cfg(feature = "registry")]
    pub(super) fn tell_refreshed(&self, now: u64) {
        let Some(watch) = &self.core().watch else { return };
        let id = self.lock().id();
        if let (Some(id), Some(tags)) = (id, self.known_tags()) {
            watch.refreshed(id, &tags, now);
        }
    }

    /// The tags of data that is about to be written, if the codec has revocations. Then the tags of the
    /// present content are known as well.
    pub(super) fn tags_for_write(&self, data: &K::Data) -> Option<Vec<Tag>> {
        self.core().attached.as_ref()?;
        let tags = K::tags(data);
        if !tags.is_empty() {
            drop(self.opened());
            self.known_tags();
        }
        Some(tags)
    }

    /// The tags of the content. They are computed without the lock, because that runs foreign code.
    /// `None` if the content cannot be read back.
    fn known_tags(&self) -> Option<Vec<Tag>> {
        let (json, revision) = {
            let mut state = self.lock();
            if let Some(tags) = &state.ending.tags {
                return Some(tags.clone());
            }
            let Some(json) = state.share() else { return Some(Vec::new()) };
            (json, state.revision())
        };
        let data = kind::parse::<K>(&mut json.into()).ok()?;
        let tags = K::tags(&data);
        let mut state = self.lock();
        if state.revision() == revision {
            state.ending.tags = Some(tags.clone());
        }
        Some(tags)
    }
}
