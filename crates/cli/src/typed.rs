//! A key that somebody typed in place of a file's name. It must not be repeated on a screen or in a log.

use std::ffi::OsStr;
use std::path::Path;

use crate::failure::Failure;

/// What is said instead of the text.
pub(crate) const NOT_A_NAME: &str = "this is a key, not a file's name; it is not repeated here, but stays in the shell's history, so it \
     may have to be replaced";

/// Refuses a key in place of a path. A file that has such a name is a file.
pub(crate) fn check_path(path: &Path) -> Result<(), Failure> {
    match is_key(path.as_os_str()) && !path.exists() {
        true => Err(Failure::new(NOT_A_NAME)),
        false => Ok(()),
    }
}

/// Whether a text is a key by its form, or several, or an option with one: 64 hex digits, or base64 of 32
/// bytes. A path can be as long, but has not letters of both cases by chance.
pub(crate) fn is_key(text: &OsStr) -> bool {
    let text = text.to_string_lossy();
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '"' | '\''));
    let mut parts = parts.map(|part| match part.strip_prefix("--") {
        Some(option) => option.split_once('=').map_or(part, |(_, value)| value),
        None => part,
    });
    parts.any(|part| is_hex(part) || is_base64(part))
}

fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix('=').unwrap_or(text);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let has = |of_case: fn(&u8) -> bool| digits.bytes().any(|byte| of_case(&byte));
    digits.len() == 43
        && digits.bytes().all(fits)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use sealed_session::Key;

    use super::is_key;

    #[test]
    fn tells_a_key_from_a_name() {
        let key = Key::from_bytes([7; 32]).unwrap();
        let (hex, base64) = (key.to_hex(), key.to_base64());
        for text in [
            hex.to_string(),
            hex.to_uppercase(),
            base64.to_string(),
            base64.trim_end_matches('=').to_owned(),
            format!("{}\n", *hex),
            format!("{},{}", *hex, *base64),
            format!("--keys={}", *hex),
        ] {
            assert!(is_key(text.as_ref()), "{text:?}");
        }
        for text in [
            "keys",
            "2026-11-21T12-00-00Z.key",
            "4b596b61",
            "/home/app/service/production/secrets/keys00",
            &hex[1..],
            &format!("{}0", *hex),
        ] {
            assert!(!is_key(text.as_ref()), "{text:?}");
        }
    }
}
