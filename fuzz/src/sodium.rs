//! What both token formats are made of, by libsodium: the crate's own code has no part in it.

use std::ptr;

use libsodium_sys as ffi;

pub const NONCE_LEN: usize = 24;
pub const TAG_LEN: usize = 16;

/// `crypto_secretbox_easy`: tag and ciphertext.
#[must_use]
pub fn seal(key: &[u8; 32], nonce: &[u8; NONCE_LEN], message: &[u8]) -> Vec<u8> {
    init();
    let mut boxed = vec![0; TAG_LEN + message.len()];
    // SAFETY: the output has room for the message and the tag, and the arrays have the lengths that
    // the function wants.
    let status = unsafe {
        ffi::crypto_secretbox_easy(
            boxed.as_mut_ptr(),
            message.as_ptr(),
            message.len() as u64,
            nonce.as_ptr(),
            key.as_ptr(),
        )
    };
    assert_eq!(status, 0);
    boxed
}

/// `crypto_secretbox_open_easy`: the message, unless it is forged.
#[must_use]
pub fn open(key: &[u8; 32], nonce: &[u8; NONCE_LEN], boxed: &[u8]) -> Option<Vec<u8>> {
    init();
    let mut message = vec![0; boxed.len().checked_sub(TAG_LEN)?];
    // SAFETY: as above; a box shorter than the tag has been turned away.
    let status = unsafe {
        ffi::crypto_secretbox_open_easy(
            message.as_mut_ptr(),
            boxed.as_ptr(),
            boxed.len() as u64,
            nonce.as_ptr(),
            key.as_ptr(),
        )
    };
    (status == 0).then_some(message)
}

/// The key of the native tokens of one cookie name.
#[must_use]
pub fn subkey(key: &[u8; 32], cookie_name: &str) -> [u8; 32] {
    init();
    let mut subkey = [0; 32];
    let salt = [0; 16];
    // SAFETY: lengths are passed along; salt and personalisation have the 16 bytes that are wanted.
    let status = unsafe {
        ffi::crypto_generichash_blake2b_salt_personal(
            subkey.as_mut_ptr(),
            subkey.len(),
            cookie_name.as_ptr(),
            cookie_name.len() as u64,
            key.as_ptr(),
            key.len(),
            salt.as_ptr(),
            b"sealed-session-1".as_ptr(),
        )
    };
    assert_eq!(status, 0);
    subkey
}

/// What Node's plugin signs with where it has a key: BLAKE2b-256 of it, in hex.
#[must_use]
pub fn signing_secret(key: &[u8; 32]) -> String {
    init();
    let mut hash = [0_u8; 32];
    // SAFETY: lengths are passed along; without a key the pointer to it is not read.
    let status = unsafe {
        ffi::crypto_generichash(
            hash.as_mut_ptr(),
            hash.len(),
            key.as_ptr(),
            key.len() as u64,
            ptr::null(),
            0,
        )
    };
    assert_eq!(status, 0);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// HMAC-SHA256 under a secret of any length.
#[must_use]
pub fn hmac(secret: &[u8], text: &[u8]) -> [u8; 32] {
    init();
    let mut mac = [0; 32];
    let mut state = std::mem::MaybeUninit::uninit();
    // SAFETY: `init` makes the state before the others use it; lengths are passed along.
    unsafe {
        ffi::crypto_auth_hmacsha256_init(state.as_mut_ptr(), secret.as_ptr(), secret.len());
        ffi::crypto_auth_hmacsha256_update(state.as_mut_ptr(), text.as_ptr(), text.len() as u64);
        ffi::crypto_auth_hmacsha256_final(state.as_mut_ptr(), mac.as_mut_ptr());
    }
    mac
}

fn init() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: it may be called at any time.
        assert!(unsafe { ffi::sodium_init() } >= 0);
    });
}
