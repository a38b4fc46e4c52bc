//! `Decoded`: the content of an opened token.

#[cfg(feature = "revocation")]
use std::borrow::Cow;
use std::fmt;
#[cfg(feature = "revocation")]
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::crypto::key_id::KeyId;
use crate::events::KeyAge;
#[cfg(feature = "revocation")]
use crate::marks::Tag;
use crate::plaintext::Json;
#[cfg(feature = "revocation")]
use crate::plaintext::WipedString;
use crate::scheme::Idle;
use crate::session_id::SessionId;

/// The content of an opened token: the session's data and its authenticated metadata.
///
/// ```
/// # use sealed_session::{Codec, Decoded, Key, Keyring, SessionKind};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)]
/// # struct Login { user_id: u64 }
/// # impl SessionKind for Login { type Data = Self; const NAME: &'static str = "login"; }
/// # let codec = Codec::<Login>::new(Keyring::new(Key::generate()?))?;
/// # let token = codec.encode(&Login { user_id: 7 })?;
/// let Decoded { data, info, .. } = codec.decode(&token)?;
/// assert_eq!(data.user_id, 7);
/// assert_eq!(info.created_at, Some(info.refreshed_at));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` leaves the data out.
#[non_exhaustive]
#[derive(Clone)]
pub struct Decoded<T> {
    /// The session's data.
    pub data: T,
    /// The authenticated metadata.
    pub info: TokenInfo,
}

impl<T> fmt::Debug for Decoded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("info", &self.info).finish_non_exhaustive()
    }
}

/// The authenticated metadata of a token: its id, its times and its key.
///
/// ```
/// # use sealed_session::{Session, SessionKind};
/// # use std::time::Duration;
/// /// Whether the user logged in recently enough to change the password.
/// fn may_change_password<K: SessionKind>(session: &Session<K>) -> bool {
///     let created_at = session.info().and_then(|info| info.created_at);
///     let age = created_at.and_then(|created_at| created_at.elapsed().ok());
///     age.is_some_and(|age| age < Duration::from_secs(5 * 60))
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The session's public name. `None` for a token of a format without ids.
    pub id: Option<SessionId>,
    /// When the session began, to the millisecond. `None` for a token of a format without this time.
    pub created_at: Option<SystemTime>,
    /// When the session was last refreshed: a whole number of seconds after it began.
    pub refreshed_at: SystemTime,
    /// When the token expires, unless it is refreshed.
    pub expires_at: SystemTime,
    /// The idle timeout that applies to this token.
    pub idle_timeout: Duration,
    /// The idle timeout that was set for this session alone (“remember me”), if there is one.
    pub own_idle_timeout: Option<Duration>,
    /// The index in the keyring of the key that opened it. The keys are numbered from the newest: 0 is
    /// the primary, unless the keyring has a key that seals only in the future.
    pub key_index: usize,
    /// The public name of the key that opened it.
    pub key_id: KeyId,
    /// As [`Validity::seen`].
    pub(crate) seen: Option<u64>,
    /// What is needed to ask later whether the session has ended.
    #[cfg(feature = "revocation")]
    pub(crate) tags: SessionTags,
}

/// The tags of a session, and which of their marks do not end it.
#[cfg(feature = "revocation")]
#[derive(Clone, Default)]
pub(crate) struct SessionTags {
    pub(crate) tags: Tags,
    /// Marks up to this number.
    pub(crate) survives: u64,
}

/// The tags of a session. They are rarely needed, so they are not computed before.
#[cfg(feature = "revocation")]
#[derive(Clone, Default)]
pub(crate) enum Tags {
    #[default]
    None,
    Known(Vec<Tag>),
    /// To be computed from the session's JSON.
    Of(Arc<WipedString>, fn(Arc<WipedString>) -> Option<Vec<Tag>>),
}

#[cfg(feature = "revocation")]
impl Tags {
    /// `None` if the JSON cannot be read.
    pub(crate) fn get(&self) -> Option<Cow<'_, [Tag]>> {
        match self {
            Self::None => Some(Cow::Borrowed(&[])),
            Self::Known(tags) => Some(Cow::Borrowed(tags)),
            Self::Of(json, tags_of) => tags_of(json.clone()).map(Cow::Owned),
        }
    }
}

#[cfg(feature = "revocation")]
impl PartialEq for SessionTags {
    fn eq(&self, other: &Self) -> bool {
        self.survives == other.survives && self.tags.get() == other.tags.get()
    }
}

#[cfg(feature = "revocation")]
impl Eq for SessionTags {}

#[cfg(feature = "revocation")]
impl fmt::Debug for SessionTags {
    /// Nothing of the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTags").field("survives", &self.survives).finish_non_exhaustive()
    }
}

/// The JSON and the metadata of a token that is authentic and has not expired.
pub(crate) struct Verified {
    pub(crate) json: Json,
    pub(crate) validity: Validity,
    /// The session's tags, if they were asked for.
    #[cfg(feature = "revocation")]
    pub(crate) tags: Option<Vec<Tag>>,
}

/// The metadata of a valid token. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) id: Option<SessionId>,
    pub(crate) created_at: Option<u64>,
    pub(crate) refreshed_at: u64,
    pub(crate) expires_at: u64,
    /// The idle timeout that applies.
    pub(crate) idle: Idle,
    /// The number of the last mark that the session has seen, if it has tags.
    pub(crate) seen: Option<u64>,
    pub(crate) key_index: usize,
    pub(crate) key_id: KeyId,
    /// The key's age when the token was opened.
    pub(crate) key_age: KeyAge,
    /// The token has no time of its last refresh.
    pub(crate) undated: bool,
}

impl Validity {
    /// Whether the key is older than the one that sealed when the token was opened.
    pub(crate) fn has_older_key(&self) -> bool {
        self.key_age == KeyAge::Older
    }

    /// Marks of a tag up to this number do not end the session.
    #[cfg(feature = "revocation")]
    pub(crate) fn survives(&self) -> u64 {
        match (self.seen, self.id) {
            (Some(seen), _) => seen,
            // Node's token. The number of a mark is about the time, in milliseconds, when it was made.
            (None, None) if !self.undated => self.refreshed_at.saturating_sub(1),
            (None, _) => 0,
        }
    }

    pub(crate) fn info(&self) -> TokenInfo {
        let idle_timeout = Duration::from_secs(self.idle.seconds.into());
        TokenInfo {
            id: self.id,
            created_at: self.created_at.map(time),
            refreshed_at: time(self.refreshed_at),
            expires_at: time(self.expires_at),
            idle_timeout,
            own_idle_timeout: self.idle.per_session.then_some(idle_timeout),
            key_index: self.key_index,
            key_id: self.key_id,
            seen: self.seen,
            #[cfg(feature = "revocation")]
            tags: SessionTags::default(),
        }
    }
}

/// A time from a token. The system's type can represent all of them.
pub(super) fn time(unix_millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(unix_millis)).unwrap_or(UNIX_EPOCH)
}
