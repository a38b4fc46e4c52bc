//! `Key`: 32 secret bytes; generate, decode, redact, wipe, compare. Text is decoded in constant time.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "fastify")]
use std::sync::{PoisonError, Weak};

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::key_id::KeyId;
use super::random;
use super::secretbox::KEY_LEN;
use crate::error::{KeyError, KeyErrorKind, KeyLengthHint};
#[cfg(feature = "fastify")]
use crate::sync::{Mutex, MutexGuard};

pub(super) const HEX_LEN: usize = 2 * KEY_LEN;
pub(super) const BASE64_LEN: usize = 43;
pub(super) const BASE64_PADDED_LEN: usize = 44;

/// A secret key: 32 bytes.
///
/// It is wiped when dropped, compared in constant time, and never printed: `Debug` is redacted, and
/// there is neither `Display` nor `Serialize`.
///
/// Generate one with `cargo run --bin genkey -- --output secret-key`, then read it:
///
/// ```no_run
/// use sealed_session::Key;
///
/// let key = Key::from_file("secret-key")?;
/// # Ok::<(), sealed_session::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Key {
    /// On the heap, so that moving or cloning a key leaves no copies of it.
    shared: Arc<Shared>,
}

struct Shared {
    bytes: Zeroizing<[u8; KEY_LEN]>,
    /// The cookies of the codecs that use the key, as long as these live, where the token format does
    /// not bind a cookie to its name.
    #[cfg(feature = "fastify")]
    cookies: Mutex<Vec<Weak<str>>>,
}

impl Key {
    /// A new key from the operating system's randomness.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring};
    /// let keyring = Keyring::new(Key::generate()?);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Randomness`] if the operating system gives none.
    pub fn generate() -> Result<Self, KeyError> {
        Self::fill_with(|bytes| random::fill(bytes).map_err(|_| KeyErrorKind::Randomness.into()))
    }

    /// A key from its 32 raw bytes.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::from_bytes([7; 32])?;
    /// assert_eq!(key.expose_secret(), &[7; 32]);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::AllZero`] if every byte is zero.
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(bytes);
        Self::from_slice(&*bytes)
    }

    /// A key from a slice of exactly 32 raw bytes.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let bytes = vec![7; 32];
    /// let key = Key::from_slice(&bytes)?;
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Length`] for any other length, [`KeyErrorKind::AllZero`] if every byte is
    /// zero.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != KEY_LEN {
            return Err(wrong_length(bytes));
        }
        Self::fill_with(|key| {
            key.copy_from_slice(bytes);
            Ok(())
        })
    }

    /// A key from 64 hex digits, in either letter case.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::from_hex("07".repeat(32))?;
    /// assert_eq!(key, Key::from_bytes([7; 32])?);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Length`] for any other length, [`KeyErrorKind::InvalidEncoding`] for other
    /// characters, [`KeyErrorKind::AllZero`] if every byte is zero.
    pub fn from_hex(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let text = text.as_ref();
        if text.len() != HEX_LEN {
            return Err(wrong_length(text));
        }
        Self::fill_with(|key| match base16ct::mixed::decode(text, key) {
            Ok(_) => Ok(()),
            Err(_) => Err(KeyErrorKind::InvalidEncoding { found: HEX_LEN }.into()),
        })
    }

    /// A key from base64: 43 characters, or 44 with padding, in the standard or the URL-safe alphabet.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::from_base64("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")?;
    /// assert_eq!(key, Key::from_bytes([7; 32])?);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Length`] for any other length, [`KeyErrorKind::InvalidEncoding`] for other
    /// characters, a mixture of the alphabets, or non-zero unused bits; [`KeyErrorKind::AllZero`] if
    /// every byte is zero.
    pub fn from_base64(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let text = text.as_ref();
        // Both alphabets are always tried, so that the time does not show which one it is. They are decoded
        // in place, because a value that moves leaves a copy behind.
        let mut standard = Zeroizing::new([0; KEY_LEN]);
        let mut url = Zeroizing::new([0; KEY_LEN]);
        let (is_standard, is_url) = match text.len() {
            BASE64_LEN => (
                decode_base64::<Base64Unpadded>(text, &mut standard),
                decode_base64::<Base64UrlUnpadded>(text, &mut url),
            ),
            BASE64_PADDED_LEN => (
                decode_base64::<Base64>(text, &mut standard),
                decode_base64::<Base64Url>(text, &mut url),
            ),
            _ => return Err(wrong_length(text)),
        };
        match (is_standard, is_url) {
            (true, _) => Self::from_slice(&*standard),
            (false, true) => Self::from_slice(&*url),
            (false, false) => Err(KeyErrorKind::InvalidEncoding { found: text.len() }.into()),
        }
    }

    /// The 32 bytes.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::from_bytes([7; 32])?;
    /// assert_eq!(key.expose_secret(), &[7; 32]);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Security
    ///
    /// Anyone who has them can forge every session. Do not log or copy them.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; KEY_LEN] {
        &self.shared.bytes
    }

    /// The key's public name, for logs and for comparing servers. Equal keys have equal ids.
    ///
    /// It is the first 4 bytes of BLAKE2b-256 with this key, the personalization `sealed-sessionid`,
    /// no salt and no input.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::from_bytes([7; 32])?;
    /// println!("sealing with key {}", key.id());
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    ///
    /// # Security
    ///
    /// The id is not a secret. It reveals nothing about a random key. If the key comes from a
    /// passphrase, anyone with the id can check a guess of the passphrase. So can anyone with a
    /// token.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of(self.expose_secret())
    }

    /// The key in 64 lower-case hex digits, wiped when dropped.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::generate()?;
    /// assert_eq!(Key::from_hex(&*key.to_hex())?, key);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(base16ct::lower::encode_string(self.expose_secret()))
    }

    /// The key in 44 characters of padded standard base64, wiped when dropped.
    ///
    /// ```
    /// # use sealed_session::Key;
    /// let key = Key::generate()?;
    /// assert_eq!(Key::from_base64(&*key.to_base64())?, key);
    /// # Ok::<(), sealed_session::KeyError>(())
    /// ```
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64::encode_string(self.expose_secret()))
    }

    /// Claims the key and its clones for a cookie, as long as the name's owner, a codec, lives.
    #[cfg(feature = "fastify")]
    pub(crate) fn claim(&self, cookie: &Arc<str>) {
        let mut cookies = self.cookies();
        if !cookies.iter().filter_map(Weak::upgrade).any(|claimed| Arc::ptr_eq(&claimed, cookie)) {
            cookies.push(Arc::downgrade(cookie));
        }
    }

    /// Another cookie that the key or a clone of it is claimed for.
    #[cfg(feature = "fastify")]
    pub(crate) fn claimed_by_other(&self, cookie: &str) -> Option<Arc<str>> {
        self.cookies().iter().filter_map(Weak::upgrade).find(|claimed| **claimed != *cookie)
    }

    /// The claims of the codecs that live.
    #[cfg(feature = "fastify")]
    fn cookies(&self) -> MutexGuard<'_, Vec<Weak<str>>> {
        let mut cookies = self.shared.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.retain(|claimed| claimed.strong_count() > 0);
        cookies
    }

    /// A key whose bytes `fill` writes in place. It is then checked.
    pub(crate) fn fill_with(
        fill: impl FnOnce(&mut [u8; KEY_LEN]) -> Result<(), KeyError>,
    ) -> Result<Self, KeyError> {
        let mut shared = Arc::new(Shared {
            bytes: Zeroizing::new([0; KEY_LEN]),
            #[cfg(feature = "fastify")]
            cookies: Mutex::new(Vec::new()),
        });
        let new = Arc::get_mut(&mut shared).expect("it is not shared yet");
        fill(&mut new.bytes)?;
        if bool::from(new.bytes.ct_eq(&[0; KEY_LEN])) {
            return Err(KeyErrorKind::AllZero.into());
        }
        Ok(Self { shared })
    }
}

impl TryFrom<[u8; KEY_LEN]> for Key {
    type Error = KeyError;

    /// [`Key::from_bytes`].
    fn try_from(bytes: [u8; KEY_LEN]) -> Result<Self, KeyError> {
        Self::from_bytes(bytes)
    }
}

impl PartialEq for Key {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret().ct_eq(other.expose_secret()).into()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Whether the text is the base64 of a key, which is then in `key`.
fn decode_base64<E: base64ct::Encoding>(text: &[u8], key: &mut [u8; KEY_LEN]) -> bool {
    E::decode(text, key).is_ok_and(|decoded| decoded.len() == KEY_LEN)
}

pub(super) fn wrong_length(content: &[u8]) -> KeyError {
    KeyErrorKind::Length { found: content.len(), hint: KeyLengthHint::of(content) }.into()
}
