//! `KeyId`: a public name for a key, so that logs and errors can say which one without showing it.
//!
//! Computed when it is asked for; nothing in a token depends on it.

use std::fmt;

use blake2::Blake2bMac;
use blake2::digest::FixedOutput as _;
use blake2::digest::consts::U32;
use zeroize::Zeroize as _;

use super::key::Key;

const PERSONAL: &[u8; 16] = b"sealed-sessionid";
const ID_LEN: usize = 4;

/// Says which key is meant without showing it: 8 hex digits, computed from the key by [`Key::id`].
///
/// It is public and safe in logs. Compare it between servers to see whether they have the same key.
/// It is a name and not a proof: of 10,000 keys, two have the same id with a chance of about 1 %.
///
/// ```
/// # use sealed_session::Key;
/// let key = Key::from_bytes([7; 32])?;
/// assert_eq!(key.id().to_string(), "4b596b61");
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID_LEN]);

impl Key {
    /// The key's public name: equal keys have equal ids, on every server.
    ///
    /// The id is the first 4 bytes of BLAKE2b-256 with this key, the personalisation
    /// `sealed-sessionid`, and no salt and no input.
    ///
    /// # Security
    ///
    /// The id is not a secret. It tells nothing about a random key. If the key comes from a
    /// passphrase, anyone with the id can check a guess of the passphrase, as anyone with a token
    /// can.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "the lengths are constant and valid")]
    pub fn id(&self) -> KeyId {
        let mac =
            Blake2bMac::<U32>::new_with_salt_and_personal(self.expose_secret(), &[], PERSONAL)
                .expect("key and personal are of the lengths that BLAKE2b takes");
        let mut hash = mac.finalize_fixed();
        let mut id = [0; ID_LEN];
        id.copy_from_slice(&hash[..ID_LEN]);
        hash.as_mut_slice().zeroize();
        KeyId(id)
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
