//! `RevocationStore`: where marks are kept so that other servers learn of them.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{Mark, Target};

/// Why a store could not do what it was asked for.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// Where marks are kept, so that they outlive this process and reach others.
///
/// A store keeps marks and gives out numbers; it decides nothing. `Revocations` calls it: it repeats
/// what failed, follows what others append, and publishes again what a store has lost.
///
/// This store keeps its marks in one process:
///
/// ```
/// use std::sync::Mutex;
/// use std::time::Duration;
/// use sealed_session::revocation::{
///     Appended, Batch, Mark, Position, RevocationStore, StoreError, Target,
/// };
///
/// #[derive(Default)]
/// struct ListStore {
///     marks: Mutex<Vec<Mark>>,
///     changed: tokio::sync::Notify,
/// }
///
/// impl RevocationStore for ListStore {
///     async fn append(
///         &self,
///         targets: &[Target],
///         until: u64,
///         lowest: u64,
///     ) -> Result<Appended, StoreError> {
///         let mut marks = self.marks.lock().unwrap();
///         let last = marks.iter().map(|mark| mark.number).max().unwrap_or(0);
///         let number = lowest.max(last + 1);
///         marks.extend(targets.iter().map(|target| Mark { target: *target, number, until }));
///         self.changed.notify_waiters();
///         Ok(Appended { number, confirmed: true })
///     }
///
///     async fn publish(&self, known: &[Mark]) -> Result<(), StoreError> {
///         self.marks.lock().unwrap().extend_from_slice(known);
///         self.changed.notify_waiters();
///         Ok(())
///     }
///
///     async fn read(
///         &self,
///         after: Option<&Position>,
///         wait: Duration,
///     ) -> Result<Batch, StoreError> {
///         let place = match after {
///             Some(position) => position.as_str().parse::<usize>()?,
///             None => 0,
///         };
///         let changed = self.changed.notified();
///         if !wait.is_zero() && self.marks.lock().unwrap().len() <= place {
///             let _ = tokio::time::timeout(wait, changed).await;
///         }
///         let marks = self.marks.lock().unwrap();
///         let position = Position::new(marks.len().to_string());
///         Ok(Batch { marks: marks[place..].to_vec(), position, complete: true })
///     }
///
///     async fn heartbeat(&self) -> Result<(), StoreError> {
///         Ok(())
///     }
/// }
/// ```
pub trait RevocationStore: Send + Sync + 'static {
    /// Appends a mark for each target and gives all of them one number, which is at least `lowest`,
    /// higher than any number that the store has given or was given before, and at least the number of
    /// milliseconds since the Unix epoch by the store's clock if it has one. `until` is in seconds since
    /// the Unix epoch.
    ///
    /// When it returns `Ok`, every later [`read`](Self::read) from the store, by any process, finds the
    /// marks. `confirmed` says whether they are also kept as durably as the store was asked to keep
    /// them.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it. The marks may have been appended or not. The caller asks
    /// again.
    fn append(
        &self,
        targets: &[Target],
        until: u64,
        lowest: u64,
    ) -> impl Future<Output = Result<Appended, StoreError>> + Send;

    /// Appends marks that have their numbers already, because the store has lost them. From now on it
    /// gives higher numbers than theirs.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    fn publish(&self, marks: &[Mark]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The marks after a position, or all that are still needed. If there is none after the position, it
    /// waits until there is one, at most for this long.
    ///
    /// Marks may come twice and in any order, but the marks of one batch and of all before it must be
    /// all that were appended before the batch's position.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it. The caller reads again, from the beginning.
    fn read(
        &self,
        after: Option<&Position>,
        wait: Duration,
    ) -> impl Future<Output = Result<Batch, StoreError>> + Send;

    /// Fails unless an append would be confirmed now. Only after it succeeded does the caller say that
    /// it has heard the store: a server that still answers but is cut off from the others must not
    /// count.
    ///
    /// # Errors
    ///
    /// Whatever keeps the store from it.
    fn heartbeat(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What became of an append.
///
/// ```
/// use sealed_session::revocation::Appended;
///
/// let appended = Appended { number: 12, confirmed: true };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Appended {
    /// The number that the marks have.
    pub number: u64,
    /// Whether they are kept as durably as the store was asked to keep them.
    pub confirmed: bool,
}

/// Marks that were read from a store.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Batch {
    /// The marks.
    pub marks: Vec<Mark>,
    /// Up to where the store was read. The next read begins there.
    pub position: Position,
    /// Whether there was nothing more when this was read.
    pub complete: bool,
}

/// A place in a store's marks, in a form of the store's own.
///
/// ```
/// use sealed_session::revocation::Position;
///
/// assert_eq!(Position::new("1700000000000-0").as_str(), "1700000000000-0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(String);

impl Position {
    /// A position with this text.
    ///
    /// ```
    /// # use sealed_session::revocation::Position;
    /// let position = Position::new("12");
    /// ```
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    ///
    /// ```
    /// # use sealed_session::revocation::Position;
    /// assert_eq!(Position::new("12").as_str(), "12");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The result of a store's method, without the method's type.
pub(super) type Answer<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// Any store, behind one pointer.
pub(super) trait AnyStore: Send + Sync + 'static {
    fn append<'s>(&'s self, targets: &'s [Target], until: u64, lowest: u64)
    -> Answer<'s, Appended>;
    fn publish<'s>(&'s self, marks: &'s [Mark]) -> Answer<'s, ()>;
    fn read<'s>(&'s self, after: Option<&'s Position>, wait: Duration) -> Answer<'s, Batch>;
    fn heartbeat(&self) -> Answer<'_, ()>;
}

impl<S: RevocationStore> AnyStore for S {
    fn append<'s>(
        &'s self,
        targets: &'s [Target],
        until: u64,
        lowest: u64,
    ) -> Answer<'s, Appended> {
        Box::pin(RevocationStore::append(self, targets, until, lowest))
    }

    fn publish<'s>(&'s self, marks: &'s [Mark]) -> Answer<'s, ()> {
        Box::pin(RevocationStore::publish(self, marks))
    }

    fn read<'s>(&'s self, after: Option<&'s Position>, wait: Duration) -> Answer<'s, Batch> {
        Box::pin(RevocationStore::read(self, after, wait))
    }

    fn heartbeat(&self) -> Answer<'_, ()> {
        Box::pin(RevocationStore::heartbeat(self))
    }
}
