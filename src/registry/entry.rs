//! What a registry says of a session, and pages of it.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Registry;
use super::store::Record;
use crate::error::RevocationError;
use crate::marks::Tag;
use crate::session_id::SessionId;

/// How many entries a page has, unless [`List::limit`] says it.
const PAGE: usize = 1000;

/// A session in the registry: where somebody is signed in.
#[derive(Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The session's public name, with which [`Registry::end`] ends it.
    pub id: SessionId,
    /// When the session began.
    pub created_at: SystemTime,
    /// When it was last seen, at most a tenth of the idle timeout ago if it is in use.
    pub last_seen: SystemTime,
    /// When it ends at the latest.
    pub expires_at: SystemTime,
    /// What the application calls it, such as `Firefox on Linux`.
    pub label: String,
    /// Whether it was not seen for longer than its idle timeout, so that it has probably expired. It is
    /// still in the list because what was last seen may have been lost.
    pub is_idle: bool,
    /// Whether it is the session that [`List::this`] named.
    pub is_this: bool,
    metadata: Option<Box<RawValue>>,
}

impl Entry {
    /// What the application noted about the session. `None` if that is nothing, or of another type.
    ///
    /// ```
    /// # use sealed_session::registry::Entry;
    /// fn address(entry: &Entry) -> Option<String> {
    ///     entry.metadata::<(String,)>().map(|(address,)| address)
    /// }
    /// ```
    #[must_use]
    pub fn metadata<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.metadata.as_ref()?.get()).ok()
    }

    pub(super) fn new(
        record: &Record,
        details: Details,
        this: Option<SessionId>,
        now: u64,
    ) -> Self {
        Self {
            id: record.id,
            created_at: time(record.created_at),
            last_seen: time(record.last_seen),
            expires_at: time(record.expires_at),
            is_idle: details.is_idle(record, now),
            label: details.label,
            is_this: this == Some(record.id),
            metadata: details.metadata,
        }
    }
}

impl fmt::Debug for Entry {
    /// Without the metadata.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .field("last_seen", &self.last_seen)
            .field("expires_at", &self.expires_at)
            .field("label", &self.label)
            .field("is_idle", &self.is_idle)
            .field("is_this", &self.is_this)
            .finish_non_exhaustive()
    }
}

/// What a record says besides what its store sorts and sweeps by.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct Details {
    #[serde(default)]
    pub(super) label: String,
    /// Seconds.
    #[serde(default)]
    pub(super) idle_timeout: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Box<RawValue>>,
    /// The tags' lists, so that all copies of the record can be removed.
    #[serde(default)]
    pub(super) lists: Vec<String>,
    /// What the session has seen of the marks of its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<u64>,
}

impl Details {
    /// Of a record that another release or another program wrote: what is known.
    pub(super) fn of(record: &Record) -> Self {
        serde_json::from_str(&record.details).unwrap_or_default()
    }

    /// Whether the session was not seen for longer than its idle timeout.
    pub(super) fn is_idle(&self, record: &Record, now: u64) -> bool {
        now >= record.last_seen.saturating_add(self.idle_timeout.saturating_mul(1000))
    }
}

fn time(unix_millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(unix_millis)).unwrap_or(UNIX_EPOCH)
}

/// A part of a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The sessions, newest first.
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there may be one: for [`List::after`].
    pub next: Option<Cursor>,
}

/// A place in a list. Its text can be part of a link.
///
/// ```
/// # use sealed_session::registry::Cursor;
/// let text = "018bcfe56800-07070707070707070707070707070707";
/// assert_eq!(text.parse::<Cursor>()?.to_string(), text);
/// # Ok::<(), sealed_session::registry::InvalidCursor>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(super) u64, pub(super) SessionId);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}-{}", self.0, self.1)
    }
}

/// A text is not a [`Cursor`].
///
/// ```
/// use sealed_session::registry::{Cursor, InvalidCursor};
///
/// let result: Result<Cursor, InvalidCursor> = "2".parse();
/// assert!(result.is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidCursor;

impl fmt::Display for InvalidCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a place in a list of sessions")
    }
}

impl std::error::Error for InvalidCursor {}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (time, id) = text.split_once('-').ok_or(InvalidCursor)?;
        if time.len() != 12 || !time.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(InvalidCursor);
        }
        let time = u64::from_str_radix(time, 16).map_err(|_| InvalidCursor)?;
        Ok(Self(time, id.parse().map_err(|_| InvalidCursor)?))
    }
}

/// A list of sessions that was asked for: await it.
#[must_use = "nothing is read before it is awaited"]
pub struct List<'r> {
    pub(super) registry: &'r Registry,
    pub(super) of: Of,
    pub(super) this: Option<SessionId>,
    pub(super) after: Option<Cursor>,
    pub(super) limit: usize,
}

/// Which sessions are listed.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Tag(Tag),
    All,
}

impl<'r> List<'r> {
    pub(super) fn new(registry: &'r Registry, of: Of) -> Self {
        Self { registry, of, this: None, after: None, limit: PAGE }
    }

    /// Marks this session in the list: pass [`Session::id`](crate::Session::id).
    ///
    /// ```
    /// # use sealed_session::{Session, Tag};
    /// # use sealed_session::registry::{Page, Registry, RevocationError};
    /// # async fn example(registry: Registry, session: Session) -> Result<Page, RevocationError> {
    /// registry.list(&Tag::new("user", 7)).this(session.id()).await
    /// # }
    /// ```
    pub fn this(mut self, id: Option<SessionId>) -> Self {
        self.this = id;
        self
    }

    /// Begins after this place: the [`next`](Page::next) of the page before.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// # use sealed_session::registry::{Cursor, Page, Registry, RevocationError};
    /// # async fn example(registry: Registry, next: Cursor) -> Result<Page, RevocationError> {
    /// registry.list(&Tag::new("user", 7)).after(next).await
    /// # }
    /// ```
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// How many sessions a page has at most. Default: 1,000.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// # use sealed_session::registry::{Page, Registry, RevocationError};
    /// # async fn example(registry: Registry) -> Result<Page, RevocationError> {
    /// registry.list(&Tag::new("user", 7)).limit(20).await
    /// # }
    /// ```
    pub fn limit(mut self, entries: usize) -> Self {
        self.limit = entries.max(1);
        self
    }
}

impl<'r> IntoFuture for List<'r> {
    type Output = Result<Page, RevocationError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'r>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.registry.page(self))
    }
}
