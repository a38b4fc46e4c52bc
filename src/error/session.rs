//! `SessionError`: why a handler could not read or change its session.

use std::fmt;

use super::{ConfigErrorKind, EncodeError, EncodeErrorKind};
#[cfg(feature = "revocation")]
use super::{RevocationError, RevocationErrorKind};

opaque_error! {
    /// A handler could not read or change its session.
    ///
    /// With the feature `axum` it is a response: status 500, a body that says nothing about the
    /// session, and the error itself as `Arc<SessionError>` in the response's extensions.
    ///
    /// ```
    /// use sealed_session::{Session, SessionError, SessionErrorKind};
    ///
    /// fn set_colour(session: &Session, colour: &str) -> Result<(), SessionError> {
    ///     match session.insert("colour", colour) {
    ///         // Keep the old colour once the headers are on their way.
    ///         Err(error) if matches!(error.kind(), SessionErrorKind::ResponseStarted) => Ok(()),
    ///         result => result,
    ///     }
    /// }
    /// ```
    SessionError, SessionErrorKind
}

/// Why a handler could not read or change its session.
///
/// ```
/// use sealed_session::{Session, SessionError, SessionErrorKind};
///
/// /// The number of visits. An entry of another type counts as none.
/// fn visits(session: &Session) -> Result<u32, SessionError> {
///     match session.get::<u32>("visits") {
///         Err(error) if matches!(error.kind(), SessionErrorKind::EntryType { .. }) => Ok(0),
///         visits => Ok(visits?.unwrap_or(0)),
///     }
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionErrorKind {
    /// The new data cannot be sealed. The session is unchanged.
    Encode(EncodeErrorKind),
    /// The entry exists, but could not be deserialized as the requested type.
    #[non_exhaustive]
    EntryType {
        /// The entry's name.
        entry: String,
        /// The requested type.
        expected: &'static str,
    },
    /// The response headers are already sent, so the session can no longer be changed.
    ResponseStarted,
    /// There is no session, so the call would do nothing.
    NoSession,
    /// It is not known whether the session was ended, because the store of its revocations cannot be
    /// reached: 503. It may be valid again later, so it is not changed.
    Unavailable,
    /// The session was ended: 401.
    Ended,
    /// The session cannot be ended, because its token has no id: Node's has none.
    NoId,
    /// It is not certain that the session has ended everywhere.
    #[cfg(feature = "revocation")]
    Revocation(RevocationErrorKind),
    /// The session was deleted in this request. Writing its data would bring it back.
    Deleted,
    /// With the new data, all cookies of the request together would be larger than proxies accept.
    /// The session is unchanged.
    #[non_exhaustive]
    CookieHeaderTooLarge {
        /// The size of the `Cookie` header that the next request would carry, in bytes.
        size: usize,
        /// The limit set by
        /// [`CodecBuilder::max_cookie_header`](crate::CodecBuilder::max_cookie_header).
        limit: usize,
        /// The names and sizes of the largest cookies, including this one.
        cookies: Vec<(String, usize)>,
    },
    /// The session was written while the closure of `update` ran. The closure's result was dropped,
    /// and the other write was kept.
    Conflict,
    /// A setting for this session or response is not valid.
    Config(ConfigErrorKind),
}

impl fmt::Display for SessionErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(kind) => kind.fmt(f),
            Self::EntryType { entry, expected } => {
                write!(f, "the session entry `{entry}` could not be deserialized as `{expected}`")
            }
            Self::ResponseStarted => f.write_str(
                "the response headers are already sent, so the session can no longer be changed",
            ),
            Self::NoSession => {
                f.write_str("there is no session to change; write data to it first")
            }
            Self::Unavailable => {
                f.write_str("it is not known whether the session was ended; try again later")
            }
            Self::Ended => f.write_str("the session was ended"),
            Self::NoId => {
                f.write_str("the session cannot be ended, because its token has no id")
            }
            #[cfg(feature = "revocation")]
            Self::Revocation(kind) => kind.fmt(f),
            Self::Deleted => f.write_str(
                "the session was deleted in this request; call `regenerate` first to begin a new one",
            ),
            Self::CookieHeaderTooLarge { size, limit, cookies } => {
                write!(
                    f,
                    "the browser would send a Cookie header of {size} bytes, more than the limit of \
                     {limit} (proxies refuse larger headers); the largest cookies are"
                )?;
                for (place, (name, size)) in cookies.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma} {name:?} with {size}")?;
                }
                Ok(())
            }
            Self::Conflict => f.write_str(
                "the session was written while `update` ran its closure; the closure's result was \
                 dropped",
            ),
            Self::Config(kind) => kind.fmt(f),
        }
    }
}

impl From<EncodeErrorKind> for SessionError {
    fn from(kind: EncodeErrorKind) -> Self {
        SessionErrorKind::Encode(kind).into()
    }
}

impl From<EncodeError> for SessionError {
    fn from(error: EncodeError) -> Self {
        error.kind().clone().into()
    }
}

#[cfg(feature = "revocation")]
impl From<RevocationError> for SessionError {
    /// Without the cause, which the log has.
    fn from(error: RevocationError) -> Self {
        match error.kind() {
            RevocationErrorKind::Unread => SessionErrorKind::Unavailable.into(),
            kind => SessionErrorKind::Revocation(*kind).into(),
        }
    }
}

impl From<ConfigErrorKind> for SessionError {
    fn from(kind: ConfigErrorKind) -> Self {
        SessionErrorKind::Config(kind).into()
    }
}
