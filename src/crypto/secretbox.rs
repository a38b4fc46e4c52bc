//! Seal and open bytes in place: XSalsa20-Poly1305, NaCl's *secretbox*.
//!
//! The only file that names the cipher crate. It frames nothing and draws no nonces; the schemes do
//! the one, `random` the other.

use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};

pub(crate) const KEY_LEN: usize = 32;
pub(crate) const NONCE_LEN: usize = 24;
pub(crate) const TAG_LEN: usize = 16;

/// A key, ready to seal and open. Wiped on drop.
pub(crate) struct SecretBox(Box<XSalsa20Poly1305>);

/// No such message was sealed with this key.
#[derive(Debug)]
pub(crate) struct Forged;

impl SecretBox {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Box::new(XSalsa20Poly1305::new(key.into())))
    }

    /// Turns `message` into its ciphertext and returns the tag.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_LEN], message: &mut [u8]) -> [u8; TAG_LEN] {
        self.0
            .encrypt_in_place_detached(nonce.into(), &[], message)
            .expect("secretbox fails only for associated data, and there is none")
            .into()
    }

    /// Turns `ciphertext` into its message; a forged one is left as it is.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        tag: &[u8; TAG_LEN],
        ciphertext: &mut [u8],
    ) -> Result<(), Forged> {
        self.0
            .decrypt_in_place_detached(nonce.into(), &[], ciphertext, tag.into())
            .map_err(|_| Forged)
    }
}
