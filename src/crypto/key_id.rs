//! `KeyId`: a public name for a key, so that logs and errors can name the key without revealing it.
//!
//! It is computed on demand. Nothing in a token depends on it.

use std::fmt;

use blake2::Blake2bMac;
use blake2::digest::FixedOutput as _;
use blake2::digest::consts::U32;
use zeroize::Zeroize as _;

use super::secretbox::KEY_LEN;

const PERSONAL: &[u8; 16] = b"sealed-sessionid";
const ID_LEN: usize = 4;

/// Names a key without revealing it: 8 hex digits, computed by [`Key::id`](crate::Key::id).
///
/// It is public and safe to log. Compare it between servers to see whether they have the same key. It
/// is a name and not a proof: among 10,000 keys, the chance that two have the same id is about 1 %.
///
/// ```
/// use sealed_session::Key;
///
/// let key = Key::from_bytes([7; 32])?;
/// assert_eq!(key.id().to_string(), "4b596b61");
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID_LEN]);

impl KeyId {
    /// The first bytes of keyed BLAKE2b-256 with our own personalization, no salt and no input.
    pub(super) fn of(key: &[u8; KEY_LEN]) -> Self {
        let mac = Blake2bMac::<U32>::new_with_salt_and_personal(key, &[], PERSONAL)
            .expect("BLAKE2b accepts a key of 32 bytes and a personalization of 16");
        let mut hash = mac.finalize_fixed();
        let mut id = [0; ID_LEN];
        id.copy_from_slice(&hash[..ID_LEN]);
        hash.as_mut_slice().zeroize();
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
