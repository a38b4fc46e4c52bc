//! Keys: from text, files, the environment and passphrases.

#[path = "../support/mod.rs"]
mod support;

mod file;
mod key;
mod list;
#[cfg(feature = "passphrase")]
mod passphrase;

use sealed_session::{Key, KeyError};

/// Its base64 has both characters in which the alphabets differ.
const HEX: &str = "fbefbeff0011223344556677899aabbccddeeff0123456789abcdef103254760";

/// The key of [`HEX`].
fn raw() -> [u8; 32] {
    hex::decode(HEX).unwrap().try_into().unwrap()
}

#[track_caller]
fn is_the_key(key: Result<Key, KeyError>) {
    assert_eq!(key.unwrap().expose_secret(), &raw());
}
