//! `Revocations`: ends sessions that are sealed in their browsers.
//!
//! Marks that sessions have ended are in the process's own tables (`marks/`), where each opening looks.
//! This module brings them there: from this process, and from others through a store.

mod attach;
mod builder;
mod follow;
#[cfg(feature = "session")]
mod session;
mod store;

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::timeout;

#[cfg(feature = "session")]
use self::attach::attached_to;
pub use self::builder::{AtStart, RevocationsBuilder, WhenAway};
use self::follow::{Attempt, Following, Pending};
pub use self::store::{Appended, Batch, Position, RevocationStore, StoreError};
use crate::clock::{Clock, CodecClock};
use crate::codec::TokenInfo;
pub use crate::error::{RevocationError, RevocationErrorKind};
use crate::logging;
use crate::marks::Marks;
pub use crate::marks::{Mark, ShortId, Tag, Target};
use crate::session_id::SessionId;
use crate::sync::Mutex;

/// How long an ending waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Ends sessions, although they are stored in their browsers.
///
/// It keeps *marks*: notes that a session, or all sessions of a [`Tag`], have ended. Every opening of a
/// token looks into the process's own table of marks, so no request waits for a store. Give it to the
/// codecs whose sessions it can end ([`CodecBuilder::revocations`](crate::CodecBuilder::revocations)).
/// Clones are the same revocations.
///
/// ```
/// # use sealed_session::{Codec, Key, Keyring, Revocations, SessionKind, Tag};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize, Clone)]
/// struct Login { user_id: u64 }
///
/// impl SessionKind for Login {
///     type Data = Self;
///     const NAME: &'static str = "login";
///
///     fn tags(login: &Self) -> Vec<Tag> {
///         vec![Tag::new("user", login.user_id)]
///     }
/// }
///
/// # let keyring = Keyring::new(Key::generate()?);
/// let revocations = Revocations::in_memory();
/// let codec = Codec::<Login>::builder(keyring).revocations(&revocations).build()?;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let token = codec.encode(Login { user_id: 7 })?;
/// revocations.end_all(&Tag::new("user", 7)).await?;
/// assert!(codec.decode(&token).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [The guide](crate::guide::ending_sessions) says which store is for whom, and what happens while it
/// cannot be reached.
#[derive(Clone)]
pub struct Revocations {
    shared: Arc<Shared>,
}

/// What the clones of a `Revocations` and its codecs share. Following a store ends with it.
pub(crate) struct Shared {
    inner: Arc<Inner>,
    /// `None` in memory.
    following: Option<Following>,
}

/// What the tasks that follow a store use too.
struct Inner {
    marks: Arc<Marks>,
    /// `None` in memory.
    store: Option<Box<dyn store::AnyStore>>,
    clock: CodecClock,
    /// In memory: the last number that was given.
    last: Mutex<u64>,
    pending: Pending,
    follow: follow::State,
}

/// How the store and this server get on.
///
/// ```
/// use sealed_session::Revocations;
/// use sealed_session::revocation::Status;
///
/// assert_eq!(Revocations::in_memory().status(), Status::Live);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The store has not been read yet.
    Starting,
    /// The store is followed.
    Live,
    /// The store cannot be reached, or does not confirm writes. What it ends is not known here since
    /// this time.
    #[non_exhaustive]
    Stale {
        /// When the store was last heard.
        since: SystemTime,
    },
    /// The store is followed, but has not confirmed this many endings yet.
    Unconfirmed(usize),
}

impl Revocations {
    /// Revocations of this process alone, which forgets them when it ends. For a service of one process,
    /// and for tests.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring, Revocations};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let revocations = Revocations::in_memory();
    /// let codec = Codec::<Dynamic>::builder(keyring).revocations(&revocations).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Security
    ///
    /// After a restart, sessions that were ended before open again. If that matters, use a store.
    #[must_use]
    pub fn in_memory() -> Self {
        builder::in_memory(CodecClock::System)
    }

    /// As [`in_memory`](Self::in_memory), with a clock that dates the marks. In tests, use the codec's.
    ///
    /// ```
    /// # use sealed_session::{Revocations, TestClock};
    /// let revocations = Revocations::in_memory_with(TestClock::at(1_700_000_000));
    /// ```
    #[must_use]
    pub fn in_memory_with(clock: impl Clock) -> Self {
        builder::in_memory(CodecClock::Other(Arc::new(clock)))
    }

    /// Revocations that a store keeps, with what happens while it cannot be reached, and before it has
    /// been read.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use sealed_session::Revocations;
    /// use sealed_session::revocation::{AtStart, RevocationError, RevocationStore, WhenAway};
    ///
    /// async fn open(store: impl RevocationStore) -> Result<Revocations, RevocationError> {
    ///     let at_start = AtStart::Wait(Duration::from_secs(10));
    ///     Revocations::open(store, WhenAway::KeepServing, at_start).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RevocationErrorKind::Unread`] if the store could not be read in the time of
    /// [`AtStart::Wait`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with a timer, because it starts tasks that follow the store. They end when the last
    /// clone and the last codec are dropped.
    pub async fn open(
        store: impl RevocationStore,
        when_away: WhenAway,
        at_start: AtStart,
    ) -> Result<Self, RevocationError> {
        Self::builder(store, when_away, at_start).open().await
    }

    /// As [`open`](Self::open), with further settings.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::Revocations;
    /// # use sealed_session::revocation::{AtStart, RevocationError, RevocationStore, WhenAway};
    /// # async fn open(store: impl RevocationStore) -> Result<Revocations, RevocationError> {
    /// let revocations = Revocations::builder(store, WhenAway::KeepServing, AtStart::ServeUnread)
    ///     .keep_for(Duration::from_secs(90 * 24 * 60 * 60))
    ///     .open()
    ///     .await?;
    /// # Ok(revocations) }
    /// ```
    pub fn builder(
        store: impl RevocationStore,
        when_away: WhenAway,
        at_start: AtStart,
    ) -> RevocationsBuilder {
        RevocationsBuilder::new(Box::new(store), when_away, at_start)
    }

    /// Ends the session with this id, on all servers.
    ///
    /// ```
    /// # use sealed_session::{RevocationError, Revocations, SessionId};
    /// # async fn example(revocations: Revocations, id: SessionId) -> Result<(), RevocationError> {
    /// revocations.end(id).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RevocationErrorKind::Unconfirmed`] if the store has not confirmed it. It is in force on this
    /// server nevertheless, and is repeated until the store confirms it.
    pub async fn end(&self, id: SessionId) -> Result<(), RevocationError> {
        self.append(Target::Session(id.into())).await
    }

    /// Ends all sessions of a tag that began, or were given the tag, before now; on all servers.
    ///
    /// ```
    /// # use sealed_session::{RevocationError, Revocations, Tag};
    /// async fn ban(revocations: &Revocations, user: u64) -> Result<(), RevocationError> {
    ///     revocations.end_all(&Tag::new("user", user)).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end).
    pub async fn end_all(&self, tag: &Tag) -> Result<(), RevocationError> {
        self.append(Target::Tag(*tag)).await
    }

    /// Whether the session has ended since its token was opened: for a connection that stays open for
    /// long, such as a websocket.
    ///
    /// ```
    /// # use sealed_session::{RevocationError, Revocations, TokenInfo};
    /// # fn example(revocations: Revocations, info: TokenInfo) -> Result<(), RevocationError> {
    /// if revocations.is_ended(&info)? {
    ///     println!("close the connection");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// It does not tell whether the session has expired: [`TokenInfo::expires_at`] does.
    ///
    /// # Errors
    ///
    /// [`RevocationErrorKind::Unread`] while that cannot be said, where
    /// [`WhenAway::RefuseAfter`] or [`AtStart`] says so.
    pub fn is_ended(&self, info: &TokenInfo) -> Result<bool, RevocationError> {
        let marks = &*self.shared.inner.marks;
        if info.id.is_some_and(|id| marks.has_id(id)) {
            return Ok(true);
        }
        if marks.has_tags() {
            // What cannot be read back could be a session that was ended.
            let tags = info.tags.tags.get();
            if tags.is_none_or(|tags| marks.has_tag(&tags, info.tags.survives)) {
                return Ok(true);
            }
        }
        if !marks.availability().is_available(self.shared.inner.clock.now()) {
            return Err(RevocationErrorKind::Unread.into());
        }
        Ok(false)
    }

    /// Whether [`end_all`](Self::end_all) ended this tag, and the mark is still kept: for a log-in that
    /// is not a session of this crate, and is older than the mark. Another library's cookie has no id
    /// and no beginning, so this is all that can be asked about it.
    ///
    /// ```
    /// # use sealed_session::{RevocationError, Revocations, Tag};
    /// # fn example(revocations: &Revocations) -> Result<(), RevocationError> {
    /// let user_id = 7; // from a cookie of the library that was used before
    /// if revocations.has_mark(&Tag::new("user", user_id))? {
    ///     println!("all sessions of this user were ended since: the old cookie does not count");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// [“Moving from `PrivateCookieJar`”](crate::guide::moving_from_private_cookie_jar) uses it. It does
    /// not say whether a session has ended that began after the mark: [`is_ended`](Self::is_ended) does.
    ///
    /// # Errors
    ///
    /// As [`is_ended`](Self::is_ended).
    pub fn has_mark(&self, tag: &Tag) -> Result<bool, RevocationError> {
        let marks = &*self.shared.inner.marks;
        if marks.has_mark(tag) {
            return Ok(true);
        }
        if !marks.availability().is_available(self.shared.inner.clock.now()) {
            return Err(RevocationErrorKind::Unread.into());
        }
        Ok(false)
    }

    /// How the store and this server get on: for a health check.
    ///
    /// ```
    /// # use sealed_session::Revocations;
    /// # let revocations = Revocations::in_memory();
    /// println!("revocations: {:?}", revocations.status());
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = &*self.shared.inner;
        let availability = inner.marks.availability();
        if !availability.is_read() {
            return Status::Starting;
        }
        let is_over = self.shared.following.as_ref().is_some_and(Following::is_over);
        // One that has not answered the first heartbeat yet, or hangs, is not away before that fails.
        let is_silent = !availability.is_available(inner.clock.now());
        if inner.follow.is_away() || is_over || is_silent {
            let since = UNIX_EPOCH.checked_add(Duration::from_millis(availability.known_until()));
            return Status::Stale { since: since.unwrap_or(UNIX_EPOCH) };
        }
        match inner.pending.len() {
            0 => Status::Live,
            count => Status::Unconfirmed(count),
        }
    }

    /// How many marks this process knows.
    ///
    /// ```
    /// # use sealed_session::Revocations;
    /// assert_eq!(Revocations::in_memory().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.inner.marks.len()
    }

    /// Whether this process knows no mark.
    ///
    /// ```
    /// # use sealed_session::Revocations;
    /// assert!(Revocations::in_memory().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.inner.marks.is_empty()
    }

    /// Reads the store to its end, so that everything that was appended before is known here. A request
    /// does that with `Session::verify_now`.
    ///
    /// ```
    /// # use sealed_session::{RevocationError, Revocations, TokenInfo};
    /// # async fn example(revocations: Revocations, info: TokenInfo) -> Result<bool, RevocationError> {
    /// revocations.read_now().await?;
    /// revocations.is_ended(&info)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RevocationErrorKind::Unread`] if the store could not be read.
    pub async fn read_now(&self) -> Result<(), RevocationError> {
        let inner = &self.shared.inner;
        let Some(store) = &inner.store else { return Ok(()) };
        let from = inner.follow.position();
        let read = async {
            // A store that is cut off from the others may answer all the same.
            follow::beat(&**store).await?;
            follow::read_on(inner, &**store, from).await
        };
        match timeout(STORE_TIMEOUT, read).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(RevocationError::caused_by(RevocationErrorKind::Unread, error)),
            Err(elapsed) => Err(RevocationError::caused_by(RevocationErrorKind::Unread, elapsed)),
        }
    }

    #[cfg(feature = "registry")]
    pub(crate) fn marks(&self) -> &Marks {
        &self.shared.inner.marks
    }

    #[cfg(feature = "registry")]
    pub(crate) fn clock(&self) -> CodecClock {
        self.shared.inner.clock.clone()
    }

    /// Makes a mark.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "for the session handle"))]
    pub(crate) async fn append(&self, target: Target) -> Result<(), RevocationError> {
        let inner = &*self.shared.inner;
        let now = inner.clock.now();
        let until = inner.until(now);
        let Some(store) = &inner.store else {
            inner.append_here(target, until, now);
            return Ok(());
        };
        let from = inner.follow.position();
        inner.append_to(&**store, target, until, now).await.1?;
        if let Target::Tag(_) = target {
            // So that a session which begins from now on has seen it. Otherwise the task that follows sees
            // to it.
            let _ = timeout(STORE_TIMEOUT, follow::read_on(inner, &**store, from)).await;
        }
        Ok(())
    }

    /// Ends the sessions of a tag for a session that goes on: with these ids, these tags, and what it
    /// survives.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "for the session handle"))]
    pub(crate) async fn end_others(
        &self,
        tag: &Tag,
        ids: &[SessionId],
        tags: &[Tag],
        survives: u64,
    ) -> (Outcome, Result<(), RevocationError>) {
        let inner = &*self.shared.inner;
        let marks = &*inner.marks;
        let has_ended = || ids.iter().any(|id| marks.has_id(*id)) || marks.has_tag(tags, survives);
        let now = inner.clock.now();
        let until = inner.until(now);
        let Some(store) = &inner.store else {
            // Under the lock, so that no other mark comes between the look-up and this one.
            let mut last = inner.last.lock().unwrap_or_else(PoisonError::into_inner);
            if has_ended() {
                return (Outcome::Ended, Ok(()));
            }
            let number = inner.number_after(&mut last, now);
            inner.add_here(Mark { target: Target::Tag(*tag), number, until }, now);
            return (Outcome::GoesOn(number), Ok(()));
        };
        // Before the look-up: what is heard from here on is read again.
        let from = inner.follow.position();
        if has_ended() {
            return (Outcome::Ended, Ok(()));
        }
        let (number, result) = inner.append_to(&**store, Target::Tag(*tag), until, now).await;
        let read = match number {
            Some(_) => timeout(STORE_TIMEOUT, follow::read_on(inner, &**store, from)).await,
            None => return (Outcome::NotKnown, result),
        };
        let (Some(number), Ok(Ok(read))) = (number, read) else {
            return (Outcome::NotKnown, result.and(Err(RevocationErrorKind::Unread.into())));
        };
        let ended_by = |mark: &Mark| {
            let Target::Tag(tag) = mark.target else { return false };
            tags.contains(&tag) && mark.number != number && mark.number > survives
        };
        // Two that end each other at the same moment may both end.
        if ids.iter().any(|id| marks.has_id(*id)) || read.iter().any(ended_by) {
            return (Outcome::Ended, result);
        }
        (Outcome::GoesOn(number), result)
    }
}

/// What became of the session that ends others.
#[cfg_attr(not(feature = "session"), allow(dead_code, reason = "for the session handle"))]
pub(crate) enum Outcome {
    /// It has seen the mark of this number, and all before it.
    GoesOn(u64),
    /// Another mark had ended it.
    Ended,
    /// Nobody can tell. The mark ends this session as well.
    NotKnown,
}

impl Inner {
    /// From when a mark that is made now is not needed any longer. Seconds since the Unix epoch.
    fn until(&self, now: u64) -> u64 {
        (now / 1000).saturating_add(self.marks.keep_for().into())
    }

    /// Sends a mark to the store. If the store does not confirm it, it is in force here, and it is sent
    /// again later. Returns the number that the store gave it.
    async fn append_to(
        &self,
        store: &dyn store::AnyStore,
        target: Target,
        until: u64,
        now: u64,
    ) -> (Option<u64>, Result<(), RevocationError>) {
        if let Target::Session(_) = target {
            // It needs no number, so it is in force here before the store answers.
            self.marks.add(&[Mark { target, number: 0, until }], now / 1000);
        }
        // It is already in the list if the caller stops waiting.
        let mut attempt = Attempt::begin(self, target, until);
        let targets = [target];
        let lowest = self.marks.highest().saturating_add(1);
        let append = store.append(&targets, until, lowest);
        let (number, cause): (_, StoreError) = match timeout(STORE_TIMEOUT, append).await {
            Ok(Ok(Appended { number, confirmed })) => {
                self.marks.add(&[Mark { target, number, until }], now / 1000);
                attempt.numbered(number);
                if confirmed {
                    attempt.confirmed();
                    return (Some(number), Ok(()));
                }
                (Some(number), "too few copies of the mark".into())
            }
            Ok(Err(error)) => (None, error),
            Err(elapsed) => (None, elapsed.into()),
        };
        attempt.in_force();
        drop(attempt);
        logging::ending_unconfirmed(&*cause);
        let error = RevocationError::caused_by(RevocationErrorKind::Unconfirmed, cause);
        (number, Err(error))
    }

    /// Adds a mark to the tables of this process alone, with a number of its own.
    fn append_here(&self, target: Target, until: u64, now: u64) -> u64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.number_after(&mut last, now);
        self.add_here(Mark { target, number, until }, now);
        number
    }

    fn number_after(&self, last: &mut u64, now: u64) -> u64 {
        *last = now.max(last.saturating_add(1)).max(self.marks.highest().saturating_add(1));
        *last
    }

    /// The caller holds the lock of the last number, so that in memory no lower number comes later.
    fn add_here(&self, mark: Mark, now: u64) {
        self.marks.add(&[mark], now / 1000);
        if self.store.is_none() {
            self.marks.note_read_to(mark.number);
        }
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("status", &self.status())
            .field("marks", &self.len())
            .finish_non_exhaustive()
    }
}
