//! Any bytes as a key, a key file and a key's text. Nothing panics; what is a key, and which, is
//! what the crates `hex` and `base64` say; and a key's own spellings are read back.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use sealed_session::{Key, KeyError, KeyErrorKind};

/// What is wrong with it.
#[derive(Debug, PartialEq, Eq)]
enum No {
    Length,
    Text,
    Zero,
}
use No::{Length, Text, Zero};

fuzz_target!(|input: &[u8]| {
    same(Key::from_slice(input), raw(input));
    same(Key::from_hex(input), hexadecimal(input));
    same(Key::from_base64(input), base64(input));
    same(Key::parse(input), file(input));
    if let Ok(bytes) = <[u8; 32]>::try_from(input) {
        same(Key::from_bytes(bytes), raw(input));
    }
});

fn same(found: Result<Key, KeyError>, wanted: Result<[u8; 32], No>) {
    let key = match found {
        Ok(key) => key,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let no = match error.kind() {
                KeyErrorKind::Length { .. } => Length,
                KeyErrorKind::InvalidEncoding { .. } => Text,
                KeyErrorKind::AllZero => Zero,
                other => panic!("{other:?}"),
            };
            assert_eq!(Err(no), wanted);
            return;
        }
    };
    assert_eq!(Ok(*key.expose_secret()), wanted);
    for spelling in [key.to_hex(), key.to_base64()] {
        assert!(Key::parse(spelling.as_bytes()).is_ok_and(|read| read == key));
        assert!(Key::parse(format!("{}\r\n", *spelling)).is_ok_and(|read| read == key));
    }
    assert_eq!(format!("{key:?}"), "Key(..)");
}

fn raw(bytes: &[u8]) -> Result<[u8; 32], No> {
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| Length)?;
    if bytes == [0; 32] { Err(Zero) } else { Ok(bytes) }
}

fn hexadecimal(text: &[u8]) -> Result<[u8; 32], No> {
    if text.len() != 64 {
        return Err(Length);
    }
    raw(&hex::decode(text).map_err(|_| Text)?)
}

fn base64(text: &[u8]) -> Result<[u8; 32], No> {
    let decoded = match text.len() {
        43 => STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)),
        44 => STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)),
        _ => return Err(Length),
    };
    let bytes = decoded.map_err(|_| Text)?;
    // 44 characters without padding are 33 bytes.
    raw(&bytes).map_err(|no| if no == Length { Text } else { no })
}

fn file(content: &[u8]) -> Result<[u8; 32], No> {
    if content.len() == 32 {
        return raw(content);
    }
    let text = [&b"\r\n"[..], b"\n"].iter().find_map(|end| content.strip_suffix(*end));
    let text = text.unwrap_or(content);
    match text.len() {
        64 => hexadecimal(text),
        43 | 44 => base64(text),
        _ => Err(Length),
    }
}
