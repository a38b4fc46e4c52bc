//! `Keyring`: the primary key seals, the others still open, in order.
//!
//! It only lists keys and the scheme of each; the codec derives what it needs from them, once.

use std::fmt;

#[cfg(feature = "fastify")]
use super::fastify_key::FastifyKey;
use super::key::Key;
use super::key_id::KeyId;
use crate::error::{KeyError, KeyErrorKind};

/// One or more keys, newest first: the primary seals, all of them open, in order.
///
/// ```no_run
/// # use sealed_session::{Key, Keyring};
/// let keyring = Keyring::new(Key::from_file("key-2026-11")?)
///     .with_previous(Key::from_file("key-2026-08")?)?;
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
///
/// A cookie that an older key opens is sealed anew under the primary. When the longest timeout has
/// passed since the rotation, nothing is left that needs the older key, and it can go. See
/// [the guide](crate::guide::rotation).
#[derive(Clone)]
pub struct Keyring {
    keys: Vec<RingKey>,
}

/// A key, and which tokens it is for.
#[derive(Clone)]
pub(crate) enum RingKey {
    Native(Key),
    #[cfg(feature = "fastify")]
    Fastify(FastifyKey),
}

impl Keyring {
    /// A ring of one key, which seals and opens this crate's own tokens.
    #[must_use]
    pub fn new(primary: Key) -> Self {
        Self { keys: vec![RingKey::Native(primary)] }
    }

    /// Adds an older key, which opens but does not seal. Call it newest first: keys are tried in
    /// this order.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Duplicate`], which names the key, if the ring already has it.
    pub fn with_previous(self, key: Key) -> Result<Self, KeyError> {
        self.with(RingKey::Native(key))
    }

    /// A ring of these keys, the primary first.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring};
    /// # let (newest, older) = (Key::generate()?, Key::generate()?);
    /// let keyring = Keyring::from_keys([newest, older])?;
    /// assert_eq!(keyring.len(), 2);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::NoKeys`] if there are none, [`KeyErrorKind::Duplicate`] if one is there twice.
    pub fn from_keys(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeyError> {
        let mut keys = keys.into_iter();
        let primary = keys.next().ok_or(KeyErrorKind::NoKeys)?;
        keys.try_fold(Self::new(primary), Self::with_previous)
    }

    /// How many keys there are; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a keyring is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    fn with(mut self, key: RingKey) -> Result<Self, KeyError> {
        // Every key is compared, whichever is equal.
        let duplicates = self.keys.iter().filter(|known| known.is_same(&key)).count();
        if duplicates > 0 {
            return Err(KeyErrorKind::Duplicate { id: key.id() }.into());
        }
        self.keys.push(key);
        Ok(self)
    }

    /// Whether the tokens that the primary seals have room for an idle timeout.
    pub(crate) fn keeps_header(&self) -> bool {
        matches!(self.keys[0], RingKey::Native(_))
    }

    /// The keys, the primary first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &RingKey> {
        self.keys.iter()
    }
}

#[cfg(feature = "fastify")]
impl Keyring {
    /// A ring of one key, which seals and opens the cookies of Node's `@fastify/secure-session`, so
    /// that a Node service and this one share their sessions. See
    /// [the guide](crate::guide::moving_from_node).
    ///
    /// # Security
    ///
    /// The peer's token has no room for what ours binds: it does not expire absolutely, and a cookie
    /// opens under any name that the key serves. So a key serves one cookie; give each session a key
    /// of its own.
    #[must_use]
    pub fn fastify(primary: impl Into<FastifyKey>) -> Self {
        Self { keys: vec![RingKey::Fastify(primary.into())] }
    }

    /// Adds a key of a Node service, whose cookies open and are sealed anew under the primary.
    ///
    /// With a primary of our own this moves a site from Node without logging anybody out; with
    /// [`Keyring::fastify`] it is the peer's array of keys.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Duplicate`], which names the key, if the ring already has it for Node's
    /// tokens.
    pub fn with_previous_fastify(self, key: impl Into<FastifyKey>) -> Result<Self, KeyError> {
        self.with(RingKey::Fastify(key.into()))
    }
}

impl RingKey {
    /// The key itself where it is one of the peer's.
    #[cfg(feature = "fastify")]
    pub(crate) fn fastify(&self) -> Option<&Key> {
        match self {
            Self::Native(_) => None,
            Self::Fastify(key) => Some(&key.key),
        }
    }

    fn id(&self) -> KeyId {
        match self {
            Self::Native(key) => key.id(),
            #[cfg(feature = "fastify")]
            Self::Fastify(fastify) => fastify.key.id(),
        }
    }

    /// Whether it is the same key for the same tokens. One key in both schemes is two keys, as ours
    /// derives another from it; so is a key of the peer's with other signatures, so that a site can
    /// begin to sign, or change what it signs with.
    #[cfg_attr(not(feature = "fastify"), allow(unreachable_patterns, reason = "one scheme alone"))]
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Native(one), Self::Native(two)) => one == two,
            #[cfg(feature = "fastify")]
            (Self::Fastify(one), Self::Fastify(two)) => one.is_same(two),
            _ => false,
        }
    }
}

impl From<Key> for Keyring {
    /// [`Keyring::new`].
    fn from(primary: Key) -> Self {
        Self::new(primary)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
