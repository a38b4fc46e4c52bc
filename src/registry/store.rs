//! `RegistryStore`: where the lists of sessions are kept.

use std::future::Future;
use std::pin::Pin;

use crate::revocation::StoreError;
use crate::session_id::SessionId;

/// The name of a list: all sessions of a tag, under a secret key.
///
/// ```
/// use sealed_session::registry::ListKey;
///
/// let key = ListKey::from_bytes([7; 16]);
/// assert_eq!(key.to_string(), "07".repeat(16));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListKey([u8; 16]);

impl ListKey {
    /// The name with these bytes.
    ///
    /// ```
    /// # use sealed_session::registry::ListKey;
    /// let key = ListKey::from_bytes([7; 16]);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    ///
    /// ```
    /// # use sealed_session::registry::ListKey;
    /// assert_eq!(ListKey::from_bytes([7; 16]).as_bytes(), &[7; 16]);
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Display for ListKey {
    /// 32 lower-case hex digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A session in a list, as a store keeps it.
///
/// ```
/// use sealed_session::SessionId;
/// use sealed_session::registry::Record;
///
/// let record = Record {
///     id: SessionId::from_bytes([7; 16]),
///     created_at: 1_700_000_000_000,
///     expires_at: 1_702_592_000_000,
///     last_seen: 1_700_000_000_000,
///     details: "{}".to_owned(),
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Record {
    /// The session's id.
    pub id: SessionId,
    /// When the session began, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// From when on the session cannot open any more. A store forgets the record then.
    pub expires_at: u64,
    /// When the session was last seen.
    pub last_seen: u64,
    /// What else is known of the session, as JSON. A store does not look into it.
    pub details: String,
}

/// When a session in a list was last seen.
///
/// ```
/// use sealed_session::SessionId;
/// use sealed_session::registry::{ListKey, Seen};
///
/// let id = SessionId::from_bytes([7; 16]);
/// let seen = Seen { list: ListKey::from_bytes([1; 16]), id, at: 1_700_000_000_000 };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a store reads it")]
pub struct Seen {
    /// The list.
    pub list: ListKey,
    /// The session.
    pub id: SessionId,
    /// When it was seen, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// Where the lists of sessions are kept.
///
/// A list is sorted by `created_at` and then by `id`, newest first. What is done to one list is done at
/// once or not at all. A record whose `expires_at` is past does not count and may be forgotten.
pub trait RegistryStore: Send + Sync + 'static {
    /// Puts a record into a list, in place of one with the same id. With `keep`, it returns the ids of the
    /// oldest others that are too many, without removing them.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it.
    fn put(
        &self,
        list: ListKey,
        record: &Record,
        keep: Option<usize>,
        now: u64,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;

    /// Notes when sessions were last seen. What is not in its list is left out.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it.
    fn note_seen(&self, seen: &[Seen]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// At most `limit` records of a list, those that are older than `after` if there is one: a record's
    /// `created_at` and `id`.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it.
    fn list(
        &self,
        list: ListKey,
        after: Option<(u64, SessionId)>,
        limit: usize,
        now: u64,
    ) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// How many records a list has.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it.
    fn count(
        &self,
        list: ListKey,
        now: u64,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Removes records from a list. What is not in it is left out.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it.
    fn remove(
        &self,
        list: ListKey,
        ids: &[SessionId],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The result of a store's method, without the method's type.
pub(super) type Answer<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// Any store, behind one pointer.
pub(super) trait AnyStore: Send + Sync + 'static {
    fn put<'s>(
        &'s self,
        list: ListKey,
        record: &'s Record,
        keep: Option<usize>,
        now: u64,
    ) -> Answer<'s, Vec<SessionId>>;
    fn note_seen<'s>(&'s self, seen: &'s [Seen]) -> Answer<'s, ()>;
    fn list(
        &self,
        list: ListKey,
        after: Option<(u64, SessionId)>,
        limit: usize,
        now: u64,
    ) -> Answer<'_, Vec<Record>>;
    fn count(&self, list: ListKey, now: u64) -> Answer<'_, usize>;
    fn remove<'s>(&'s self, list: ListKey, ids: &'s [SessionId]) -> Answer<'s, ()>;
}

impl<S: RegistryStore> AnyStore for S {
    fn put<'s>(
        &'s self,
        list: ListKey,
        record: &'s Record,
        keep: Option<usize>,
        now: u64,
    ) -> Answer<'s, Vec<SessionId>> {
        Box::pin(RegistryStore::put(self, list, record, keep, now))
    }

    fn note_seen<'s>(&'s self, seen: &'s [Seen]) -> Answer<'s, ()> {
        Box::pin(RegistryStore::note_seen(self, seen))
    }

    fn list(
        &self,
        list: ListKey,
        after: Option<(u64, SessionId)>,
        limit: usize,
        now: u64,
    ) -> Answer<'_, Vec<Record>> {
        Box::pin(RegistryStore::list(self, list, after, limit, now))
    }

    fn count(&self, list: ListKey, now: u64) -> Answer<'_, usize> {
        Box::pin(RegistryStore::count(self, list, now))
    }

    fn remove<'s>(&'s self, list: ListKey, ids: &'s [SessionId]) -> Answer<'s, ()> {
        Box::pin(RegistryStore::remove(self, list, ids))
    }
}
