//! `RevocationsBuilder`, and what happens while the store is away.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::follow::{self, Following, Pending};
use super::store::AnyStore;
use super::{Inner, Revocations, Shared};
use crate::clock::{Clock, CodecClock, monotonic_millis};
use crate::error::{RevocationError, RevocationErrorKind};
use crate::marks::{Availability, Marks};
use crate::sync::Mutex;

/// How often a server makes sure that the store still confirms writes, if nothing else is asked for.
const HEARTBEAT: Duration = Duration::from_secs(10);
const LONGEST_HEARTBEAT: Duration = Duration::from_secs(60 * 60);

/// What happens to sessions while the store cannot be reached. There is no default: it is a choice
/// between two kinds of harm.
///
/// ```
/// # use std::time::Duration;
/// use sealed_session::revocation::WhenAway;
///
/// let shop = WhenAway::KeepServing;
/// let bank = WhenAway::RefuseAfter(Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenAway {
    /// Sessions are served as before, for as long as the store is away. What another server ends
    /// meanwhile is not ended here.
    KeepServing,
    /// Sessions are served for this long. Then they are unavailable until the store is back: neither
    /// empty nor valid, a response with status 503.
    RefuseAfter(Duration),
}

/// What happens to sessions before the store has been read. There is no default.
///
/// ```
/// # use std::time::Duration;
/// use sealed_session::revocation::AtStart;
///
/// let at_start = AtStart::Wait(Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtStart {
    /// The server waits for the store, at most for this long. Then it is an error.
    Wait(Duration),
    /// The server starts at once, and its sessions are unavailable until the store has been read.
    Refuse,
    /// The server starts at once and serves all sessions, including those that were ended. A session
    /// with tags that begins meanwhile may be ended when the store has been read.
    ServeUnread,
}

/// Settings for [`Revocations`]; created by [`Revocations::builder`].
///
/// ```
/// # use std::time::Duration;
/// # use sealed_session::Revocations;
/// # use sealed_session::revocation::{AtStart, RevocationError, RevocationStore, WhenAway};
/// async fn open(store: impl RevocationStore) -> Result<Revocations, RevocationError> {
///     let when_away = WhenAway::RefuseAfter(Duration::from_secs(60));
///     Revocations::builder(store, when_away, AtStart::Refuse).open().await
/// }
/// ```
#[must_use = "a builder does nothing until `open` is called"]
pub struct RevocationsBuilder {
    store: Box<dyn AnyStore>,
    when_away: WhenAway,
    at_start: AtStart,
    keep_for: Option<Duration>,
    heartbeat: Option<Duration>,
    clock: CodecClock,
}

impl RevocationsBuilder {
    pub(super) fn new(store: Box<dyn AnyStore>, when_away: WhenAway, at_start: AtStart) -> Self {
        let clock = CodecClock::System;
        Self { store, when_away, at_start, keep_for: None, heartbeat: None, clock }
    }

    /// For how long a mark is kept, in whole seconds. Default: the longest absolute timeout of the
    /// codecs that have these revocations. A codec with a longer one is then an error when it is built.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::revocation::RevocationsBuilder;
    /// # fn example(builder: RevocationsBuilder) -> RevocationsBuilder {
    /// builder.keep_for(Duration::from_secs(90 * 24 * 60 * 60))
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// If you raise a codec's absolute timeout later, sessions whose marks are forgotten by then open
    /// again. This setting keeps them for longer from the beginning. A process knows only its own codecs,
    /// and without any it keeps marks for 30 days: set this in a tool that ends sessions, and wherever the
    /// sessions of other processes can last longer.
    pub fn keep_for(mut self, time: Duration) -> Self {
        self.keep_for = Some(time);
        self
    }

    /// How often this server makes sure that the store still confirms writes: at most an hour, and at most a
    /// quarter of the time of [`WhenAway::RefuseAfter`]. Default: 10 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sealed_session::revocation::RevocationsBuilder;
    /// # fn example(builder: RevocationsBuilder) -> RevocationsBuilder {
    /// builder.heartbeat(Duration::from_secs(2))
    /// # }
    /// ```
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = Some(every);
        self
    }

    /// The clock that dates the marks. Default: [`SystemClock`](crate::SystemClock). In tests, use the
    /// codec's.
    ///
    /// ```
    /// # use sealed_session::TestClock;
    /// # use sealed_session::revocation::RevocationsBuilder;
    /// # fn example(builder: RevocationsBuilder) -> RevocationsBuilder {
    /// builder.clock(TestClock::at(1_700_000_000))
    /// # }
    /// ```
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = CodecClock::Other(Arc::new(clock));
        self
    }

    /// Opens the store and begins to follow it.
    ///
    /// ```
    /// # use sealed_session::Revocations;
    /// # use sealed_session::revocation::{RevocationError, RevocationsBuilder};
    /// # async fn example(builder: RevocationsBuilder) -> Result<Revocations, RevocationError> {
    /// builder.open().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Revocations::open`].
    ///
    /// # Panics
    ///
    /// As [`Revocations::open`].
    pub async fn open(self) -> Result<Revocations, RevocationError> {
        let refuse_after = match self.when_away {
            WhenAway::KeepServing => None,
            WhenAway::RefuseAfter(after) => Some(after),
        };
        let limit = refuse_after.map(|after| after.as_millis().try_into().unwrap_or(u64::MAX));
        let heartbeat = self.heartbeat.unwrap_or(HEARTBEAT).min(LONGEST_HEARTBEAT);
        // Otherwise the sessions would be unavailable between two heartbeats.
        let heartbeat = refuse_after.map_or(heartbeat, |after| heartbeat.min(after / 4));
        let unread = matches!(self.at_start, AtStart::ServeUnread);
        let keep_for = self.keep_for.map(|time| time.as_secs().try_into().unwrap_or(u32::MAX));
        let inner = Arc::new(Inner {
            marks: Arc::new(Marks::new(Availability::new(unread, limit), keep_for)),
            store: Some(self.store),
            clock: self.clock,
            last: Mutex::new(0),
            pending: Pending::new(),
            follow: follow::State::new(heartbeat.max(Duration::from_millis(10))),
        });
        let following = Some(Following::start(&inner));
        let revocations =
            Revocations { shared: Arc::new(Shared { inner: inner.clone(), following }) };
        if let AtStart::Wait(timeout) = self.at_start {
            let read = inner.follow.first_read(&inner);
            if tokio::time::timeout(timeout, read).await.is_err() {
                return Err(match inner.follow.take_error() {
                    Some(error) => RevocationError::caused_by(RevocationErrorKind::Unread, error),
                    None => RevocationErrorKind::Unread.into(),
                });
            }
        }
        Ok(revocations)
    }
}

impl fmt::Debug for RevocationsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationsBuilder")
            .field("when_away", &self.when_away)
            .field("at_start", &self.at_start)
            .field("keep_for", &self.keep_for)
            .field("heartbeat", &self.heartbeat)
            .finish_non_exhaustive()
    }
}

/// Revocations without a store.
pub(super) fn in_memory(clock: CodecClock) -> Revocations {
    let availability = Availability::new(true, None);
    availability.heard(clock.now(), monotonic_millis());
    let inner = Inner {
        marks: Arc::new(Marks::new(availability, None)),
        store: None,
        clock,
        last: Mutex::new(0),
        pending: Pending::new(),
        follow: follow::State::new(HEARTBEAT),
    };
    Revocations { shared: Arc::new(Shared { inner: Arc::new(inner), following: None }) }
}
