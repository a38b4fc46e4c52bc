//! `DecodeError`: why a token was refused.

use std::fmt;

opaque_error! {
    /// A token was refused.
    ///
    /// ```
    /// use sealed_session::{Codec, DecodeErrorKind, Dynamic, Key, Keyring};
    ///
    /// let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    /// let error = codec.decode("not a token").unwrap_err();
    /// assert!(matches!(error.kind(), DecodeErrorKind::Malformed));
    /// assert_eq!(error.kind().code(), "malformed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    DecodeError, DecodeErrorKind, with a cause
}

/// Why a token was refused.
///
/// It is meant for logs and for callers that decode tokens themselves. Do not return it to the
/// client.
///
/// ```
/// use sealed_session::{Codec, DecodeErrorKind, Dynamic, Entries, Key, Keyring};
///
/// # let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
/// let token = codec.encode(&Entries::new())?;
/// codec.replace_keyring(Keyring::new(Key::generate()?));
/// let error = codec.decode(&token).unwrap_err();
/// assert_eq!(*error.kind(), DecodeErrorKind::NoMatchingKey);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// The Cookie header has no cookie of this name.
    Missing,
    /// Longer than any token that this codec can have sealed. It was not decoded.
    TooLong,
    /// Not a valid token: wrong alphabet, wrong padding, unused bits that are set, or too short.
    Malformed,
    /// No key in the keyring opens it: it was forged or altered, has another cookie's name, or was
    /// sealed with a key that has been removed.
    NoMatchingKey,
    /// Authentic, but of a format version that this release does not know.
    UnsupportedVersion,
    /// Authentic, but its idle or absolute timeout has passed.
    Expired,
    /// Authentic, but the session was ended: by `Revocations`, or it was deleted in this browser, which
    /// still has the mark of the deletion
    /// ([`CodecBuilder::mark_deletions`](crate::CodecBuilder::mark_deletions)).
    Ended,
    /// Authentic, but it is not known whether the session was ended, because the store of its
    /// revocations cannot be reached. It may be valid again later: do not replace it.
    Unavailable,
    /// Authentic, but its timestamp is further in the future than the clock skew that is tolerated.
    TimestampInFuture,
    /// Authentic, but the payload is not a session of this kind: timestamps that contradict each
    /// other, text that is not UTF-8, or JSON of another shape. If serde gave a reason, it is the
    /// error's source, without values of the session: which field is missing or unknown, or which
    /// type was expected.
    InvalidPayload,
}

impl DecodeErrorKind {
    /// A short name that stays the same in every release. Log events carry it. One of `missing`,
    /// `too_long`, `malformed`, `no_matching_key`, `unsupported_version`, `expired`, `ended`,
    /// `unavailable`, `timestamp_in_future`, `invalid_payload`.
    ///
    /// ```
    /// # use sealed_session::DecodeErrorKind;
    /// assert_eq!(DecodeErrorKind::Expired.code(), "expired");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::NoMatchingKey => "no_matching_key",
            Self::UnsupportedVersion => "unsupported_version",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Unavailable => "unavailable",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::InvalidPayload => "invalid_payload",
        }
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the header has no cookie of this name",
            Self::TooLong => "the token exceeds the maximum length",
            Self::Malformed => "the token is malformed",
            Self::NoMatchingKey => "no key in the keyring opens the token",
            Self::UnsupportedVersion => "the token's format version is not supported",
            Self::Expired => "the session has expired",
            Self::Ended => "the session was ended",
            Self::Unavailable => "it is not known whether the session was ended",
            Self::TimestampInFuture => "the session's timestamp is in the future (clock skew?)",
            Self::InvalidPayload => "the token's payload is not a session of this kind",
        })
    }
}
