//! The crate's errors: opaque structs, each with a `#[non_exhaustive]` kind.
//!
//! A message quotes a bad *setting* (a cookie name, a length, a path), never a key, a token or a
//! plaintext. For that reason the messages of `serde_json`, which quote what they read, stay out.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// An opaque error struct: a kind, which is its message, and perhaps a cause.
macro_rules! opaque_error {
    ($(#[$doc:meta])* $Error:ident, $Kind:ident) => {
        $(#[$doc])*
        pub struct $Error {
            kind: $Kind,
            source: Option<Source>,
        }

        impl $Error {
            /// What went wrong, to match on.
            #[must_use]
            pub fn kind(&self) -> &$Kind {
                &self.kind
            }

            #[allow(dead_code, reason = "which errors have a cause depends on the features")]
            pub(crate) fn caused_by(kind: $Kind, source: impl Into<Source>) -> Self {
                Self { kind, source: Some(source.into()) }
            }
        }

        impl From<$Kind> for $Error {
            fn from(kind: $Kind) -> Self {
                Self { kind, source: None }
            }
        }

        impl fmt::Debug for $Error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut out = f.debug_struct(stringify!($Error));
                out.field("kind", &self.kind);
                if let Some(source) = &self.source {
                    out.field("source", source);
                }
                out.finish()
            }
        }

        impl fmt::Display for $Error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.kind.fmt(f)
            }
        }

        impl StdError for $Error {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                self.source.as_deref().map(|source| source as _)
            }
        }
    };
}

opaque_error! {
    /// A key, salt or keyring could not be made.
    KeyError, KeyErrorKind
}

/// Why a key, salt or keyring could not be made.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyErrorKind {
    /// Neither 32 raw bytes nor the length of a key in hex or base64.
    #[non_exhaustive]
    Length {
        /// Bytes found.
        found: usize,
        /// The last byte is a line feed: 33 bytes that end in one are a raw key that an editor saved.
        ends_in_newline: bool,
    },
    /// Not the length of a key in hex or base64, where only text can be.
    #[non_exhaustive]
    TextLength {
        /// Bytes found.
        found: usize,
    },
    /// The length of a key in text, but not hex or base64.
    #[non_exhaustive]
    Text {
        /// Bytes found, without the line ending.
        found: usize,
    },
    /// All bytes are zero: a buffer that nobody filled.
    AllZero,
    /// The file could not be read; the cause says why.
    #[non_exhaustive]
    File {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The path names something that is not a regular file.
    #[non_exhaustive]
    NotAFile {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// What the file holds is not a key; the cause says why.
    #[non_exhaustive]
    FileContent {
        /// The path as it was given.
        path: std::path::PathBuf,
    },
    /// The environment variable is not set, not Unicode, or not a key (then the cause says why).
    #[non_exhaustive]
    Environment {
        /// The variable's name.
        name: String,
    },
    /// The operating system gave no randomness.
    Randomness,
    /// The key is in the keyring already.
    Duplicate,
    /// The passphrase is shorter than 32 bytes.
    #[non_exhaustive]
    PassphraseLength {
        /// Bytes found.
        found: usize,
    },
    /// The salt is not 16 bytes.
    #[non_exhaustive]
    SaltLength {
        /// Bytes found.
        found: usize,
    },
    /// The 256 MiB that the passphrase's Argon2id takes are not to be had.
    Memory,
}

impl fmt::Display for KeyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, ends_in_newline } => {
                write!(
                    f,
                    "found {found} bytes; wanted a key: 32 raw bytes, or 64 hex digits, or 43 or 44 \
                     base64 characters with at most one line ending after them"
                )?;
                match (found, ends_in_newline) {
                    (0, _) => f.write_str(" (did the command that writes it fail?)"),
                    (33, true) | (34, true) => f.write_str(
                        " (the last byte is a newline: an editor or a shell has added it to 32 raw bytes)",
                    ),
                    (31, _) => f.write_str(" (one is missing: a raw key cut short by a text tool?)"),
                    (16 | 24, _) => f.write_str(" (a key for a smaller cipher?)"),
                    (64, true) => f.write_str(" (64 raw bytes, or 63 hex digits and a newline?)"),
                    _ => Ok(()),
                }
            }
            Self::TextLength { found } => write!(
                f,
                "found {found} characters; wanted a key in text: 64 hex digits, or 43 or 44 base64 \
                 characters"
            ),
            Self::Text { found } => write!(
                f,
                "found {found} characters, the length of a key in {}, but they are not {0} (a \
                 character outside the alphabet, or padding that does not fit)",
                if *found == 64 { "hex" } else { "base64" }
            ),
            Self::AllZero => f.write_str("the key is all zeros: was its buffer ever filled?"),
            Self::File { path } => write!(f, "cannot read the key file {}", path.display()),
            Self::NotAFile { path } => write!(
                f,
                "{} is not a regular file, and a key is read only from one",
                path.display()
            ),
            Self::FileContent { path } => write!(f, "the key file {} holds no key", path.display()),
            Self::Environment { name } => {
                write!(f, "the environment variable {name} holds no key")
            }
            Self::Randomness => f.write_str("the operating system gave no randomness"),
            Self::Duplicate => f.write_str("the keyring has this key already"),
            Self::PassphraseLength { found } => {
                write!(f, "the passphrase has {found} bytes; at least 32 are wanted")
            }
            Self::SaltLength { found } => write!(f, "the salt has {found} bytes; 16 are wanted"),
            Self::Memory => f.write_str(
                "not enough memory: deriving a key from a passphrase takes 256 MiB for a second",
            ),
        }
    }
}

opaque_error! {
    /// Settings that do not fit together, found when a codec is built.
    ConfigError, ConfigErrorKind
}

/// Which setting does not fit.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// Not a cookie name: RFC 6265 wants a token of RFC 9110, and here at most 255 bytes of it.
    #[non_exhaustive]
    CookieName {
        /// The name as it was given.
        name: String,
    },
    /// The name's prefix (`__Host-`, `__Secure-`, `__Http-`, `__Host-Http-`, in any letter case)
    /// demands another attribute.
    #[non_exhaustive]
    CookiePrefix {
        /// The full name.
        name: String,
        /// What the browser demands.
        demands: &'static str,
    },
    /// Not a cookie path: it begins with `/`, has no control character and no `;`, and at most
    /// 1024 bytes.
    #[non_exhaustive]
    Path {
        /// The path as it was given.
        path: String,
    },
    /// Not a host name.
    #[non_exhaustive]
    Domain {
        /// The domain as it was given.
        domain: String,
    },
    /// `SameSite=None` and `Partitioned` are refused by browsers without `Secure`.
    #[non_exhaustive]
    NeedsSecure {
        /// The attribute that needs it.
        attribute: &'static str,
    },
    /// Max-Age is not between 1 second and 400 days in whole seconds.
    #[non_exhaustive]
    MaxAge {
        /// The value as it was given.
        found: Duration,
    },
    /// A timeout is not between 1 second and 2^31 - 1 seconds in whole seconds.
    #[non_exhaustive]
    Timeout {
        /// `idle` or `absolute`.
        which: &'static str,
        /// The value as it was given.
        found: Duration,
    },
    /// The idle timeout is longer than the absolute one, so it could never be reached.
    #[non_exhaustive]
    IdleBeyondAbsolute {
        /// The idle timeout.
        idle: Duration,
        /// The absolute timeout.
        absolute: Duration,
    },
    /// A fastify key serves another cookie already, under which this one's would open.
    #[non_exhaustive]
    SharedKey {
        /// The cookie that the key serves.
        other: String,
        /// This codec's cookie.
        cookie: String,
    },
    /// Cookie options for one response would rename the cookie.
    #[non_exhaustive]
    Renamed {
        /// The codec's name.
        from: String,
        /// What the options would make of it.
        to: String,
    },
}

impl fmt::Display for ConfigErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CookieName { name } => write!(
                f,
                "{name:?} is not a cookie name: 1 to 255 letters, digits or !#$%&'*+-.^_`|~"
            ),
            Self::CookiePrefix { name, demands } => {
                write!(f, "a browser refuses a cookie named {name:?} unless it {demands}")
            }
            Self::Path { path } => write!(
                f,
                "{path:?} is not a cookie path: it begins with a slash, has no control character \
                 and no semicolon, and at most 1024 bytes"
            ),
            Self::Domain { domain } => write!(f, "{domain:?} is not a host name"),
            Self::NeedsSecure { attribute } => {
                write!(f, "a browser refuses a cookie with {attribute} but without Secure")
            }
            Self::MaxAge { found } => write!(
                f,
                "Max-Age is {found:?}; wanted whole seconds, from 1 second to 400 days (what \
                 browsers keep at most)"
            ),
            Self::Timeout { which, found } => write!(
                f,
                "the {which} timeout is {found:?}; wanted whole seconds, from 1 to 2147483647"
            ),
            Self::IdleBeyondAbsolute { idle, absolute } => write!(
                f,
                "the idle timeout ({idle:?}) is longer than the absolute timeout ({absolute:?}), \
                 which would always end the session first; set both"
            ),
            Self::SharedKey { other, cookie } => write!(
                f,
                "the fastify key serves the cookie {other:?} already; under {cookie:?}, too, each \
                 would open as the other: give each session a key of its own"
            ),
            Self::Renamed { from, to } => write!(
                f,
                "cookie options for one response cannot rename the cookie from {from:?} to {to:?}"
            ),
        }
    }
}

opaque_error! {
    /// A token does not open.
    OpenError, OpenErrorKind
}

/// Why a token does not open.
///
/// For logs and for callers that decode by hand. Do not show it to whoever sent the token.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenErrorKind {
    /// The Cookie header has no cookie of this name.
    Missing,
    /// Longer than any token that this codec can have made; it was not decoded.
    TooLong,
    /// Not the spelling of a token: wrong alphabet, padding, unused bits, or too short.
    Malformed,
    /// No key of the ring opens it: forged, altered, of another name, or sealed with a key that is
    /// gone.
    Forged,
    /// Authentic, but of a format version that this release does not know.
    Version,
    /// Authentic, but its idle or its absolute timeout is over.
    Expired,
    /// Authentic, but from the future by more than the clock skew that is tolerated.
    FromTheFuture,
    /// Authentic, but the payload is not a session of this kind: timestamps that contradict each
    /// other, text that is not UTF-8, or JSON of another shape.
    Payload,
}

impl fmt::Display for OpenErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the header has no cookie of this name",
            Self::TooLong => "the token is longer than any that could have been made",
            Self::Malformed => "the text is not spelt as a token is",
            Self::Forged => "no key opens the token",
            Self::Version => "the token's format version is unknown",
            Self::Expired => "the session has expired",
            Self::FromTheFuture => "the session is from the future: do the servers' clocks agree?",
            Self::Payload => "the payload is not a session of this kind",
        })
    }
}

opaque_error! {
    /// Data could not be sealed.
    SealError, SealErrorKind
}

/// Why data could not be sealed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealErrorKind {
    /// Name and value together would be more than the 4096 bytes that a browser keeps.
    TooLarge(TooLarge),
    /// The data does not serialise to JSON.
    #[non_exhaustive]
    Serialize {
        /// What `serde_json` said, where its words cannot quote the data.
        reason: Option<String>,
    },
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

impl fmt::Display for SealErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(size) => size.fmt(f),
            Self::Serialize { reason: Some(reason) } => {
                write!(f, "the session data does not serialise to JSON: {reason}")
            }
            Self::Serialize { reason: None } => f.write_str(
                "the session data does not serialise to JSON: its own Serialize implementation failed",
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

impl From<&serde_json::Error> for SealErrorKind {
    fn from(error: &serde_json::Error) -> Self {
        // The category `Data` is a message from the data's own implementation, which may quote it.
        let reason = match error.classify() {
            serde_json::error::Category::Data => None,
            _ => Some(error.to_string()),
        };
        Self::Serialize { reason }
    }
}

opaque_error! {
    /// A handler's use of its session failed.
    ///
    /// With the feature `axum` it is a response: status 500, a body that says nothing of the
    /// session, and the error itself as `Arc<SessionError>` in the response's extensions.
    SessionError, SessionErrorKind
}

/// Why a handler's use of its session failed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionErrorKind {
    /// What was written cannot be sealed; nothing of it was kept.
    Seal(SealErrorKind),
    /// The entry is there, but is not of the type asked for.
    #[non_exhaustive]
    EntryType {
        /// The entry's name.
        entry: String,
        /// The type asked for.
        wanted: &'static str,
    },
    /// The response has begun and with it its headers: nothing more can be written.
    ResponseStarted,
    /// The session was written while the closure of `update` ran; the closure's result was dropped
    /// and the other write kept.
    Conflict,
    /// A setting for this session or response is not valid.
    Config(ConfigErrorKind),
}

impl fmt::Display for SessionErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seal(kind) => kind.fmt(f),
            Self::EntryType { entry, wanted } => {
                write!(f, "the session's entry `{entry}` is not a {wanted}")
            }
            Self::ResponseStarted => f.write_str(
                "the response has begun, its headers are sent: the session can no longer be written",
            ),
            Self::Conflict => f.write_str(
                "the session was written while `update` ran its closure; nothing of the closure was kept",
            ),
            Self::Config(kind) => kind.fmt(f),
        }
    }
}

impl From<SealErrorKind> for SessionError {
    fn from(kind: SealErrorKind) -> Self {
        SessionErrorKind::Seal(kind).into()
    }
}

impl From<SealError> for SessionError {
    fn from(error: SealError) -> Self {
        error.kind.into()
    }
}

impl From<ConfigErrorKind> for SessionError {
    fn from(kind: ConfigErrorKind) -> Self {
        SessionErrorKind::Config(kind).into()
    }
}
