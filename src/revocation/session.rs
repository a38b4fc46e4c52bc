//! The methods of `Session` that end sessions, or ask the store whether one was ended.

use super::{Outcome, attached_to};
use crate::error::SessionError;
use crate::kind::SessionKind;
use crate::marks::{Tag, Target};
use crate::session::{Session, Survivor};

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
    ///
    /// [`SessionErrorKind::Revocation`]: crate::SessionErrorKind::Revocation
    /// [`SessionErrorKind::Unavailable`]: crate::SessionErrorKind::Unavailable
    /// [`SessionErrorKind::NoId`]: crate::SessionErrorKind::NoId
    pub async fn end(&self) -> Result<(), SessionError> {
        let revocations = attached_to(self.core())?;
        let ended = self.begin_end()?;
        let mut result = Ok(());
        for id in ended.ids {
            result = result.and(revocations.append(Target::Session(id.into())).await);
            #[cfg(feature = "registry")]
            if let Some(watch) = &self.core().watch {
                watch.ended(id, &ended.tags);
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
    ///
    /// [`SessionErrorKind::Revocation`]: crate::SessionErrorKind::Revocation
    /// [`SessionErrorKind::Ended`]: crate::SessionErrorKind::Ended
    /// [`SessionErrorKind::Unavailable`]: crate::SessionErrorKind::Unavailable
    /// [`SessionErrorKind::ResponseStarted`]: crate::SessionErrorKind::ResponseStarted
    pub async fn end_others(&self, tag: &Tag) -> Result<(), SessionError> {
        let revocations = attached_to(self.core())?;
        let Survivor { ids, tags, survives } = self.begin_end_others(tag)?;
        let (outcome, result) = revocations.end_others(tag, &ids, &tags, survives).await;
        match outcome {
            Outcome::GoesOn(number) => {
                self.outlive(*tag, number)?;
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
    ///
    /// [`SessionErrorKind::Ended`]: crate::SessionErrorKind::Ended
    /// [`SessionErrorKind::NoSession`]: crate::SessionErrorKind::NoSession
    /// [`SessionErrorKind::Unavailable`]: crate::SessionErrorKind::Unavailable
    /// [`SessionErrorKind::Revocation`]: crate::SessionErrorKind::Revocation
    pub async fn verify_now(&self) -> Result<(), SessionError> {
        let revocations = attached_to(self.core())?;
        self.check_present()?;
        revocations.read_now().await?;
        if self.was_ended() { Err(self.refuse()) } else { Ok(()) }
    }
}
