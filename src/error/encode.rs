//! `EncodeError`: why a session's data could not be sealed into a token.

use std::fmt;
use std::time::Duration;

use super::ConfigErrorKind;

opaque_error! {
    /// A session's data could not be sealed into a token.
    ///
    /// ```
    /// use sealed_session::{Codec, Dynamic, EncodeErrorKind, Entries, Key, Keyring};
    ///
    /// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let mut entries = Entries::new();
    /// entries.insert("note", &"n".repeat(4096))?;
    /// let error = codec.encode(&entries).unwrap_err();
    /// assert!(matches!(error.kind(), EncodeErrorKind::TooLarge(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    EncodeError, EncodeErrorKind
}

/// Why a session's data could not be sealed into a token.
///
/// ```
/// use sealed_session::{Codec, Dynamic, EncodeErrorKind, Entries, Key, Keyring};
///
/// # let node = Key::generate()?;
/// let codec = Codec::<Dynamic>::new(Keyring::fastify(node))?;
/// let mut entries = Entries::new();
/// entries.insert("__ts", &1)?;
/// let kind = codec.encode(&entries).unwrap_err().kind().clone();
/// assert!(matches!(kind, EncodeErrorKind::Reserved { entry, .. } if entry == "__ts"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeErrorKind {
    /// Name and value together would be larger than the 4096 bytes that a browser stores.
    TooLarge(TooLarge),
    /// The data could not be serialized to JSON.
    #[non_exhaustive]
    Serialize {
        /// The message of `serde_json`, where it cannot quote the data.
        reason: Option<String>,
    },
    /// The data's `Deserialize` cannot read what its `Serialize` writes, so the next request would
    /// find no session. (A float that is not finite is written as null. More than 127 levels of
    /// arrays and objects cannot be read.)
    NotReadable,
    /// The operating system gave no randomness for a nonce.
    Randomness,
    /// The clock shows a time later than a token can hold (the year 10,889).
    Clock,
    /// The token format uses this name itself; see [`Keyring::fastify`](crate::Keyring).
    #[non_exhaustive]
    Reserved {
        /// The member's name.
        entry: String,
    },
    /// The data is not a JSON object, and fastify tokens can hold nothing else.
    NotAnObject,
    /// The session expired before it could be sealed again.
    Expired,
    /// The session was ended before it could be sealed again.
    Ended,
    /// The text is not a token: it has a character that no token has.
    NotAToken,
    /// The session has its own idle timeout, and fastify tokens cannot carry one.
    NoRoomForIdleTimeout,
    /// The session's own idle timeout is not a whole number of seconds between 1 and 2^31 - 1.
    #[non_exhaustive]
    IdleTimeout {
        /// The value as it was given.
        found: Duration,
    },
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(size) => size.fmt(f),
            Self::Serialize { reason: Some(reason) } => {
                write!(f, "the session data could not be serialized to JSON: {reason}")
            }
            Self::Serialize { reason: None } => f.write_str(
                "the session data could not be serialized to JSON: its own Serialize implementation \
                 failed",
            ),
            Self::NotReadable => f.write_str(
                "the session data cannot be deserialized from its own JSON (a float that is not \
                 finite? a skipped field without a default?)",
            ),
            Self::Randomness => f.write_str("the operating system gave no randomness"),
            Self::Clock => f.write_str("the clock shows a time after the year 10889"),
            Self::Reserved { entry } => {
                write!(f, "the name `{entry}` is reserved by the token format")
            }
            Self::NotAnObject => f.write_str(
                "the session data is not a JSON object, and fastify tokens can only hold JSON objects",
            ),
            Self::Expired => f.write_str("the session has expired"),
            Self::Ended => f.write_str("the session was ended"),
            Self::NotAToken => f.write_str("the text is not a token"),
            Self::NoRoomForIdleTimeout => {
                f.write_str("fastify tokens cannot carry a per-session idle timeout")
            }
            Self::IdleTimeout { found } => {
                ConfigErrorKind::Timeout { which: "session's own idle", found: *found }.fmt(f)
            }
        }
    }
}

/// How large a cookie would have become, in bytes, and what takes the space.
///
/// ```
/// use sealed_session::{EncodeErrorKind, Session, SessionErrorKind};
///
/// fn save(session: &Session, draft: &str) -> Result<(), String> {
///     session.insert("draft", draft).map_err(|error| match error.kind() {
///         SessionErrorKind::Encode(EncodeErrorKind::TooLarge(size)) => {
///             format!("{} bytes too long", size.size - size.limit)
///         }
///         _ => "not saved".to_owned(),
///     })
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The cookie's name.
    pub cookie: String,
    /// The size of name and value, as a browser counts them.
    pub size: usize,
    /// The largest size that a browser stores: 4096.
    pub limit: usize,
    /// The size of the session's JSON before sealing.
    pub json: usize,
    /// The entry that was being inserted, if there is one, and the size of its JSON.
    pub entry: Option<(String, usize)>,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cookie, size, limit, json, entry } = self;
        write!(
            f,
            "the cookie `{cookie}` would have {size} bytes, {} more than the {limit} that browsers \
             store: {} for the name, {} for the sealed value of {json} bytes of JSON",
            size.saturating_sub(*limit),
            cookie.len(),
            size - cookie.len(),
        )?;
        match entry {
            Some((name, bytes)) => write!(f, "; the entry `{name}` takes {bytes} of those"),
            None => Ok(()),
        }
    }
}

impl EncodeErrorKind {
    pub(crate) fn serialize(error: &serde_json::Error) -> Self {
        // The category `Data` is a message of the data's own implementation, which may quote values.
        let reason = match error.classify() {
            serde_json::error::Category::Data => None,
            _ => Some(error.to_string()),
        };
        Self::Serialize { reason }
    }
}
