//! `KeyId`: a public name for a key, so that logs and errors can name the key without revealing it.
//!
//! It is computed on demand. Nothing in a token depends on it.

use std::fmt;
use std::str::FromStr;

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
/// assert_eq!("4b596b61".parse(), Ok(key.id()));
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

/// A text is not a key id, which has 8 hex digits.
///
/// ```
/// use sealed_session::{InvalidKeyId, KeyId};
///
/// let result: Result<KeyId, InvalidKeyId> = "not an id".parse();
/// assert!(result.is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidKeyId;

impl fmt::Display for InvalidKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a key id: 8 hex digits")
    }
}

impl std::error::Error for InvalidKeyId {}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    /// An id from 8 hex digits, in either letter case, because people type ids.
    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let mut bytes = [0; ID_LEN];
        match base16ct::mixed::decode(text, &mut bytes) {
            Ok(decoded) if decoded.len() == ID_LEN => Ok(Self(bytes)),
            _ => Err(InvalidKeyId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyId;

    #[test]
    fn its_text_is_8_hex_digits_and_nothing_else() {
        let id = KeyId([0, 1, 0xab, 0xff]);
        assert_eq!((id.to_string(), format!("{id:?}")), ("0001abff".into(), "0001abff".into()));
        for same in ["0001abff", "0001ABFF", "0001aBfF"] {
            assert_eq!(same.parse(), Ok(id));
        }
        for other in ["", "0001abf", "0001abff0", " 0001abff", "0001abfg", "0001abff\n", "+001abff"]
        {
            assert!(other.parse::<KeyId>().is_err(), "{other:?}");
        }
    }
}
