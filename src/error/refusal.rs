//! `Refusal`: why a token was refused, and what the log says of it beyond that.

use super::{DecodeError, DecodeErrorKind, without_values};

/// Why a token was refused, and details for the log.
pub(crate) struct Refusal {
    pub(crate) kind: DecodeErrorKind,
    /// Seconds since the session was last refreshed, where that is known.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "for the log"))]
    pub(crate) age: Option<u64>,
    /// serde's reason, if the payload could not be deserialized.
    pub(crate) reason: Option<String>,
    /// The browser has a mark that the session was deleted in it.
    #[cfg_attr(not(feature = "session"), allow(dead_code, reason = "for the session handle"))]
    pub(crate) deleted_here: bool,
}

impl Refusal {
    pub(crate) fn payload(error: serde_json::Error) -> Self {
        let reason = without_values(&error);
        Self { reason, ..DecodeErrorKind::InvalidPayload.into() }
    }
}

impl From<DecodeErrorKind> for Refusal {
    fn from(kind: DecodeErrorKind) -> Self {
        Self { kind, age: None, reason: None, deleted_here: false }
    }
}

impl From<Refusal> for DecodeError {
    fn from(refusal: Refusal) -> Self {
        match refusal.reason {
            Some(reason) => Self::caused_by(refusal.kind, reason),
            None => refusal.kind.into(),
        }
    }
}
