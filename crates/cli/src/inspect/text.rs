//! base64 and percent-encoding, as far as one can see what a text is. Nothing is decoded here that a
//! server would accept; the library decodes tokens.

/// The characters of a native token.
pub(super) fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The characters of base64 in either alphabet.
pub(super) fn is_base64(byte: u8) -> bool {
    is_url_safe(byte) || matches!(byte, b'+' | b'/')
}

/// The number of bytes that this many characters of unpadded base64 hold.
pub(super) fn decoded_len(characters: usize) -> usize {
    characters * 3 / 4
}

/// Whether unpadded base64 can end so: its unused bits are zero, and no length is one above a multiple
/// of four.
pub(super) fn can_end(text: &str) -> bool {
    let last = text.bytes().last().and_then(value_of);
    match text.len() % 4 {
        0 => true,
        2 => last.is_some_and(|bits| bits & 0b1111 == 0),
        3 => last.is_some_and(|bits| bits & 0b11 == 0),
        _ => false,
    }
}

/// What a character of base64 stands for, in either alphabet.
fn value_of(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' | b'+' => 62,
        b'_' | b'/' => 63,
        _ => return None,
    })
}

/// The text without percent-encoding, if it has any and becomes ASCII.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut plain = String::with_capacity(text.len());
    let mut found = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = |place: usize| bytes.get(place).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(char::from_u32(high * 16 + low).filter(char::is_ascii)?);
                found = true;
                at += 3;
            }
            _ if byte.is_ascii() => {
                plain.push(char::from(*byte));
                at += 1;
            }
            _ => return None,
        }
    }
    found.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::{can_end, percent_decoded};

    #[test]
    fn percent_encoding_is_undone_once() {
        assert_eq!(percent_decoded("a%3Bb%3d").as_deref(), Some("a;b="));
        assert_eq!(percent_decoded("a%253B").as_deref(), Some("a%3B"));
        assert_eq!(percent_decoded("100%").as_deref(), None);
        assert_eq!(percent_decoded("%"), None);
        assert_eq!(percent_decoded("%41%").as_deref(), Some("A%"));
        assert_eq!(percent_decoded("%C3%A9"), None);
        assert_eq!(percent_decoded("é%41"), None);
    }

    #[test]
    fn knows_which_base64_can_be_whole() {
        for (text, whole) in [
            ("AAAA", true),
            ("AAAAA", false),
            ("AAAAAQ", true),
            ("AAAAAB", false),
            ("AAAAAAE", true),
        ] {
            assert_eq!(can_end(text), whole, "{text}");
        }
    }
}
