//! What can go wrong when a handler uses its session.

use std::fmt;

use super::{ConfigErrorKind, SealError, SealErrorKind};

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
        error.kind().clone().into()
    }
}

impl From<ConfigErrorKind> for SessionError {
    fn from(kind: ConfigErrorKind) -> Self {
        SessionErrorKind::Config(kind).into()
    }
}
