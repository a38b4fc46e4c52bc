//! Seals and opens bytes in place: XSalsa20-Poly1305, NaCl's *secretbox*.
//!
//! The only file that names a cipher crate: `crypto_secretbox`, or `dryoc` with the feature `simd`. Both
//! compute the same bytes. Nonces come from `random`, and the framing from the schemes.

use std::ops::Range;

pub(crate) const KEY_LEN: usize = 32;
pub(crate) const NONCE_LEN: usize = 24;
pub(crate) const TAG_LEN: usize = 16;

/// A number that is used only once: sealing consumes it.
#[derive(Debug)]
pub(crate) struct Nonce(pub(super) [u8; NONCE_LEN]);

impl Nonce {
    /// The bytes as they are in the token.
    pub(crate) fn as_bytes(&self) -> &[u8; NONCE_LEN] {
        &self.0
    }
}

/// A key, ready to seal and open. Wiped on drop.
pub(crate) struct SecretBox(Cipher);

#[cfg(not(feature = "simd"))]
type Cipher = rust_crypto::Cipher;
#[cfg(feature = "simd")]
type Cipher = dryoc::Cipher;

/// Authentication failed: no such message was sealed with this key.
#[derive(Debug)]
pub(crate) struct Forged;

impl SecretBox {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Cipher::new(key))
    }

    /// Seals the message after the first [`TAG_LEN`] bytes of `boxed`, and writes the tag into them.
    #[allow(clippy::needless_pass_by_value, reason = "so that a nonce cannot be used twice")]
    pub(crate) fn seal(&self, nonce: Nonce, boxed: &mut [u8]) {
        self.0.seal(&nonce.0, boxed);
    }

    /// Opens tag and ciphertext, and returns the range of `boxed` that holds the message. A forged
    /// message is left unchanged.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        boxed: &mut [u8],
    ) -> Result<Range<usize>, Forged> {
        if boxed.len() < TAG_LEN {
            return Err(Forged);
        }
        self.0.open(nonce, boxed)
    }
}

#[cfg(any(not(feature = "simd"), test))]
#[expect(clippy::disallowed_types, reason = "the one place that names the cipher")]
mod rust_crypto {
    use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};

    use super::{Forged, KEY_LEN, NONCE_LEN, Range, TAG_LEN};

    pub(super) struct Cipher(Box<XSalsa20Poly1305>);

    impl Cipher {
        pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
            Self(Box::new(XSalsa20Poly1305::new(key.into())))
        }

        pub(super) fn seal(&self, nonce: &[u8; NONCE_LEN], boxed: &mut [u8]) {
            let (tag, message) = boxed.split_at_mut(TAG_LEN);
            let computed = self
                .0
                .encrypt_in_place_detached(nonce.into(), &[], message)
                .expect("secretbox fails only for associated data, and there is none");
            tag.copy_from_slice(&computed);
        }

        pub(super) fn open(
            &self,
            nonce: &[u8; NONCE_LEN],
            boxed: &mut [u8],
        ) -> Result<Range<usize>, Forged> {
            let (tag, ciphertext) = boxed.split_at_mut(TAG_LEN);
            self.0
                .decrypt_in_place_detached(nonce.into(), &[], ciphertext, (&*tag).into())
                .map_err(|_| Forged)?;
            Ok(TAG_LEN..boxed.len())
        }
    }
}

#[cfg(feature = "simd")]
#[expect(clippy::disallowed_methods, reason = "the one place that names the cipher")]
mod dryoc {
    use ::dryoc::classic::crypto_secretbox::{
        crypto_secretbox_easy_inplace, crypto_secretbox_open_easy_inplace,
    };
    use zeroize::Zeroizing;

    use super::{Forged, KEY_LEN, NONCE_LEN, Range, TAG_LEN};

    pub(super) struct Cipher(Box<Zeroizing<[u8; KEY_LEN]>>);

    impl Cipher {
        pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
            Self(Box::new(Zeroizing::new(*key)))
        }

        pub(super) fn seal(&self, nonce: &[u8; NONCE_LEN], boxed: &mut [u8]) {
            // It expects the space for the tag after the message.
            boxed.rotate_left(TAG_LEN);
            crypto_secretbox_easy_inplace(boxed, nonce, &self.0)
                .expect("a box has room for the tag and is far smaller than the cipher's limit");
        }

        pub(super) fn open(
            &self,
            nonce: &[u8; NONCE_LEN],
            boxed: &mut [u8],
        ) -> Result<Range<usize>, Forged> {
            crypto_secretbox_open_easy_inplace(boxed, nonce, &self.0).map_err(|_| Forged)?;
            Ok(0..boxed.len() - TAG_LEN)
        }
    }
}

#[cfg(test)]
#[cfg(feature = "simd")]
mod tests {
    use super::*;
    use crate::crypto::random;

    fn bytes(len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        random::fill(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn both_ciphers_seal_and_open_the_same_bytes() {
        for round in 0..4096 {
            let key: [u8; KEY_LEN] = bytes(KEY_LEN).try_into().unwrap();
            let nonce: [u8; NONCE_LEN] = bytes(NONCE_LEN).try_into().unwrap();
            let message = bytes(round);
            let (one, two) = (rust_crypto::Cipher::new(&key), dryoc::Cipher::new(&key));

            let room = [vec![0; TAG_LEN], message.clone()].concat();
            let (mut sealed, mut by_the_other) = (room.clone(), room);
            one.seal(&nonce, &mut sealed);
            two.seal(&nonce, &mut by_the_other);
            assert_eq!(sealed, by_the_other);

            let mut boxed = sealed.clone();
            let place = one.open(&nonce, &mut boxed).unwrap();
            assert_eq!(boxed[place], message);
            let mut boxed = sealed.clone();
            let place = two.open(&nonce, &mut boxed).unwrap();
            assert_eq!(boxed[place], message);

            let bit = usize::from(bytes(1)[0]) + 256 * usize::from(bytes(1)[0]);
            let bit = bit % (8 * sealed.len());
            let mut forged = sealed;
            forged[bit / 8] ^= 1 << (bit % 8);
            let mut boxed = forged.clone();
            assert!(one.open(&nonce, &mut boxed).is_err());
            assert_eq!(boxed, forged, "left as it is");
            assert!(two.open(&nonce, &mut boxed).is_err());
            assert_eq!(boxed, forged, "left as it is");
        }
    }
}
