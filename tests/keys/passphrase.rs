//! Keys from passphrases: libsodium's `crypto_pwhash` at MODERATE cost, to the bit.
//!
//! The vectors are of Node's `@fastify/secure-session` 8.4, which calls libsodium.

use std::process::Command;

use sealed_session::{Key, KeyErrorKind, Salt};

use crate::support::child;

const PASSPHRASE: &str = "averylogphrasebiggerthanthirtytwochars";

#[track_caller]
fn derives(salt: &[u8], wanted: &str) {
    let key = Key::from_passphrase(PASSPHRASE, &Salt::from_slice(salt).unwrap()).unwrap();
    assert_eq!(*key.to_hex(), wanted);
}

#[test]
fn equals_libsodium() {
    derives(
        b"mq9hDxBVDbspDR6n",
        "fa4edddde76d7a8f4a7d89b3a93effcc51d9e7bf176b6441c5d82a3b86c2f82b",
    );
}

#[test]
fn equals_libsodium_with_the_default_salt_of_node() {
    derives(
        &hex::decode("9aaf610f10550dbb290d1ea72df153d6").unwrap(),
        "b26d7bb1252a79d7f24e1af3ba192dda3fb33e965905edcff87493ace649b67e",
    );
}

#[test]
fn refuses_a_passphrase_of_fewer_than_32_bytes() {
    let salt = Salt::from_bytes([1; 16]);
    for passphrase in ["", "short", &"x".repeat(31)] {
        let error = Key::from_passphrase(passphrase, &salt).unwrap_err();
        let found = passphrase.len();
        assert!(
            matches!(error.kind(), KeyErrorKind::PassphraseLength { found: len, .. } if *len == found)
        );
        let message = format!("expected a passphrase of at least 32 bytes, found {found} bytes");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn counts_the_passphrase_in_bytes() {
    let sixteen_characters = "é".repeat(16);
    assert!(Key::from_passphrase(sixteen_characters, &Salt::from_bytes([1; 16])).is_ok());
}

#[test]
fn accepts_only_a_salt_of_16_bytes() {
    for len in (0..40).filter(|len| *len != 16) {
        let error = Salt::from_slice(&vec![1; len]).unwrap_err();
        assert!(
            matches!(error.kind(), KeyErrorKind::SaltLength { found, .. } if *found == len),
            "{error:?}"
        );
        assert_eq!(error.to_string(), format!("expected a salt of 16 bytes, found {len} bytes"));
    }
    assert_eq!(Salt::from_slice(&[1; 16]).unwrap(), Salt::from_bytes([1; 16]));
}

#[test]
fn generates_a_different_salt_each_time() {
    assert_ne!(Salt::generate().unwrap(), Salt::generate().unwrap());
}

/// In a process that may have 200 MB of addresses in all.
#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_an_error_and_not_an_abort() {
    if child::in_child() {
        let error = Key::from_passphrase(PASSPHRASE, &Salt::from_bytes([1; 16])).unwrap_err();
        assert_eq!(error.kind(), &KeyErrorKind::Memory);
        return assert!(error.to_string().contains("256 MiB"), "{error}");
    }
    child::run_in_child(module_path!(), "too_little_memory_is_an_error_and_not_an_abort", |exe| {
        let mut command = Command::new("sh");
        command.args(["-c", r#"ulimit -v 200000 && exec "$0" "$@""#]).arg(exe);
        command
    });
}
