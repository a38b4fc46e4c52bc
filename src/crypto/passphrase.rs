//! Derives a key from a passphrase and a salt: Argon2id, as libsodium's `crypto_pwhash` computes it at
//! MODERATE cost.
//!
//! It runs once, at start-up. Memory is allocated first, so that too little memory is an error and
//! not an abort.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize as _;

use super::key::Key;
use super::secretbox::KEY_LEN;
use crate::error::{KeyError, KeyErrorKind};

/// libsodium's `crypto_pwhash_OPSLIMIT_MODERATE`.
const PASSES: u32 = 3;
/// libsodium's `crypto_pwhash_MEMLIMIT_MODERATE`, 256 MiB, in KiB.
const MEMORY_KIB: u32 = 256 * 1024;
const LANES: u32 = 1;
const SALT_LEN: usize = 16;
const MIN_PASSPHRASE_LEN: usize = 32;

/// A salt for [`Key::from_passphrase`]: 16 bytes.
///
/// It is not a secret, but each service should have its own. Generate it once with
/// [`Salt::generate`], and keep it in the configuration.
///
/// ```no_run
/// use sealed_session::{Key, Salt};
///
/// # let passphrase = String::new();
/// let salt = Salt::from_bytes(*b"mq9hDxBVDbspDR6n"); // from the configuration
/// let key = Key::from_passphrase(&passphrase, &salt)?;
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; SALT_LEN]);

impl Salt {
    /// The salt that `@fastify/secure-session` uses if it has a `secret` and no `salt`. Use it only
    /// to open the cookies of such a service.
    ///
    /// ```no_run
    /// # use sealed_session::{Key, Keyring, Salt};
    /// # let (secret, new) = (String::new(), Key::generate()?);
    /// let node = Key::from_passphrase(&secret, &Salt::FASTIFY_DEFAULT)?;
    /// let keyring = Keyring::new(new).with_previous_fastify(node)?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Security
    ///
    /// It is public and the same for everyone, so one table of passphrases works against every
    /// service that uses it. Rotate to a random key.
    #[cfg(feature = "fastify")]
    pub const FASTIFY_DEFAULT: Self = Self([
        0x9a, 0xaf, 0x61, 0x0f, 0x10, 0x55, 0x0d, 0xbb, 0x29, 0x0d, 0x1e, 0xa7, 0x2d, 0xf1, 0x53,
        0xd6,
    ]);

    /// A salt from its 16 bytes.
    ///
    /// ```
    /// # use sealed_session::Salt;
    /// const SALT: Salt = Salt::from_bytes(*b"mq9hDxBVDbspDR6n");
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SALT_LEN]) -> Self {
        Self(bytes)
    }

    /// A salt from a slice of exactly 16 bytes.
    ///
    /// ```
    /// # use sealed_session::Salt;
    /// let salt = Salt::from_slice(b"mq9hDxBVDbspDR6n")?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::SaltLength`] for any other length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        match bytes.try_into() {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(KeyErrorKind::SaltLength { found: bytes.len() }.into()),
        }
    }

    /// A new salt from the operating system's randomness.
    ///
    /// ```
    /// # use sealed_session::Salt;
    /// let salt = Salt::generate()?;
    /// println!("{:02x?}", salt.as_bytes()); // to store in the configuration
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Randomness`] if the operating system gives none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = [0; SALT_LEN];
        super::random::fill(&mut bytes).map_err(|_| KeyErrorKind::Randomness)?;
        Ok(Self(bytes))
    }

    /// The 16 bytes.
    ///
    /// ```
    /// # use sealed_session::Salt;
    /// assert_eq!(Salt::from_bytes([7; 16]).as_bytes(), &[7; 16]);
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SALT_LEN] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Key {
    /// A key from a passphrase of at least 32 bytes: Argon2id v1.3 with 3 passes over 256 MiB in
    /// one lane, which equals libsodium's `crypto_pwhash` at MODERATE cost.
    ///
    /// It takes about a second and 256 MiB of memory, which is then freed. Call it once, at start-up.
    /// Do not call it on a thread of an async runtime that is serving requests.
    ///
    /// ```no_run
    /// # use sealed_session::{Key, Salt};
    /// # let (passphrase, salt) = (String::new(), [0; 16]);
    /// let key = Key::from_passphrase(&passphrase, &Salt::from_bytes(salt))?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::PassphraseLength`] for fewer than 32 bytes, [`KeyErrorKind::Memory`] if
    /// 256 MiB cannot be allocated.
    ///
    /// # Security
    ///
    /// A random key from `genkey` is stronger than any passphrase that a person remembers. The
    /// minimum of 32 bytes is that of the Node plugin. Use six or more random words, not a sentence
    /// from a book.
    #[allow(clippy::missing_panics_doc, reason = "the cost is constant and valid")]
    pub fn from_passphrase(passphrase: impl AsRef<[u8]>, salt: &Salt) -> Result<Self, KeyError> {
        let passphrase = passphrase.as_ref();
        if passphrase.len() < MIN_PASSPHRASE_LEN {
            return Err(KeyErrorKind::PassphraseLength { found: passphrase.len() }.into());
        }
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(KEY_LEN))
            .expect("the cost is constant and valid");
        let mut memory = Vec::new();
        memory.try_reserve_exact(params.block_count()).map_err(|_| KeyErrorKind::Memory)?;
        memory.resize(params.block_count(), Block::new());

        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let key = Self::fill_with(|key| {
            argon2
                .hash_password_into_with_memory(passphrase, &salt.0, key, &mut memory)
                // The only error left is a passphrase of more than 4 GiB.
                .map_err(|_| KeyErrorKind::PassphraseLength { found: passphrase.len() }.into())
        });
        memory.iter_mut().for_each(Block::zeroize);
        key
    }
}
