//! Why data cannot be sealed.

use std::fmt;
use std::time::Duration;

use super::ConfigErrorKind;

opaque_error! {
    /// Data could not be sealed.
    EncodeError, EncodeErrorKind
}

/// Why data could not be sealed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeErrorKind {
    /// Name and value together would be more than the 4096 bytes that a browser keeps.
    TooLarge(TooLarge),
    /// The data does not serialise to JSON.
    #[non_exhaustive]
    Serialize {
        /// What `serde_json` said, where its words cannot quote the data.
        reason: Option<String>,
    },
    /// What the data's `Serialize` writes, its `Deserialize` does not read back: the next request
    /// would find no session. (A float that is not finite is written as null; more than 127 levels
    /// of arrays and objects are not read.)
    NotReadable,
    /// The operating system gave no randomness for a nonce.
    Randomness,
    /// The clock is beyond what a token can say (the year 36,812).
    Clock,
    /// The key's token has its own use for this name; see [`Keyring::fastify`](crate::Keyring).
    #[non_exhaustive]
    Reserved {
        /// The member's name.
        entry: String,
    },
    /// The data is not a JSON object, and the key's token holds nothing else.
    NotAnObject,
    /// The session has an idle timeout of its own, and the key's token has no room for it.
    NoRoomForIdleTimeout,
    /// The session's own idle timeout is not between 1 second and 2^31 - 1 seconds in whole seconds.
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
                write!(f, "the session data does not serialise to JSON: {reason}")
            }
            Self::Serialize { reason: None } => f.write_str(
                "the session data does not serialise to JSON: its own Serialize implementation failed",
            ),
            Self::NotReadable => f.write_str(
                "the session data does not read back from its own JSON (a float that is not finite? a \
                 field that is skipped and has no default?)",
            ),
            Self::Randomness => f.write_str("the operating system gave no randomness"),
            Self::Clock => f.write_str("the clock is beyond the year 36812"),
            Self::Reserved { entry } => {
                write!(f, "the name `{entry}` is reserved for the token's own use")
            }
            Self::NotAnObject => {
                f.write_str("the session data is not a JSON object, and a fastify token holds nothing else")
            }
            Self::NoRoomForIdleTimeout => f.write_str(
                "a fastify token has no room for an idle timeout of the session's own",
            ),
            Self::IdleTimeout { found } => {
                ConfigErrorKind::Timeout { which: "session's own idle", found: *found }.fmt(f)
            }
        }
    }
}

/// How large a cookie would have become, in bytes, and what part of it is too large.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The cookie's name.
    pub cookie: String,
    /// Name and value, as a browser counts them.
    pub size: usize,
    /// What a browser keeps at most: 4096.
    pub limit: usize,
    /// The session's JSON before sealing.
    pub json: usize,
    /// The entry that was being inserted, and the bytes of its JSON, where there is one.
    pub entry: Option<(String, usize)>,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cookie, size, limit, json, entry } = self;
        write!(
            f,
            "the cookie `{cookie}` would have {size} bytes, {} more than the {limit} that browsers \
             keep: {} of name, {} of sealed value for {json} of JSON",
            size.saturating_sub(*limit),
            cookie.len(),
            size - cookie.len(),
        )?;
        match entry {
            Some((name, bytes)) => write!(f, "; the entry `{name}` is {bytes} of them"),
            None => Ok(()),
        }
    }
}

impl From<&serde_json::Error> for EncodeErrorKind {
    fn from(error: &serde_json::Error) -> Self {
        // The category `Data` is a message from the data's own implementation, which may quote it.
        let reason = match error.classify() {
            serde_json::error::Category::Data => None,
            _ => Some(error.to_string()),
        };
        Self::Serialize { reason }
    }
}
