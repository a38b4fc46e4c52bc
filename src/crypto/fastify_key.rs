//! `FastifyKey`: a key of a Node service, and what its cookies require.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::key::Key;

/// A key of Node's `@fastify/secure-session`, and how that service is configured.
///
/// A [`Key`] converts to a `FastifyKey` with the plugin's defaults. If the plugin's cookie options
/// have `signed: true`, use [`FastifyKey::signed`], or [`FastifyKey::signed_with_secret`] if the
/// plugin has a `secret` instead of a `key`.
///
/// ```
/// use sealed_session::{FastifyKey, Key, Keyring};
///
/// let (key, old) = (Key::generate()?, Key::generate()?);
/// let keyring = Keyring::fastify(FastifyKey::signed(key))
///     .with_previous_fastify(FastifyKey::signed(old))?;
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[derive(Clone)]
pub struct FastifyKey {
    pub(crate) key: Key,
    pub(crate) signing: Signing,
    pub(crate) undated: bool,
}

/// Whether cookies carry a signature, and which secret signs them.
#[derive(Clone)]
pub(crate) enum Signing {
    None,
    /// Signed with the secret that the plugin derives from a key.
    Derived(Key),
    /// Signed with the plugin's `secret`.
    Secret(Zeroizing<Vec<u8>>),
}

impl Signing {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Derived(one), Self::Derived(two)) => one == two,
            (Self::Secret(one), Self::Secret(two)) => one.ct_eq(two).into(),
            _ => false,
        }
    }
}

impl FastifyKey {
    fn with(key: Key, signing: Signing) -> Self {
        Self { key, signing, undated: false }
    }

    /// A key whose cookies are signed: the plugin has a `key` and `signed: true`. A cookie without a
    /// valid signature does not open.
    ///
    /// ```
    /// # use sealed_session::{FastifyKey, Key, Keyring};
    /// # let node = Key::generate()?;
    /// let keyring = Keyring::fastify(FastifyKey::signed(node));
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn signed(key: Key) -> Self {
        let signing = Signing::Derived(key.clone());
        Self::with(key, signing)
    }

    /// A key whose cookies are signed with the secret that the plugin derives from another key. If
    /// one registration has several sessions, the plugin signs them all with the first key of the
    /// last session.
    ///
    /// ```
    /// # use sealed_session::{FastifyKey, Key, Keyring};
    /// # let (login, last) = (Key::generate()?, Key::generate()?);
    /// let logins = Keyring::fastify(FastifyKey::signed_with_key(login, last.clone()));
    /// let prefs = Keyring::fastify(FastifyKey::signed(last));
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn signed_with_key(key: Key, signing: Key) -> Self {
        Self::with(key, Signing::Derived(signing))
    }

    /// A key whose cookies are signed with a secret: the plugin's own `secret` (then
    /// `Key::from_passphrase` derives the key from it), or the secret of `@fastify/cookie` if the
    /// service registers that plugin itself.
    ///
    /// ```
    /// # use sealed_session::{FastifyKey, Key, Keyring};
    /// # let node = Key::generate()?;
    /// let keyring = Keyring::fastify(FastifyKey::signed_with_secret(node, "cookie secret"));
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn signed_with_secret(key: Key, secret: impl AsRef<[u8]>) -> Self {
        Self::with(key, Signing::Secret(Zeroizing::new(secret.as_ref().to_vec())))
    }

    /// Also accepts cookies without `__ts` (written by older plugin releases), treated as refreshed
    /// now. Default: they are refused.
    ///
    /// ```
    /// # use sealed_session::{FastifyKey, Key, Keyring};
    /// # let (new, node) = (Key::generate()?, Key::generate()?);
    /// let node = FastifyKey::from(node).danger_accept_undated();
    /// let keyring = Keyring::new(new).with_previous_fastify(node)?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Security
    ///
    /// Such a cookie never expires by itself. Use this with
    /// [`Keyring::with_previous_fastify`](crate::Keyring::with_previous_fastify), which re-seals the
    /// cookie with a time when it first arrives, and only until the old cookies have been replaced.
    #[must_use]
    pub fn danger_accept_undated(mut self) -> Self {
        self.undated = true;
        self
    }
}

impl FastifyKey {
    /// Whether the other key opens exactly the same cookies.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key == other.key
            && self.undated == other.undated
            && self.signing.is_same(&other.signing)
    }
}

impl From<Key> for FastifyKey {
    fn from(key: Key) -> Self {
        Self::with(key, Signing::None)
    }
}

impl fmt::Debug for FastifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FastifyKey(..)")
    }
}
