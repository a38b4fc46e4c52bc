//! What can go wrong when a handler uses its session.

use std::fmt;

use super::{ConfigErrorKind, EncodeError, EncodeErrorKind};

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
    Encode(EncodeErrorKind),
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
    /// There is no session: what was asked for would do nothing.
    NoSession,
    /// The session was deleted in this request, and writing its data would bring it back.
    Deleted,
    /// All Cookie lines of the request together with what was written would be more than proxies
    /// take; nothing of it was kept.
    #[non_exhaustive]
    CookieHeaderTooLarge {
        /// The bytes of the Cookie line that the next request would bring.
        size: usize,
        /// The setting [`CodecBuilder::max_cookie_header`](crate::CodecBuilder::max_cookie_header).
        limit: usize,
        /// The names and sizes of the largest cookies, this one included.
        cookies: Vec<(String, usize)>,
    },
    /// The session was written while the closure of `update` ran; the closure's result was dropped
    /// and the other write kept.
    Conflict,
    /// A setting for this session or response is not valid.
    Config(ConfigErrorKind),
}

impl fmt::Display for SessionErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(kind) => kind.fmt(f),
            Self::EntryType { entry, wanted } => {
                write!(f, "the session's entry `{entry}` is not a {wanted}")
            }
            Self::ResponseStarted => f.write_str(
                "the response has begun, its headers are sent: the session can no longer be written",
            ),
            Self::NoSession => f.write_str("there is no session that this could change; write one first"),
            Self::Deleted => f.write_str(
                "the session was deleted in this request; call `regenerate` first to begin a new one",
            ),
            Self::CookieHeaderTooLarge { size, limit, cookies } => {
                write!(
                    f,
                    "the browser would send a Cookie line of {size} bytes, more than the {limit} that \
                     are allowed because proxies refuse it; the largest cookies are"
                )?;
                for (place, (name, size)) in cookies.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma} {name:?} with {size}")?;
                }
                Ok(())
            }
            Self::Conflict => f.write_str(
                "the session was written while `update` ran its closure; nothing of the closure was kept",
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

impl From<ConfigErrorKind> for SessionError {
    fn from(kind: ConfigErrorKind) -> Self {
        SessionErrorKind::Config(kind).into()
    }
}
