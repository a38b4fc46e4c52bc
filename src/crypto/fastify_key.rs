//! `FastifyKey`: a key as a Node service uses it, and what its cookies demand besides.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::key::Key;

/// A key of Node's `@fastify/secure-session`, and how that service is configured.
///
/// A [`Key`] alone stands for the plugin's defaults. With `signed: true` in the plugin's cookie
/// options, use [`FastifyKey::signed`], or [`FastifyKey::signed_with_secret`] where the plugin has a
/// `secret` instead of a `key`.
///
/// ```
/// # use sealed_session::{FastifyKey, Key, Keyring};
/// # let (key, old) = (Key::generate()?, Key::generate()?);
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

/// Whether cookies carry a signature, and what it is made with.
#[derive(Clone)]
pub(crate) enum Signing {
    None,
    /// With what the plugin derives from a key.
    Derived(Key),
    /// With the plugin's `secret`.
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
    #[must_use]
    pub fn signed(key: Key) -> Self {
        let signing = Signing::Derived(key.clone());
        Self::with(key, signing)
    }

    /// A key whose cookies are signed with what the plugin derives from another key. Of several
    /// sessions in one registration, it signs all with the first key of the last.
    #[must_use]
    pub fn signed_with_key(key: Key, signing: Key) -> Self {
        Self::with(key, Signing::Derived(signing))
    }

    /// A key whose cookies are signed with a secret: the plugin's own `secret` (then the key is what
    /// `Key::from_passphrase` makes of it), or that of `@fastify/cookie` where the service registers
    /// that plugin itself.
    #[must_use]
    pub fn signed_with_secret(key: Key, secret: impl AsRef<[u8]>) -> Self {
        Self::with(key, Signing::Secret(Zeroizing::new(secret.as_ref().to_vec())))
    }

    /// Also opens cookies without `__ts`, such as releases of the plugin before it knew expiry wrote
    /// them, as if they had been refreshed this very moment. Default: they are refused.
    ///
    /// # Security
    ///
    /// Such a cookie never expires by itself. Use it with
    /// [`Keyring::with_previous_fastify`](crate::Keyring::with_previous_fastify), which seals it anew
    /// with a time at first sight, and only until the old cookies have come by.
    #[must_use]
    pub fn danger_accept_undated(mut self) -> Self {
        self.undated = true;
        self
    }
}

impl FastifyKey {
    /// Whether the other opens exactly what this one opens.
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
