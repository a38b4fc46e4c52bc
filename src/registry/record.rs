//! Recording a session.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::entry::Details;
use super::store::Record;
use super::{Recording, Registry, answer, shard_of};
use crate::error::{EncodeErrorKind, SessionError};
use crate::kind::SessionKind;
use crate::logging;
use crate::marks::Tag;
use crate::session::Session;
use crate::session_id::SessionId;

/// A session that is to be recorded: await it. Created by [`Registry::record`].
#[must_use = "nothing is recorded before it is awaited"]
pub struct Recorded {
    registry: Registry,
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
    tags: Vec<Tag>,
    seen: Option<u64>,
}

impl Recorded {
    pub(super) fn new<K: SessionKind>(
        registry: &Registry,
        session: &Session<K>,
        label: String,
    ) -> Self {
        let facts = facts(registry, session);
        let registry = registry.clone();
        Self { registry, facts, label, metadata: Ok(None), keep: None }
    }

    /// The same session, under a new id.
    pub(super) fn again<K: SessionKind>(
        registry: &Registry,
        session: &Session<K>,
        details: Details,
    ) -> Self {
        Self { metadata: Ok(details.metadata), ..Self::new(registry, session, details.label) }
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
        let Facts { id, created_at, expires_at, idle_timeout, tags, seen } = facts?;
        let lists = tags.iter().map(|tag| registry.list_of(tag).to_string()).collect();
        let details = Details { label, idle_timeout, metadata: metadata?, lists, seen };
        let details =
            serde_json::to_string(&details).map_err(|error| EncodeErrorKind::serialize(&error))?;
        let now = registry.inner.clock.now();
        let record = Record { id, created_at, expires_at, last_seen: now.max(created_at), details };
        let store = &*registry.inner.store;
        let mut crowded = Vec::new();
        for tag in tags {
            let list = registry.list_of(&tag);
            if !answer(store.put(list, &record, keep, now)).await?.is_empty() {
                crowded.push(tag);
            }
        }
        let all = registry.shard(shard_of(id));
        answer(store.put(all, &record, None, now)).await?;
        for tag in crowded {
            registry.keep_at_most(&tag, keep.unwrap_or(usize::MAX), id).await?;
        }
        Ok(())
    }
}

impl IntoFuture for Recorded {
    type Output = Result<(), SessionError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if self.registry.inner.recording == Recording::Required {
                return self.write().await;
            }
            // What is wrong with the session itself is said at once.
            if let Some(error) = self.facts.as_ref().err().or(self.metadata.as_ref().err()) {
                return Err(error.clone());
            }
            tokio::spawn(async move {
                if let Err(error) = self.write().await {
                    logging::not_recorded(&error);
                }
            });
            Ok(())
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
        tags: standing.tags,
        seen: standing.seen,
    })
}
