//! `Keyring`: a handle to keys, of which one seals and all open.
//!
//! It only lists the keys and the scheme of each. The codec derives its sub-keys from them, once.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "fastify")]
use super::fastify_key::FastifyKey;
use super::key::Key;
use super::key_id::KeyId;
#[cfg(feature = "key-directory")]
use super::key_set::Follower;
use super::key_set::{Demand, KeySet, Live, RingKey};
use super::schedule::Schedule;
use crate::error::{KeyError, KeyErrorKind};

/// One or more keys, newest first. The primary seals. All of them open.
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
///
/// A keyring is a handle: its clones and the codecs that were built with them share the keys, and
/// [`replace`](Self::replace) changes them for all at once.
pub struct Keyring {
    live: Arc<Live>,
    /// Older keys, in addition to those of a directory.
    older: Vec<RingKey>,
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
        Self::on(Live::new(KeySet::of(RingKey::Native(primary))))
    }

    /// Adds an older key, which opens but does not seal. Add the newest first, because keys are tried
    /// in this order.
    ///
    /// The result is a separate keyring: codecs that were built with this one do not get the key. A
    /// keyring of a `KeyDirectory` goes on following it, with this key in addition.
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
    /// [`KeyErrorKind::Duplicate`], which names the key, if the keyring already contains it. In a keyring of
    /// a `KeyDirectory` the key may also be in a file; once it is revoked there, it opens nothing.
    pub fn with_previous(self, key: Key) -> Result<Self, KeyError> {
        self.with(RingKey::Native(key))
    }

    /// Adds the key that will seal next, so that every server can open with it before any server seals
    /// with it. It opens but does not seal, and a cookie that it opens is not re-sealed.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring};
    /// # let (current, next) = (Key::generate()?, Key::generate()?);
    /// let keyring = Keyring::new(current.clone()).with_next(next.clone())?; // first on all servers
    /// let keyring = Keyring::new(next).with_previous(current)?; // then this
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// The result is a separate keyring, as for [`with_previous`](Self::with_previous).
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Duplicate`], which names the key, if the keyring already contains it;
    /// [`KeyErrorKind::FollowsFiles`] for a keyring of a `KeyDirectory`, whose next key is a file.
    pub fn with_next(self, key: Key) -> Result<Self, KeyError> {
        self.check_static()?;
        let key = RingKey::Native(key);
        check_new(&self.live.get().0.keys, &key)?;
        let mut set = KeySet::clone(&self.live.get().0);
        set.keys.insert(0, key);
        set.schedule = Schedule::always(set.schedule.at(0) + 1);
        Ok(Self::on(Live::new(set)))
    }

    /// Replaces the keys of this keyring and of its clones, and so those of every codec that was built
    /// with one of them: all at once, also while the server runs. For keys that come from a key
    /// management service or a database. Use [`KeyDirectory`](crate::guide::rotation) for files.
    ///
    /// ```
    /// # use sealed_session::{Codec, Dynamic, Key, Keyring};
    /// # let (old, new) = (Key::generate()?, Key::generate()?);
    /// let keyring = Keyring::new(old.clone());
    /// let codec = Codec::<Dynamic>::new(keyring.clone())?;
    /// keyring.replace(Keyring::new(new).with_previous(old)?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::FollowsFiles`] if either keyring is of a `KeyDirectory`;
    /// [`KeyErrorKind::NeedsNative`] if the new primary is a fastify key and a codec on the keyring
    /// needs another. In both cases the keys stay as they are.
    pub fn replace(&self, keys: Self) -> Result<(), KeyError> {
        self.check_static()?;
        keys.check_static()?;
        if self.live.demands().native && !keys.keeps_header() {
            return Err(KeyErrorKind::NeedsNative.into());
        }
        if !Arc::ptr_eq(&self.live, &keys.live) {
            self.live.replace(KeySet::clone(&keys.live.get().0));
        }
        Ok(())
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
        let (set, _) = self.live.get();
        set.keys.len() + self.added_to(&set).count()
    }

    /// A keyring of these keys.
    pub(crate) fn on(live: Arc<Live>) -> Self {
        Self { live, older: Vec::new() }
    }

    /// The same handle. Unlike a clone it is not one that a user has in hand.
    pub(crate) fn handle(&self) -> Self {
        Self { live: self.live.clone(), older: self.older.clone() }
    }

    /// Whether both are handles to the same keys.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same = |(one, two): (&RingKey, &RingKey)| one.is_same(two);
        Arc::ptr_eq(&self.live, &other.live)
            && self.older.len() == other.older.len()
            && self.older.iter().zip(&other.older).all(same)
    }

    fn with(mut self, key: RingKey) -> Result<Self, KeyError> {
        if self.check_static().is_err() {
            // Not compared with the files: whether a server starts must not depend on when one comes.
            check_new(&self.older, &key)?;
            self.older.push(key);
            return Ok(self);
        }
        check_new(&self.live.get().0.keys, &key)?;
        let mut set = KeySet::clone(&self.live.get().0);
        set.keys.push(key);
        Ok(Self::on(Live::new(set)))
    }

    /// The keys in addition to this set, unless it has them or has revoked them.
    fn added_to<'k>(&'k self, set: &'k KeySet) -> impl Iterator<Item = &'k RingKey> {
        self.older.iter().filter(|key| set.lacks(key))
    }

    #[cfg_attr(
        not(feature = "key-directory"),
        allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "no keyring follows files")
    )]
    fn check_static(&self) -> Result<(), KeyError> {
        #[cfg(feature = "key-directory")]
        if self.follower().is_some() {
            return Err(KeyErrorKind::FollowsFiles.into());
        }
        Ok(())
    }

    /// Whether the tokens that the primary seals have room for an idle timeout.
    pub(crate) fn keeps_header(&self) -> bool {
        // Only a keyring without dates has fastify keys that seal, so it is the same at any time.
        let (set, _) = self.live.get();
        set.keys[set.schedule.at(0)].is_native()
    }

    /// The keys, newest first, which of them seals when, and the generation of both.
    pub(crate) fn snapshot(&self) -> (Vec<RingKey>, Schedule, u64) {
        let (set, generation) = self.live.get();
        let keys = set.keys.iter().chain(self.added_to(&set)).cloned().collect();
        (keys, set.schedule.clone(), generation)
    }

    /// Whether the key was revoked: what it opened before must not be sealed again.
    #[cfg_attr(
        not(feature = "key-directory"),
        allow(unused_variables, clippy::unused_self, reason = "keys are revoked in a directory")
    )]
    pub(crate) fn is_revoked(&self, id: KeyId) -> bool {
        #[cfg(feature = "key-directory")]
        if self.follower().is_some() {
            return self.live.get().0.is_revoked(id);
        }
        false
    }

    /// It changes whenever the keys do.
    pub(crate) fn generation(&self) -> u64 {
        self.live.generation()
    }

    /// Whether somebody may replace the keys.
    pub(crate) fn may_change(&self) -> bool {
        self.live.is_shared()
    }

    /// Notes what a codec needs of the keys.
    pub(crate) fn demand(&self, demand: Demand) {
        self.live.demand(demand);
    }

    #[cfg(feature = "key-directory")]
    pub(crate) fn follower(&self) -> Option<&Arc<dyn Follower>> {
        self.live.follower()
    }
}

/// An error if the key is one of those that are known.
fn check_new(known: &[RingKey], key: &RingKey) -> Result<(), KeyError> {
    // Compare every key, so that timing does not show which one matched.
    if known.iter().filter(|known| known.is_same(key)).count() > 0 {
        return Err(KeyErrorKind::Duplicate { id: key.id() }.into());
    }
    Ok(())
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
        Self::on(Live::new(KeySet::of(RingKey::Fastify(primary.into()))))
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

impl Clone for Keyring {
    /// Another handle to the same keys.
    fn clone(&self) -> Self {
        self.live.share();
        self.handle()
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
        f.debug_struct("Keyring").field("keys", &self.len()).finish_non_exhaustive()
    }
}
