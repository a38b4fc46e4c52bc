//! `Registry`: where somebody is signed in.
//!
//! Sessions are in their browsers; the registry only lists them. To end one, it makes a mark first
//! (`revocation/`) and then removes the entry, so a registry that is behind ends nothing and revives
//! nothing.

mod entry;
mod last_seen;
mod memory;
mod record;
mod store;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use blake2::Blake2bMac;
use blake2::digest::consts::U16;
use blake2::digest::{FixedOutput as _, Update as _};
use tokio::time::timeout;
use zeroize::Zeroizing;

pub use self::entry::{Cursor, Entry, InvalidCursor, List, Page};
use self::entry::{Details, Of};
use self::last_seen::LastSeen;
use self::memory::MemoryStore;
pub use self::record::Recorded;
pub use self::store::{ListKey, Record, RegistryStore, Seen};
use crate::clock::CodecClock;
use crate::codec::CodecBuilder;
use crate::crypto::key::Key;
pub use crate::error::{RevocationError, RevocationErrorKind};
use crate::error::{SessionError, SessionErrorKind};
use crate::kind::SessionKind;
use crate::logging;
pub use crate::revocation::StoreError;
use crate::revocation::{Revocations, Tag};
use crate::session::Session;
use crate::session_id::SessionId;

/// The list of all sessions is spread over this many.
const SHARDS: u8 = 64;
/// How long the registry waits for its store.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// How many records are read at once where all are needed.
const BATCH: usize = 1000;

/// Whether a log-in waits for the registry, at most 5 seconds.
///
/// ```
/// use sealed_session::registry::Recording;
///
/// let recording = Recording::BestEffort;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recording {
    /// A session that could not be recorded is an error.
    Required,
    /// The log-in goes on at once. A session that could not be recorded is in no list; the log says so. It
    /// can still be ended with all of its tag.
    BestEffort,
}

/// Lists the sessions of a user: where they are signed in.
///
/// An application records a session when it begins, with a label. The lists then show when it was last
/// seen, and can end it. Clones are the same registry.
///
/// ```
/// use sealed_session::registry::Registry;
/// use sealed_session::{Session, SessionError, SessionKind, Tag};
/// # use serde::{Deserialize, Serialize};
///
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login {
/// #     type Data = Self;
/// #     const NAME: &'static str = "login";
/// #     fn tags(login: &Self) -> Vec<Tag> { vec![Tag::new("user", login.user_id)] }
/// # }
/// async fn log_in(session: Session<Login>, registry: Registry) -> Result<(), SessionError> {
///     session.regenerate();
///     session.set(Login { user_id: 7 })?;
///     registry.record(&session, "Firefox on Linux").await
/// }
///
/// async fn devices(session: Session<Login>, registry: Registry) -> Result<String, SessionError> {
///     let page = registry.list(&Tag::new("user", 7)).this(session.id()).await?;
///     Ok(page.entries.iter().map(|entry| format!("{}\n", entry.label)).collect())
/// }
/// ```
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn store::AnyStore>,
    revocations: Revocations,
    /// Names the lists.
    key: Zeroizing<[u8; 32]>,
    recording: Recording,
    clock: CodecClock,
    last_seen: LastSeen,
}

impl Registry {
    /// A registry of this process alone, which forgets it when it ends. For a service of one process, and
    /// for tests.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, Revocations};
    /// # use sealed_session::registry::Registry;
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let revocations = Revocations::in_memory();
    /// let registry = Registry::in_memory(&revocations);
    /// let codec = Codec::<Dynamic>::builder(keyring)
    ///     .revocations(&revocations)
    ///     .registry(&registry)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn in_memory(revocations: &Revocations) -> Self {
        let store = Arc::new(MemoryStore::default());
        let last_seen = LastSeen::at_once(store.clone());
        // Nobody else sees the names of the lists.
        Self::with(store, Zeroizing::new([0; 32]), revocations, Recording::Required, last_seen)
    }

    /// A registry that a store keeps. Every server needs the same key: it names the lists, so that whoever
    /// reads the store cannot tell whose they are. It may be the key of a keyring; with another key the
    /// lists begin anew.
    ///
    /// ```
    /// use sealed_session::registry::{Recording, Registry, RegistryStore};
    /// use sealed_session::{Key, KeyError, Revocations};
    ///
    /// fn open(store: impl RegistryStore, revocations: &Revocations) -> Result<Registry, KeyError> {
    ///     let key = Key::from_file("registry-key")?;
    ///     Ok(Registry::new(store, &key, revocations, Recording::BestEffort))
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with a timer, because it starts a task that writes when sessions were last
    /// seen.
    #[must_use]
    pub fn new(
        store: impl RegistryStore,
        key: &Key,
        revocations: &Revocations,
        recording: Recording,
    ) -> Self {
        let store: Arc<dyn store::AnyStore> = Arc::new(store);
        let last_seen = LastSeen::in_batches(store.clone());
        let key = Zeroizing::new(*key.expose_secret());
        Self::with(store, key, revocations, recording, last_seen)
    }

    fn with(
        store: Arc<dyn store::AnyStore>,
        key: Zeroizing<[u8; 32]>,
        revocations: &Revocations,
        recording: Recording,
        last_seen: LastSeen,
    ) -> Self {
        let (revocations, clock) = (revocations.clone(), revocations.clock());
        Self { inner: Arc::new(Inner { store, revocations, key, recording, clock, last_seen }) }
    }

    /// Records a session that begins in this request, or was changed, with a label. Call it after the
    /// session was written. For metadata, and for a limit, see [`Recorded`].
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError};
    /// # use sealed_session::registry::Registry;
    /// # async fn example(session: Session, registry: Registry) -> Result<(), SessionError> {
    /// registry.record(&session, "Firefox on Linux").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionErrorKind::NoSession`] if there is no session with an id. With [`Recording::Required`],
    /// [`SessionErrorKind::Revocation`] if the store could not be reached.
    pub fn record<K: SessionKind>(
        &self,
        session: &Session<K>,
        label: impl Into<String>,
    ) -> Recorded {
        Recorded::new(self, session, label.into())
    }

    /// The sessions of a tag, newest first, at most 1,000. [`List`] has what can be asked for.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// # use sealed_session::registry::{Registry, RevocationError};
    /// # async fn example(registry: Registry) -> Result<(), RevocationError> {
    /// for entry in registry.list(&Tag::new("user", 7)).await?.entries {
    ///     println!("{}, last seen {:?}", entry.label, entry.last_seen);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RevocationErrorKind::Registry`] if the store could not be read.
    pub fn list(&self, tag: &Tag) -> List<'_> {
        List::new(self, Of::Tag(*tag))
    }

    /// All sessions, in no particular order, for an administrator. Pages of it are not a snapshot.
    ///
    /// ```
    /// # use sealed_session::registry::{Registry, RevocationError};
    /// # async fn example(registry: Registry) -> Result<(), RevocationError> {
    /// let page = registry.list_all().limit(100).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub fn list_all(&self) -> List<'_> {
        List::new(self, Of::All)
    }

    /// How many sessions a tag has in the registry. Those that have ended or been idle for too long, and are
    /// not removed yet, count.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// # use sealed_session::registry::{Registry, RevocationError};
    /// # async fn example(registry: Registry) -> Result<(), RevocationError> {
    /// println!("{} sessions", registry.count(&Tag::new("user", 7)).await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub async fn count(&self, tag: &Tag) -> Result<usize, RevocationError> {
        let now = self.inner.clock.now();
        answer(self.inner.store.count(self.list_of(tag), now)).await
    }

    /// Ends one session of a tag. Returns whether the tag has it: an id that a browser sent can only end a
    /// session of that user.
    ///
    /// ```
    /// # use sealed_session::{SessionId, Tag};
    /// # use sealed_session::registry::{Registry, RevocationError};
    /// # async fn example(registry: Registry, id: SessionId) -> Result<(), RevocationError> {
    /// registry.end(&Tag::new("user", 7), id).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list), and as [`Revocations::end`].
    pub async fn end(&self, tag: &Tag, id: SessionId) -> Result<bool, RevocationError> {
        let Some(record) = self.find(tag, id).await? else { return Ok(false) };
        let ended = self.inner.revocations.end(id).await;
        self.forget(&[record]).await;
        ended.map(|()| true)
    }

    /// Ends all sessions of a tag.
    ///
    /// ```
    /// # use sealed_session::Tag;
    /// # use sealed_session::registry::{Registry, RevocationError};
    /// # async fn example(registry: Registry) -> Result<(), RevocationError> {
    /// registry.end_all(&Tag::new("user", 7)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Revocations::end_all`]. Where the entries cannot be removed, the tag's list on this server does not
    /// show them all the same. (A list of another tag may show them until they expire.)
    pub async fn end_all(&self, tag: &Tag) -> Result<(), RevocationError> {
        // What begins after the mark stays in the list.
        let records = self.records(tag).await;
        let ended = self.inner.revocations.end_all(tag).await;
        self.forget(&records.unwrap_or_default()).await;
        ended
    }

    /// Ends all sessions of a tag but this one, as [`Session::end_others`] does. This one is in the list
    /// under its new id.
    ///
    /// ```
    /// # use sealed_session::{Session, SessionError, Tag};
    /// # use sealed_session::registry::Registry;
    /// # async fn example(registry: Registry, session: Session) -> Result<(), SessionError> {
    /// registry.end_others(&session, &Tag::new("user", 7)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Session::end_others`].
    pub async fn end_others<K: SessionKind>(
        &self,
        session: &Session<K>,
        tag: &Tag,
    ) -> Result<(), SessionError> {
        let old = session.id();
        let records = self.records(tag).await.unwrap_or_default();
        let ended = session.end_others(tag).await;
        if !matches!(
            ended.as_ref().map_err(SessionError::kind),
            Ok(()) | Err(SessionErrorKind::Revocation(RevocationErrorKind::Unconfirmed))
        ) {
            return ended;
        }
        if let Some(this) = records.iter().find(|record| Some(record.id) == old) {
            let details = Details::of(this);
            // If the store is away, the session is in no list until it is recorded again.
            if let Err(error) = Recorded::again(self, session, details).write().await {
                logging::not_recorded(&error);
            }
        }
        self.forget(&records).await;
        ended
    }

    /// The list of a tag.
    fn list_of(&self, tag: &Tag) -> ListKey {
        self.name(tag.as_bytes())
    }

    /// One of the lists of all sessions.
    fn shard(&self, shard: u8) -> ListKey {
        self.name(&[shard])
    }

    fn name(&self, input: &[u8]) -> ListKey {
        const PERSONAL: &[u8; 16] = b"sealed-session-l";
        let mut mac =
            Blake2bMac::<U16>::new_with_salt_and_personal(&*self.inner.key, &[], PERSONAL)
                .expect("key and personal are of the lengths that BLAKE2b takes");
        mac.update(input);
        ListKey::from_bytes(mac.finalize_fixed().into())
    }

    async fn page(&self, list: List<'_>) -> Result<Page, RevocationError> {
        let now = self.inner.clock.now();
        let store = &*self.inner.store;
        let after = list.after.map(|Cursor(created_at, id)| (created_at, id));
        let records = match list.of {
            Of::Tag(tag) => answer(store.list(self.list_of(&tag), after, list.limit, now)).await?,
            Of::All => {
                let mut records = Vec::new();
                let first = after.map_or(0, |(_, id)| shard_of(id));
                for shard in first..SHARDS {
                    let after = after.filter(|(_, id)| shard_of(*id) == shard);
                    let left = list.limit - records.len();
                    records.extend(answer(store.list(self.shard(shard), after, left, now)).await?);
                    if records.len() >= list.limit {
                        break;
                    }
                }
                records
            }
        };
        let full = records.len() >= list.limit;
        let next = records.last().filter(|_| full).map(|last| Cursor(last.created_at, last.id));
        // A server may have ended a session and not removed it from the list yet.
        let tags: &[Tag] = match &list.of {
            Of::Tag(tag) => std::slice::from_ref(tag),
            Of::All => &[],
        };
        let entries = records.iter().map(|record| (record, Details::of(record)));
        let entries = entries.filter(|(record, details)| !self.has_ended(record.id, details, tags));
        let entries = entries.map(|(record, details)| Entry::new(record, details, list.this, now));
        Ok(Page { entries: entries.collect(), next })
    }

    /// All records of a tag.
    async fn records(&self, tag: &Tag) -> Result<Vec<Record>, RevocationError> {
        let (key, now) = (self.list_of(tag), self.inner.clock.now());
        let mut records: Vec<Record> = Vec::new();
        loop {
            let after = records.last().map(|last| (last.created_at, last.id));
            let more = answer(self.inner.store.list(key, after, BATCH, now)).await?;
            let is_last = more.len() < BATCH;
            records.extend(more);
            if is_last {
                return Ok(records);
            }
        }
    }

    /// Whether this server knows that the session has ended, by its id or by one of these tags.
    fn has_ended(&self, id: SessionId, details: &Details, tags: &[Tag]) -> bool {
        self.inner.revocations.marks().ends(Some(id), tags, details.seen.unwrap_or(0))
    }

    /// Ends the oldest sessions of a tag that are too many, and forgets those that have ended already.
    async fn keep_at_most(
        &self,
        tag: &Tag,
        keep: usize,
        newest: SessionId,
    ) -> Result<(), RevocationError> {
        let now = self.inner.clock.now();
        let records = self.records(tag).await?;
        let others = records.into_iter().filter(|record| record.id != newest);
        let (dead, living): (Vec<_>, Vec<_>) = others.partition(|record| {
            let details = Details::of(record);
            let tags = std::slice::from_ref(tag);
            self.has_ended(record.id, &details, tags) || details.is_idle(record, now)
        });
        let too_many = living.get(keep.saturating_sub(1)..).unwrap_or_default();
        for record in too_many {
            match self.inner.revocations.end(record.id).await {
                Err(error) if *error.kind() != RevocationErrorKind::Unconfirmed => {
                    return Err(error);
                }
                _ => {}
            }
        }
        self.forget(&dead).await;
        self.forget(too_many).await;
        Ok(())
    }

    async fn find(&self, tag: &Tag, id: SessionId) -> Result<Option<Record>, RevocationError> {
        Ok(self.records(tag).await?.into_iter().find(|record| record.id == id))
    }

    /// Removes sessions that have ended from all of their lists. What stays is not shown, and goes when it
    /// expires.
    async fn forget(&self, records: &[Record]) {
        let mut by_list: HashMap<ListKey, Vec<SessionId>> = HashMap::new();
        for record in records {
            for list in self.lists(record) {
                by_list.entry(list).or_default().push(record.id);
            }
        }
        for (list, ids) in by_list {
            if let Err(error) = answer(self.inner.store.remove(list, &ids)).await {
                logging::not_forgotten(&error);
                return;
            }
        }
    }

    /// The lists that a record is in.
    fn lists(&self, record: &Record) -> Vec<ListKey> {
        let details = Details::of(record);
        let keys = details.lists.iter().filter_map(|text| text.parse::<SessionId>().ok());
        let keys = keys.map(|bytes| ListKey::from_bytes(*bytes.as_bytes()));
        keys.chain([self.shard(shard_of(record.id))]).collect()
    }
}

fn shard_of(id: SessionId) -> u8 {
    id.as_bytes()[0] % SHARDS
}

/// What a store answers, in time.
async fn answer<T>(answer: store::Answer<'_, T>) -> Result<T, RevocationError> {
    let cause: StoreError = match timeout(STORE_TIMEOUT, answer).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(elapsed) => elapsed.into(),
    };
    Err(RevocationError::caused_by(RevocationErrorKind::Registry, cause))
}

impl<K: SessionKind> CodecBuilder<K> {
    /// Gives the codec a registry, which then knows when its sessions were last seen. Default: none.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, Revocations};
    /// # use sealed_session::registry::Registry;
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let revocations = Revocations::in_memory();
    /// let registry = Registry::in_memory(&revocations);
    /// let codec = Codec::<Dynamic>::builder(keyring)
    ///     .revocations(&revocations)
    ///     .registry(&registry)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It is written when a session's cookie is refreshed: at most once in a tenth of its idle timeout,
    /// and off the request's way.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.watch(Arc::new(registry.clone()));
        self
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("recording", &self.inner.recording).finish_non_exhaustive()
    }
}
