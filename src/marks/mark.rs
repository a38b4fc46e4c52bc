//! `Mark`: a note that sessions have ended. What a store keeps.

use super::tag::Tag;
use crate::session_id::SessionId;

/// The first 64 bits of a session's id, by which a mark names it.
///
/// Ids are random, so half of one is enough: with 10 million marks and a thousand million sessions,
/// the probability that any session is refused by mistake is 5 in 10,000.
///
/// ```
/// use sealed_session::SessionId;
/// use sealed_session::revocation::ShortId;
///
/// let id = SessionId::from_bytes([7; 16]);
/// assert_eq!(ShortId::from(id), ShortId::from_bytes([7; 8]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShortId(pub(super) u64);

impl ShortId {
    /// The short id with these bytes.
    ///
    /// ```
    /// # use sealed_session::revocation::ShortId;
    /// let id = ShortId::from_bytes([7; 8]);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// Its bytes: the first 8 of the session's id.
    ///
    /// ```
    /// # use sealed_session::revocation::ShortId;
    /// assert_eq!(ShortId::from_bytes([7; 8]).to_bytes(), [7; 8]);
    /// ```
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl From<SessionId> for ShortId {
    fn from(id: SessionId) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
        Self::from_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Which sessions an ending is about.
///
/// ```
/// use sealed_session::{SessionId, Tag};
/// use sealed_session::revocation::Target;
///
/// let one = Target::Session(SessionId::from_bytes([7; 16]).into());
/// let many = Target::Tag(Tag::new("user", 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a store must handle each")]
pub enum Target {
    /// One session.
    Session(ShortId),
    /// All sessions of a tag.
    Tag(Tag),
}

/// A note that sessions have ended: one session, or all sessions of a tag that had not seen it.
///
/// Marks can be repeated, reordered and merged. A store only keeps them: it never has to compare two.
///
/// ```
/// use sealed_session::Tag;
/// use sealed_session::revocation::{Mark, Target};
///
/// let mark = Mark { target: Target::Tag(Tag::new("user", 7)), number: 12, until: 1_800_000_000 };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a store makes them")]
pub struct Mark {
    /// What it ends.
    pub target: Target,
    /// The number that the store gave it. A tag's mark ends the sessions whose own number is lower.
    pub number: u64,
    /// From when nobody needs it any longer, in seconds since the Unix epoch.
    pub until: u64,
}
