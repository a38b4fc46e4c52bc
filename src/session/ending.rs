//! Ending sessions: `end`, `end_others`, `verify_now`, and what a session's state knows for them.

use super::Session;
use super::incoming::Incoming;
use super::state::{State, Write};
use crate::codec::{CodecInner, SessionTags, Tags, TokenInfo};
use crate::error::{DecodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::{self, SessionKind};
use crate::marks::{Tag, Target};
use crate::revocation::{Outcome, attached_to};
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
    /// Ends the session, on all servers, wherever its cookie was copied to; and removes the cookie from
    /// this browser, as [`delete`](Self::delete) does. It does nothing if there is no session.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn log_out(session: Session<Login>) -> Result<(), SessionError> {
    ///     session.end().await
    /// }
    /// ```
    ///
    /// The codec needs [`revocations`](crate::CodecBuilder::revocations).
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Revocation`] if the codec has no revocations, or if the store has not
    /// confirmed it: then the session has ended on this server and in this browser, and the store is
    /// asked again until it confirms it. [`SessionErrorKind::Unavailable`] if it is not known whether the
    /// session was ended before; [`SessionErrorKind::NoId`] for a session in Node's format, of which
    /// only this browser's cookie is removed.
    pub async fn end(&self) -> Result<(), SessionError> {
        let revocations = attached_to(self.core())?;
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
        let mut result = Ok(());
        for id in ids {
            result = result.and(revocations.append(Target::Session(id.into())).await);
            #[cfg(feature = "registry")]
            if let Some(watch) = &self.core().watch {
                watch.ended(id, &tags);
            }
        }
        Ok(result?)
    }

    /// Ends all other sessions of a tag, such as all of this user, on all servers. This one goes on,
    /// under a new [`id`](Self::id): a copy of its old cookie ends as well.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind, Tag};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login {
    /// #     type Data = Self;
    /// #     const NAME: &'static str = "login";
    /// #     fn tags(login: &Self) -> Vec<Tag> { vec![Tag::new("user", login.user_id)] }
    /// # }
    /// async fn log_out_elsewhere(session: Session<Login>) -> Result<(), SessionError> {
    ///     if let Some(login) = session.data() {
    ///         session.end_others(&Tag::new("user", login.user_id)).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// It keeps its data, its age and its idle timeout. After a password was changed: first store the
    /// new password, then [`regenerate`](Self::regenerate) and [`set`](Self::set), then call this.
    /// (OWASP ASVS 5.0, 7.4.3.)
    ///
    /// If the response does not reach the browser, it is logged out too. If the store cannot be reached,
    /// this session ends on this server with the others: nobody can tell who else has ended it.
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Revocation`] as for [`end`](Self::end);
    /// [`SessionErrorKind::Ended`] if this session was ended by somebody else;
    /// [`SessionErrorKind::Unavailable`] if that is not known; [`SessionErrorKind::ResponseStarted`] if the
    /// response has begun.
    pub async fn end_others(&self, tag: &Tag) -> Result<(), SessionError> {
        let core = self.core();
        let revocations = attached_to(core)?;
        {
            let state = self.opened();
            state.check_writable()?;
            // It must not end those that went on without it.
            if state.is_empty() && state.refused() == Some(DecodeErrorKind::Ended) {
                return Err(SessionErrorKind::Ended.into());
            }
        }
        let mut tags = self.known_tags().unwrap_or_default();
        let (ids, survives) = {
            let state = self.opened();
            if state.is_empty() {
                // What is written later in this request must not outlive what had ended it by now.
                tags = vec![*tag];
                (Vec::new(), self.shared.incoming.seen)
            } else {
                (state.origins(), state.survives())
            }
        };
        let (outcome, result) = revocations.end_others(tag, &ids, &tags, survives).await;
        match outcome {
            Outcome::GoesOn(number) => {
                let now = core.coarse_now();
                self.opened().outlive(core, now, *tag, number)?;
                self.note_write();
                Ok(result?)
            }
            Outcome::Ended => Err(self.refuse()),
            Outcome::NotKnown => Ok(result?),
        }
    }

    /// Asks the store now whether the session was ended, instead of trusting what this server has heard:
    /// for the routes that must know, such as a payment. It takes a round trip to the store.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, SessionKind};
    /// # #[derive(serde::Serialize, serde::Deserialize, Clone)]
    /// # struct Login { user_id: u64 }
    /// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
    /// async fn pay(session: Session<Login>) -> Result<&'static str, SessionError> {
    ///     session.verify_now().await?;
    ///     Ok("paid")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::Ended`] if it was ended: from now on the session is empty.
    /// [`SessionErrorKind::NoSession`] if there is none. [`SessionErrorKind::Unavailable`] if the store
    /// could not be read; [`SessionErrorKind::Revocation`] if the codec has no revocations.
    pub async fn verify_now(&self) -> Result<(), SessionError> {
        let revocations = attached_to(self.core())?;
        {
            let state = self.available()?;
            if state.refused() == Some(DecodeErrorKind::Ended) {
                return Err(SessionErrorKind::Ended.into());
            }
            if state.is_empty() {
                return Err(SessionErrorKind::NoSession.into());
            }
        }
        revocations.read_now().await?;
        if self.was_ended() { Err(self.refuse()) } else { Ok(()) }
    }

    /// From now on the session is empty, because it has ended.
    fn refuse(&self) -> SessionError {
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
    pub(super) fn was_ended(&self) -> bool {
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
