//! `Keyring`: the primary key seals, and all keys open, in order.
//!
//! It only lists the keys and the scheme of each. The codec derives its sub-keys from them, once.

use std::fmt;

#[cfg(feature = "fastify")]
use super::fastify_key::FastifyKey;
use super::key::Key;
use super::key_id::KeyId;
use crate::error::{KeyError, KeyErrorKind};

/// One or more keys, newest first. The primary (the first) seals. All of them open, in order.
///
/// ```no_run
/// use sealed_session::{Key, Keyring};
///
/// let keyring = Keyring::new(Key::from_file("key-2026-11")?)
///     .with_previous(Key::from_file("key-2026-08")?)?;
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
///
/// A cookie that an older key opens is re-sealed under the primary. When the longest timeout has
/// passed since the rotation, no cookie needs the older key any more, and you can remove it. See
/// [the guide](crate::guide::rotation).
#[derive(Clone)]
pub struct Keyring {
    keys: Vec<RingKey>,
}

/// A key, and the token format that it is for.
#[derive(Clone)]
pub(crate) enum RingKey {
    Native(Key),
    #[cfg(feature = "fastify")]
    Fastify(FastifyKey),
}

impl Keyring {
    /// A keyring of one key, which seals and opens this crate's own tokens.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring};
    /// let keyring = Keyring::new(Key::generate()?);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn new(primary: Key) -> Self {
        Self { keys: vec![RingKey::Native(primary)] }
    }

    /// Adds an older key, which opens but does not seal. Add the newest first, because keys are tried
    /// in this order.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring};
    /// # let (new, old) = (Key::generate()?, Key::generate()?);
    /// let keyring = Keyring::new(new).with_previous(old)?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Duplicate`], which names the key, if the keyring already contains it.
    pub fn with_previous(self, key: Key) -> Result<Self, KeyError> {
        self.with(RingKey::Native(key))
    }

    /// A keyring of these keys, the primary first.
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
    /// [`KeyErrorKind::NoKeys`] if there are no keys, [`KeyErrorKind::Duplicate`] if a key occurs
    /// twice.
    pub fn from_keys(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeyError> {
        let mut keys = keys.into_iter();
        let primary = keys.next().ok_or(KeyErrorKind::NoKeys)?;
        keys.try_fold(Self::new(primary), Self::with_previous)
    }

    /// How many keys there are: at least one.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring};
    /// let keyring = Keyring::new(Key::generate()?).with_previous(Key::generate()?)?;
    /// assert_eq!(keyring.len(), 2);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a keyring is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    fn with(mut self, key: RingKey) -> Result<Self, KeyError> {
        // Compare every key, so that timing does not show which one matched.
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
    /// A keyring of one key, which seals and opens the cookies of Node's `@fastify/secure-session`,
    /// so that a Node service and this one share their sessions. See
    /// [the guide](crate::guide::moving_from_node).
    ///
    /// ```no_run
    /// # use sealed_session::{Key, Keyring};
    /// let keyring = Keyring::fastify(Key::from_file("secret-key")?); // Node's key file
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Security
    ///
    /// The Node plugin's token holds less than ours: it has no absolute timeout, and a cookie opens
    /// under any name that its key is used for. So each key is for one cookie. Use a separate key per
    /// session.
    #[must_use]
    pub fn fastify(primary: impl Into<FastifyKey>) -> Self {
        Self { keys: vec![RingKey::Fastify(primary.into())] }
    }

    /// Adds a key of a Node service, whose cookies open and are re-sealed under the primary.
    ///
    /// With a native primary, this moves a site from Node without logging anybody out. With
    /// [`Keyring::fastify`], it corresponds to the Node plugin's array of keys.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring};
    /// # let (new, node) = (Key::generate()?, Key::generate()?);
    /// let keyring = Keyring::new(new).with_previous_fastify(node)?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Duplicate`], which names the key, if the keyring already contains it for
    /// Node's tokens.
    pub fn with_previous_fastify(self, key: impl Into<FastifyKey>) -> Result<Self, KeyError> {
        self.with(RingKey::Fastify(key.into()))
    }
}

impl RingKey {
    /// The key itself if it is for Node's tokens.
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

    /// Whether it is the same key for the same tokens. One key in both schemes counts as two keys,
    /// because the native scheme derives another key from it. So does a Node key with other
    /// signatures, so that a site can begin to sign, or change the signing secret.
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
