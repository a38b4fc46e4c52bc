//! Recording a session.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::entry::Details;
use super::store::{ListKey, Record};
use super::{Recording, Registry, answer, shard_of};
use crate::error::{EncodeErrorKind, SessionError, SessionErrorKind};
use crate::kind::SessionKind;
use crate::logging;
use crate::session::Session;
use crate::session_id::SessionId;

/// A session that is to be recorded: await it. Created by [`Registry::record`].
#[must_use = "nothing is recorded before it is awaited"]
pub struct Recorded<'r> {
    registry: &'r Registry,
    facts: Result<Facts, SessionError>,
    label: String,
    metadata: Result<Option<Box<RawValue>>, SessionError>,
    keep: Option<usize>,
}

/// What is known of the session itself.
struct Facts {
    id: SessionId,
    created_at: u64,
    expires_at: u64,
    /// Seconds.
    idle_timeout: u64,
    lists: Vec<ListKey>,
    seen: Option<u64>,
}

impl<'r> Recorded<'r> {
    pub(super) fn new<K: SessionKind>(
        registry: &'r Registry,
        session: &Session<K>,
        label: String,
    ) -> Self {
        let facts = facts(registry, session);
        Self { registry, facts, label, metadata: Ok(None), keep: None }
    }

    /// The same session, under a new id.
    pub(super) fn again<K: SessionKind>(
        registry: &'r Registry,
        session: &Session<K>,
        details: Details,
    ) -> Self {
        let facts = facts(registry, session);
        Self { registry, facts, label: details.label, metadata: Ok(details.metadata), keep: None }
    }

    /// What else the application notes about the session, such as an address.
    /// [`Entry::metadata`](super::Entry::metadata) returns it. Keep it small: it is in the store once for
    /// each tag.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// # use sealed_session::registry::Registry;
    /// # async fn example(session: Session, registry: Registry) -> Result<(), SessionError> {
    /// let address = "192.0.2.7";
    /// registry.record(&session, "Firefox on Linux").metadata((address,)).await?;
    /// # Ok(()) }
    /// ```
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.metadata = to_raw_value(&metadata)
            .map(Some)
            .map_err(|error| EncodeErrorKind::serialize(&error).into());
        self
    }

    /// Ends the oldest sessions of each of the session's tags if there are more than this many, this one
    /// counted. It never ends this one. There may be more for a moment.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// # use sealed_session::registry::Registry;
    /// # async fn example(session: Session, registry: Registry) -> Result<(), SessionError> {
    /// registry.record(&session, "Firefox on Linux").keep_at_most(5).await?;
    /// # Ok(()) }
    /// ```
    pub fn keep_at_most(mut self, sessions: usize) -> Self {
        self.keep = Some(sessions);
        self
    }

    /// Writes the record into each of its lists.
    pub(super) async fn write(self) -> Result<(), SessionError> {
        let Self { registry, facts, label, metadata, keep } = self;
        let Facts { id, created_at, expires_at, idle_timeout, lists, seen } = facts?;
        let texts = lists.iter().map(ListKey::to_string).collect();
        let details = Details { label, idle_timeout, metadata: metadata?, lists: texts, seen };
        let details =
            serde_json::to_string(&details).map_err(|error| EncodeErrorKind::serialize(&error))?;
        let now = registry.inner.clock.now();
        let record = Record { id, created_at, expires_at, last_seen: now.max(created_at), details };
        let mut too_many = Vec::new();
        let store = &*registry.inner.store;
        for list in lists {
            too_many.extend(answer(store.put(list, &record, keep, now)).await?);
        }
        let all = registry.shard(shard_of(id));
        answer(store.put(all, &record, None, now)).await?;
        too_many.sort_unstable();
        too_many.dedup();
        for id in too_many {
            registry.inner.revocations.end(id).await?;
            let ended = Record { id, ..record.clone() };
            registry.forget(&[ended]).await;
        }
        Ok(())
    }
}

impl<'r> IntoFuture for Recorded<'r> {
    type Output = Result<(), SessionError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'r>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let recording = self.registry.inner.recording;
            match self.write().await {
                Err(error)
                    if recording == Recording::BestEffort
                        && matches!(error.kind(), SessionErrorKind::Revocation(_)) =>
                {
                    logging::not_recorded(&error);
                    Ok(())
                }
                result => result,
            }
        })
    }
}

fn facts<K: SessionKind>(registry: &Registry, session: &Session<K>) -> Result<Facts, SessionError> {
    let standing = session.standing()?;
    let now = registry.inner.clock.now();
    let created_at = standing.created_at.unwrap_or(now);
    Ok(Facts {
        id: standing.id,
        created_at,
        expires_at: created_at.saturating_add(u64::from(standing.absolute_timeout) * 1000),
        idle_timeout: standing.idle_timeout.into(),
        lists: standing.tags.iter().map(|tag| registry.list_of(tag)).collect(),
        seen: standing.seen,
    })
}
