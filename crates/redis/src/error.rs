//! `RedisStoreError`. It quotes addresses and what the server answered, never a password.

use std::fmt;

use redis::{RedisError, ServerError};

/// What went wrong with the store.
///
/// ```
/// use sealed_session_redis::{ErrorKind, RedisStore, Replicas};
///
/// let error = RedisStore::node("http://localhost", Replicas(0)).build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Setting);
/// ```
#[derive(Debug)]
pub struct RedisStoreError {
    kind: ErrorKind,
    text: String,
    source: Option<RedisError>,
    /// The server said that it is not the one to ask.
    #[cfg_attr(
        not(feature = "registry"),
        allow(dead_code, reason = "only the registry asks again")
    )]
    is_elsewhere: bool,
}

/// The kinds of [`RedisStoreError`].
///
/// ```
/// # use sealed_session_redis::ErrorKind;
/// # fn example(kind: ErrorKind) {
/// if kind == ErrorKind::TooFewReplicas {
///     println!("look after the replicas");
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting of the builder cannot be.
    Setting,
    /// No connection, or it broke.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The server answered with an error, such as `NOAUTH`, `READONLY`, `MOVED`, `OOM` or `NOREPLICAS`.
    Refused,
    /// The server is not a primary, or no primary could be found.
    NotPrimary,
    /// Fewer replicas than asked for have confirmed a write.
    TooFewReplicas,
    /// Since it was last read, the store was emptied, restarted, or is another node now.
    Changed,
    /// An answer that this version does not understand.
    Unexpected,
}

impl RedisStoreError {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), source: None, is_elsewhere: false }
    }

    /// What kind of error it is.
    ///
    /// ```
    /// # use sealed_session_redis::{ErrorKind, RedisStoreError};
    /// # fn example(error: &RedisStoreError) -> bool {
    /// error.kind() == ErrorKind::TimedOut
    /// # }
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Another connection, or another node, may do better.
    #[cfg(feature = "registry")]
    pub(crate) fn is_of_the_place(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreachable | ErrorKind::NotPrimary) || self.is_elsewhere
    }

    pub(crate) fn setting(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Setting, text)
    }

    pub(crate) fn unexpected(command: &str) -> Self {
        Self::new(ErrorKind::Unexpected, format!("an unexpected answer to {command}"))
    }

    /// The server's answer is quoted, but not where it can repeat what logging in said.
    pub(crate) fn refused(place: &str, error: &ServerError) -> Self {
        let details = error.details().unwrap_or_default();
        let text = format!("{place} refused: {} {details}", error.code());
        let is_elsewhere = matches!(error.code(), "MOVED" | "READONLY");
        Self { is_elsewhere, ..Self::new(ErrorKind::Refused, text.trim_end()) }
    }

    pub(crate) fn broken(place: &str, error: RedisError) -> Self {
        let text = format!("the connection to {place} broke");
        Self { source: Some(error), ..Self::new(ErrorKind::Unreachable, text) }
    }

    pub(crate) fn connecting(place: &str, error: RedisError) -> Self {
        if error.is_io_error() {
            let kind =
                if error.is_timeout() { ErrorKind::TimedOut } else { ErrorKind::Unreachable };
            let text = format!("cannot connect to {place}");
            return Self { source: Some(error), ..Self::new(kind, text) };
        }
        let code = error.code().unwrap_or_else(|| error.category());
        Self::new(ErrorKind::Refused, format!("{place} refused the connection: {code}"))
    }

    pub(crate) fn timed_out(place: &str) -> Self {
        Self::new(ErrorKind::TimedOut, format!("{place} did not answer in time"))
    }
}

impl fmt::Display for RedisStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for RedisStoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
