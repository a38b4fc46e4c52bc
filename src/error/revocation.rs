//! `RevocationError`: why an ending is not certain yet, or why it is not known which sessions have
//! ended.

use std::fmt;

opaque_error! {
    /// It is not certain that sessions have ended everywhere, or not known which have.
    ///
    /// ```
    /// use sealed_session::{RevocationErrorKind, Revocations, Tag};
    ///
    /// async fn ban(revocations: &Revocations, user: u64) -> &'static str {
    ///     match revocations.end_all(&Tag::new("user", user)).await {
    ///         Ok(()) => "ended everywhere",
    ///         Err(error) if *error.kind() == RevocationErrorKind::Unconfirmed => {
    ///             "ended here; the other servers will follow when the store is back"
    ///         }
    ///         Err(_) => "not ended",
    ///     }
    /// }
    /// ```
    RevocationError, RevocationErrorKind, with a cause
}

/// What is not certain.
///
/// ```
/// # use sealed_session::RevocationErrorKind;
/// let kind = RevocationErrorKind::Unconfirmed;
/// assert!(kind.to_string().contains("in force on this server"));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationErrorKind {
    /// The store has not confirmed the mark: it could not be reached in time, or it does not keep the
    /// mark as durably as it was asked to. The mark is in force on this server, and is sent to the
    /// store again until it is confirmed. A restart of this server before then loses it.
    Unconfirmed,
    /// The store could not be read to its end, so it is not known which sessions have ended.
    Unread,
    /// The store of the registry could not be read or written.
    #[cfg(feature = "registry")]
    Registry,
    /// The codec of the session has no [`Revocations`](crate::Revocations).
    NoRevocations,
}

impl fmt::Display for RevocationErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unconfirmed => {
                "the store has not confirmed that the session has ended; that is in force on this \
                 server, and is repeated until the store confirms it"
            }
            Self::Unread => {
                "the store of revocations could not be read, so it is not known which sessions have \
                 ended"
            }
            #[cfg(feature = "registry")]
            Self::Registry => "the registry of sessions could not be read or written",
            Self::NoRevocations => {
                "the codec has no revocations, so a session cannot be ended; call `revocations` on the \
                 codec's builder"
            }
        })
    }
}
