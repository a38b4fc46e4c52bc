//! `Keyring`: the primary key seals, the others still open, in order.
//!
//! It only lists keys and the scheme of each; the codec derives what it needs from them, once.

use std::fmt;

use super::key::Key;
use crate::error::{KeyError, KeyErrorKind};
use crate::scheme::Scheme;

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
    keys: Vec<(Scheme, Key)>,
}

impl Keyring {
    /// A ring of one key, which seals and opens this crate's own tokens.
    #[must_use]
    pub fn new(primary: Key) -> Self {
        Self {
            keys: vec![(Scheme::Native, primary)],
        }
    }

    /// Adds an older key, which opens but does not seal. Call it newest first: keys are tried in
    /// this order.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Duplicate`] if the ring has the key already.
    pub fn with_previous(self, key: Key) -> Result<Self, KeyError> {
        self.with(Scheme::Native, key)
    }

    /// How many keys there are; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a keyring is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    fn with(mut self, scheme: Scheme, key: Key) -> Result<Self, KeyError> {
        // Every key is compared, whichever is equal.
        let duplicates = self
            .keys
            .iter()
            .filter(|known| known.0 == scheme && known.1 == key)
            .count();
        if duplicates > 0 {
            return Err(KeyErrorKind::Duplicate.into());
        }
        self.keys.push((scheme, key));
        Ok(self)
    }

    /// The keys with their schemes, the primary first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Scheme, &Key)> {
        self.keys.iter().map(|(scheme, key)| (*scheme, key))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}
