//! `CodecEvent`: what a codec has done with one session.

use crate::crypto::key_id::KeyId;
use crate::error::DecodeErrorKind;
use crate::session_id::SessionId;

/// What a codec has done with one session, for [`CodecBuilder::on_event`](crate::CodecBuilder::on_event).
///
/// A request usually has at most two: its cookie was opened or refused, and its response sets or removes
/// it. Each write that is too large is one more. A request without a cookie, and one that does not use its
/// session, has none.
///
/// ```
/// # use sealed_session::{Codec, CodecEventKind, Dynamic, Key, KeyAge, Keyring};
/// # let keyring = Keyring::new(Key::generate()?);
/// let codec = Codec::<Dynamic>::builder(keyring)
///     .on_event(|event| match event.kind {
///         CodecEventKind::Opened { key, age: KeyAge::Older, .. } => {
///             println!("{}: the old key {key} is still needed", event.cookie);
///         }
///         CodecEventKind::Refused { reason, .. } => println!("{}: {reason}", event.cookie),
///         _ => {}
///     })
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Metrics
///
/// With the feature `metrics` the same is counted through the `metrics` crate, without a hook. `cookie` is
/// the cookie's name, `key` the id of the key that opened or sealed.
///
/// | counter | labels |
/// |---|---|
/// | `sealed_session_opened_total` | `cookie`, `key`, `age` ([`KeyAge::code`]) |
/// | `sealed_session_refused_total` | `cookie`, `reason` ([`DecodeErrorKind::code`]) |
/// | `sealed_session_sealed_total` | `cookie`, `key` |
/// | `sealed_session_refreshed_total` | `cookie`, `key` |
/// | `sealed_session_resealed_total` | `cookie`, `key` |
/// | `sealed_session_removed_total` | `cookie` |
/// | `sealed_session_too_large_total` | `cookie` |
///
/// The recorder must be installed before the first event: each codec registers its counters then, and those
/// of a key when that key is first used.
///
/// An old key can go when no server has opened or sealed anything with it for as long as a token can last:
/// the longest idle timeout, or that of remembered sessions; the absolute timeout, where `set_idle_timeout`
/// or tokens outside cookies are used. Of `sealed_session_opened_total`, `age="older"` shows how many
/// sessions are still under an old key.
///
/// # Security
///
/// It carries neither a cookie nor a key nor data of the session.
#[doc(alias = "metrics")]
#[doc(alias = "counters")]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecEvent<'e> {
    /// The cookie's name, including its prefix.
    pub cookie: &'e str,
    /// The session's public name. `None` if the cookie was refused or the write was too large, for a
    /// token of a format without ids, and for the removal of a cookie that was not opened.
    pub session: Option<SessionId>,
    /// What was done.
    pub kind: CodecEventKind,
}

/// What a codec has done.
///
/// ```
/// # use sealed_session::{Codec, CodecEventKind, Dynamic, Entries, Key, Keyring};
/// # let key = Key::generate()?;
/// let (sender, events) = std::sync::mpsc::channel();
/// let codec = Codec::<Dynamic>::builder(Keyring::new(key.clone()))
///     .on_event(move |event| {
///         let _ = sender.send(event.kind);
///     })
///     .build()?;
/// codec.encode(Entries::new())?;
/// let event = events.recv()?;
/// assert!(matches!(event, CodecEventKind::Sealed { key: sealed_by, .. } if sealed_by == key.id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecEventKind {
    /// A session was opened: a cookie, when a request first needed it, or a token, by the codec.
    #[non_exhaustive]
    Opened {
        /// The key that opened it.
        key: KeyId,
        /// Whether that key still seals.
        age: KeyAge,
    },
    /// A cookie or token was refused, or `Session::verify_now` found that its session was ended. Not
    /// [`Missing`](DecodeErrorKind::Missing): most requests that need no session have no cookie.
    #[non_exhaustive]
    Refused {
        /// Why.
        reason: DecodeErrorKind,
    },
    /// What the application wrote was sealed: by the response that carries it, or by
    /// [`Codec::encode`](crate::Codec::encode), or by [`reseal`](crate::Codec::reseal) under the key that
    /// it already had.
    #[non_exhaustive]
    Sealed {
        /// The key that sealed it.
        key: KeyId,
    },
    /// A session was sealed again only because it was used, so that its idle timeout begins again.
    #[non_exhaustive]
    Refreshed {
        /// The key that sealed it.
        key: KeyId,
    },
    /// A session that the application did not write was sealed again, under a newer key than before. It
    /// may have been refreshed as well.
    #[non_exhaustive]
    Resealed {
        /// The key that seals it now.
        key: KeyId,
        /// The key that had sealed it before.
        previous: KeyId,
    },
    /// A response removes the cookie.
    Removed,
    /// A write was refused because the cookie would be larger than a browser stores, or the whole Cookie
    /// header larger than [`max_cookie_header`](crate::CodecBuilder::max_cookie_header).
    #[non_exhaustive]
    TooLarge {
        /// How large it would be, in bytes.
        size: usize,
        /// How large it may be.
        limit: usize,
    },
}

impl CodecEventKind {
    /// Whether it is what most requests do, so that it is worth asking first whether anybody listens.
    #[inline]
    pub(crate) fn is_usual(&self) -> bool {
        match self {
            Self::Opened { age, .. } => *age != KeyAge::Older,
            Self::Sealed { .. } | Self::Refreshed { .. } => true,
            _ => false,
        }
    }

    /// A short name that stays the same in every release: `opened`, `refused`, `sealed`, `refreshed`,
    /// `resealed`, `removed` or `too_large`.
    ///
    /// ```
    /// # use sealed_session::CodecEventKind;
    /// assert_eq!(CodecEventKind::Removed.code(), "removed");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Refused { .. } => "refused",
            Self::Sealed { .. } => "sealed",
            Self::Refreshed { .. } => "refreshed",
            Self::Resealed { .. } => "resealed",
            Self::Removed => "removed",
            Self::TooLarge { .. } => "too_large",
        }
    }
}

/// Whether a key comes before or after the one that seals at the moment.
///
/// ```
/// # use sealed_session::KeyAge;
/// assert_eq!(KeyAge::Older.code(), "older");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAge {
    /// A previous key.
    Older,
    /// The key that seals.
    Sealing,
    /// A key that does not seal on this server yet. Another server seals with it already.
    Newer,
}

impl KeyAge {
    /// The age of the key at a place of the ring, if the one at `sealing` seals: the newest is first.
    pub(crate) fn of(place: usize, sealing: usize) -> Self {
        match place.cmp(&sealing) {
            std::cmp::Ordering::Greater => Self::Older,
            std::cmp::Ordering::Equal => Self::Sealing,
            std::cmp::Ordering::Less => Self::Newer,
        }
    }

    /// A short name that stays the same in every release: `older`, `sealing` or `newer`.
    ///
    /// ```
    /// # use sealed_session::KeyAge;
    /// assert_eq!(KeyAge::Sealing.code(), "sealing");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Sealing => "sealing",
            Self::Newer => "newer",
        }
    }
}
