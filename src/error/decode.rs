//! Why a token does not open.

use std::fmt;

opaque_error! {
    /// A token does not open.
    DecodeError, DecodeErrorKind
}

/// Why a token does not open.
///
/// For logs and for callers that decode by hand. Do not show it to whoever sent the token.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// The Cookie header has no cookie of this name.
    Missing,
    /// Longer than any token that this codec can have made; it was not decoded.
    TooLong,
    /// Not the spelling of a token: wrong alphabet, padding, unused bits, or too short.
    Malformed,
    /// No key of the ring opens it: forged, altered, of another name, or sealed with a key that is
    /// gone.
    NoMatchingKey,
    /// Authentic, but of a format version that this release does not know.
    UnsupportedVersion,
    /// Authentic, but its idle or its absolute timeout is over.
    Expired,
    /// Authentic, but from the future by more than the clock skew that is tolerated.
    TimestampInFuture,
    /// Authentic, but the payload is not a session of this kind: timestamps that contradict each
    /// other, text that is not UTF-8, or JSON of another shape. Where serde says why, its reason is
    /// the error's source, without values of the session: which field is missing or unknown, or which
    /// type was expected.
    InvalidPayload,
}

impl DecodeErrorKind {
    /// A short name that stays the same from release to release, as events carry it: `missing`,
    /// `too_long`, `malformed`, `forged`, `version`, `expired`, `from_the_future`, `payload`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::NoMatchingKey => "forged",
            Self::UnsupportedVersion => "version",
            Self::Expired => "expired",
            Self::TimestampInFuture => "from_the_future",
            Self::InvalidPayload => "payload",
        }
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the header has no cookie of this name",
            Self::TooLong => "the token is longer than any that could have been made",
            Self::Malformed => "the text is not spelt as a token is",
            Self::NoMatchingKey => "no key opens the token",
            Self::UnsupportedVersion => "the token's format version is unknown",
            Self::Expired => "the session has expired",
            Self::TimestampInFuture => {
                "the session is from the future: do the servers' clocks agree?"
            }
            Self::InvalidPayload => "the payload is not a session of this kind",
        })
    }
}
